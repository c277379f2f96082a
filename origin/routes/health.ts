// Whether the origin can do its work: configuration, Redis, Postgres. For operators on the service binding; the edge
// answers `/healthz` of the public address itself. Tells levels, never addresses or messages.

import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import type { OriginEnv } from '../env.ts'
import { logError } from '../log.ts'

export const healthRoutes = new Hono<OriginEnv>().get('/healthz', async (c) => {
  const [redis, postgres] = await Promise.all([
    level('redis', c.var.redis.ping()),
    level('postgres', c.var.db.execute(sql`select 1`)),
  ])
  const status = redis === 'ok' && postgres === 'ok' ? 'ok' : 'down'
  // The configuration was parsed before this handler could run.
  return c.json({ status, configuration: 'ok', redis, postgres }, status === 'ok' ? 200 : 503, {
    'cache-control': 'no-store',
  })
})

async function level(name: string, probe: Promise<unknown>): Promise<'ok' | 'down'> {
  try {
    await probe
    return 'ok'
  } catch (error) {
    logError(`${name} did not answer`, error)
    return 'down'
  }
}
