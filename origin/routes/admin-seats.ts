// What operators do with seats: release, block, keep. Asks for the admin token before it reads a body.

import { Hono } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { requireAdmin } from '../admin-token.ts'
import { findPerformance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { seatsBody, setSeats } from '../set-seats.ts'

/** Ten thousand ids of seats are below this. */
const LIMIT_BYTES = 1_024 * 1_024

export const adminSeatRoutes = new Hono<OriginEnv>().post('/api/admin/performances/:id/seats', async (c) => {
  await requireAdmin(c)
  const performance = await findPerformance(c.var.db, c.req.param('id'))
  if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
  const body = await readJson(c.req.raw, seatsBody, { limitBytes: LIMIT_BYTES })
  return c.json(await setSeats(c.var, performance, body), 200, { 'cache-control': 'private, no-store' })
})
