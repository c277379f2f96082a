// Makes an isolate's configuration and clients, once, and gives them to each request, to webhooks and to cron.
// A Worker's bindings are one object for the life of its isolate, so the cache is keyed by it. Opens no connection.

import { createMiddleware } from 'hono/factory'
import { createDatabase, type Database } from '../src/db/client.ts'
import { createRedis } from '../src/redis/client.ts'
import { createSeatStore } from '../src/redis/seats.ts'
import { createStockStore } from '../src/redis/stock.ts'
import { createStreams } from '../src/redis/streams.ts'
import { createCatalogue, type Catalogue } from './catalogue-cache.ts'
import { parseConfig, type OriginConfig } from './config.ts'
import type { IsolateParts, OriginEnv } from './env.ts'
import { createNotifier } from './notify/create-notifier.ts'
import { createPayments } from './payments.ts'

/** Both have a substitute: the replica the primary, Redis Postgres. */
const REPLICA_TIMEOUT_MS = 2_000
const CACHE_TIMEOUT_MS = 500

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
  const db = createDatabase(config.database)
  const parts: IsolateParts = {
    config,
    db,
    redis,
    catalogue: catalogueOf(config, db),
    seats: createSeatStore(redis),
    stock: createStockStore(redis),
    streams: createStreams(redis),
    payments: createPayments(config.payment),
    notifier: createNotifier(config.notifier),
  }
  cache.set(env, parts)
  return parts
}

function catalogueOf({ database, redis, catalogueCacheSeconds }: OriginConfig, db: Database): Catalogue {
  const { replicaUrl: url, endpoint } = database
  return createCatalogue({
    db,
    replica: url === undefined ? undefined : createDatabase({ url, endpoint, timeoutMs: REPLICA_TIMEOUT_MS }),
    redis: createRedis({ ...redis, timeoutMs: CACHE_TIMEOUT_MS }),
    cacheSeconds: catalogueCacheSeconds,
  })
}

export const prepare = createMiddleware<OriginEnv>(async (c, next) => {
  const { config, db, redis, catalogue, seats, stock, streams, payments, notifier } = await partsOf(c.env)
  c.set('config', config)
  c.set('db', db)
  c.set('redis', redis)
  c.set('catalogue', catalogue)
  c.set('seats', seats)
  c.set('stock', stock)
  c.set('streams', streams)
  c.set('payments', payments)
  c.set('notifier', notifier)
  c.set('waitUntil', (work) => c.executionCtx.waitUntil(work))
  await next()
})
