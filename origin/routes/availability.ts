// Which seats of a performance are free: the whole map, or what changed since a version. For the admitted alone.

import { Hono } from 'hono'
import { Problem } from '../../src/problem.ts'
import { requireAdmission } from '../admission.ts'
import { seatsNow } from '../availability.ts'
import { findPerformance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { seatsChanged } from '../stock.ts'

const VERSION = /^\d{1,16}$/

export const availabilityRoutes = new Hono<OriginEnv>().get(
  '/api/performances/:id/availability',
  async (c) => {
    const performance = await findPerformance(c.var.db, c.req.param('id'))
    if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
    await requireAdmission(c, performance.room)
    const since = c.req.query('since')
    if (since !== undefined && !VERSION.test(since)) {
      throw new Problem('validation_failed', {
        detail: 'since must be a version that an earlier answer gave.',
        errors: [{ field: 'since', message: 'must be a version that an earlier answer gave' }],
      })
    }
    const { db, seats } = c.var
    const sources = { db, seats, seatsReturned: () => seatsChanged(c.var, performance.id) }
    const answer = await seatsNow(sources, performance, since === undefined ? undefined : Number(since))
    // Private and never stored: it was given to an admitted visitor, and it is old within the second.
    return c.json(answer, 200, { 'cache-control': 'private, no-store' })
  },
)
