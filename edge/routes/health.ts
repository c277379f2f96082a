// `GET /healthz`: whether this isolate can do its work, by what it already knows. Costs Redis nothing beyond the shared
// snapshot's own refresh, so that anybody may ask as often as they like.

import { Hono } from 'hono'
import { StoreUnavailable } from '../../src/redis/client.ts'
import type { EdgeEnv } from '../env.ts'

export const healthRoutes = new Hono<EdgeEnv>().get('/healthz', async (c) => {
  const rooms = [...c.var.isolate.queues.values()]
  const answers = await Promise.all(
    rooms.map(async ({ snapshot }) => {
      try {
        await snapshot.get((promise) => c.executionCtx.waitUntil(promise))
        return !snapshot.failing
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        return false
      }
    }),
  )
  const level = (works: boolean) => (works ? ('ok' as const) : ('failing' as const))
  const redis = answers.every(Boolean)
  // A draw that stands still keeps a whole room waiting.
  const draws = rooms.flatMap(({ room, draw }) =>
    draw?.fault === undefined ? [] : [`${room.id}: ${draw.fault}`],
  )
  const warnings = [...c.var.isolate.warnings, ...draws]
  const works = redis && draws.length === 0
  const levels = { config: level(true), redis: level(redis), draw: level(draws.length === 0) }
  c.header('cache-control', 'no-store')
  return c.json({ status: level(works), levels, warnings }, works ? 200 : 503)
})
