// The static layout of a performance: an overview of sections and prices, and the seats of one section at a time.
// Which seats are free is availability's answer. An ETag names the version; it changes only by an import.

import { Hono } from 'hono'
import { requireAdmission } from '../admission.ts'
import { findPerformance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { readOverview, readSection } from '../seat-map.ts'
import { Problem } from '../../src/problem.ts'
import { showPerformance } from './catalogue.ts'

// Private: the answer was given to an admitted visitor, and shared caches must not stand before the gate.
const CACHE_CONTROL = 'private, max-age=60'

export const seatRoutes = new Hono<OriginEnv>().get('/api/performances/:id/seats', async (c) => {
  const performance = await findPerformance(c.var.db, c.req.param('id'))
  if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
  await requireAdmission(c, performance.room)
  const etag = `"${performance.version}"`
  const headers = { etag, 'cache-control': CACHE_CONTROL }
  if (
    c.req
      .header('if-none-match')
      ?.split(/\s*,\s*/)
      .some((tag) => tag.replace(/^W\//, '') === etag)
  ) {
    return c.body(null, 304, headers)
  }
  const sectionId = c.req.query('section')
  if (sectionId === undefined) {
    const overview = await readOverview(c.var.db, performance)
    return c.json({ performance: showPerformance(performance), ...overview }, 200, headers)
  }
  const section = await readSection(c.var.db, performance, sectionId)
  if (section === undefined) throw new Problem('not_found', { detail: 'This hall has no such section.' })
  return c.json(section, 200, headers)
})
