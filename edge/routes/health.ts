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
  const redis = answers.every(Boolean)
  c.header('cache-control', 'no-store')
  return redis
    ? c.json({ status: 'ok', levels: { config: 'ok', redis: 'ok' } }, 200)
    : c.json({ status: 'failing', levels: { config: 'ok', redis: 'failing' } }, 503)
})
