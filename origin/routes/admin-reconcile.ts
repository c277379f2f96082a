// What operators see of cron's repairs: all so far by kind, what the last run found, and what waits. Asks for the admin
// token first; changes nothing.

import { Hono } from 'hono'
import { requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { readLastRun } from '../reconcile/reconcile.ts'
import { readRepairs } from '../reconcile/repairs.ts'
import { readWaiting } from '../reconcile/waiting.ts'

export const adminReconcileRoutes = new Hono<OriginEnv>().get('/api/admin/reconcile', async (c) => {
  await requireAdmin(c)
  const { db } = c.var
  const [repairs, lastRun, waiting] = await Promise.all([
    readRepairs(db),
    readLastRun(c.var),
    readWaiting(db),
  ])
  return c.json({ repairs, lastRun, waiting }, 200, { 'cache-control': 'private, no-store' })
})
