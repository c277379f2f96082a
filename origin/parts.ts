// Makes an isolate's configuration and clients, once, and gives them to each request, to webhooks and to cron.
// A Worker's bindings are one object for the life of its isolate, so the cache is keyed by it. Opens no connection.

import { createMiddleware } from 'hono/factory'
import { createDatabase } from '../src/db/client.ts'
import { createRedis } from '../src/redis/client.ts'
import { createSeatStore } from '../src/redis/seats.ts'
import { createStockStore } from '../src/redis/stock.ts'
import { parseConfig } from './config.ts'
import type { IsolateParts, OriginEnv } from './env.ts'
import { createPayments } from './payments.ts'

const cache = new WeakMap<object, IsolateParts>()

/** Throws `ConfigError` with every fault, at each call, until the configuration is right. */
export async function partsOf(env: object): Promise<IsolateParts> {
  const known = cache.get(env)
  if (known !== undefined) return known
  const config = await parseConfig(env)
  // Another first request may have been quicker: all must share one set, or nothing is shared.
  const made = cache.get(env)
  if (made !== undefined) return made
  const redis = createRedis(config.redis)
  const parts: IsolateParts = {
    config,
    db: createDatabase(config.database),
    redis,
    seats: createSeatStore(redis),
    stock: createStockStore(redis),
    payments: createPayments(config.payment),
  }
  cache.set(env, parts)
  return parts
}

export const prepare = createMiddleware<OriginEnv>(async (c, next) => {
  const { config, db, redis, seats, stock, payments } = await partsOf(c.env)
  c.set('config', config)
  c.set('db', db)
  c.set('redis', redis)
  c.set('seats', seats)
  c.set('stock', stock)
  c.set('payments', payments)
  c.set('waitUntil', (work) => c.executionCtx.waitUntil(work))
  await next()
})
