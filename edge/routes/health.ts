// `GET /healthz`: whether this isolate can do its work, by what it already knows. Costs Redis nothing beyond the shared
// snapshot's own refresh, so that anybody may ask as often as they like.

import { Hono } from 'hono'
import { SaleReplaced, StoreUnavailable } from '../../src/redis/client.ts'
import type { EdgeEnv } from '../env.ts'

export const healthRoutes = new Hono<EdgeEnv>().get('/healthz', async (c) => {
  const rooms = [...c.var.isolate.queues.values()]
  const answers = await Promise.all(
    rooms.map(async ({ snapshot }) => {
      try {
        await snapshot.get((promise) => c.executionCtx.waitUntil(promise))
        return !snapshot.failing || snapshot.replaced !== undefined
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        return error instanceof SaleReplaced
      }
    }),
  )
  const level = (works: boolean) => (works ? ('ok' as const) : ('failing' as const))
  // Redis answers a Worker whose sale was replaced: what is wrong is what was deployed.
  const replaced = rooms.flatMap(({ room, snapshot }) =>
    snapshot.replaced === undefined ? [] : [`${room.id}: ${snapshot.replaced.message}`],
  )
  const redis = answers.every(Boolean)
  // A draw that stands still keeps a whole room waiting.
  const draws = rooms.flatMap(({ room, draw }) =>
    draw?.fault === undefined ? [] : [`${room.id}: ${draw.fault}`],
  )
  const warnings = [...c.var.isolate.warnings, ...draws, ...replaced]
  const works = redis && draws.length === 0 && replaced.length === 0
  const levels = {
    config: level(true),
    redis: level(redis),
    draw: level(draws.length === 0),
    sale: replaced.length === 0 ? ('ok' as const) : ('replaced' as const),
  }
  c.header('cache-control', 'no-store')
  return c.json({ status: level(works), levels, warnings }, works ? 200 : 503)
})
