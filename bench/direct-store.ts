// The queue store over one Redis connection, without the Upstash gateway between: what a script costs, and nothing else.
// Used by the benchmarks and by tests at sizes that HTTP would make slow. The scripts and their binding are the real ones.

import { Redis as UpstashRedis } from '@upstash/redis/cloudflare'
import { Redis as Connection } from 'ioredis'
import { createScriptFlags } from '../local/upstash/script-flags.ts'
import { createQueueStore, type QueueStore } from '../src/redis/queue.ts'

export interface DirectStore {
  readonly store: QueueStore
  /** The connection that the store's commands go over: what runs on it runs in order with them. */
  readonly connection: Connection
  /** Milliseconds from sending the last command of the store to having its reply decoded. */
  readonly lastCallMs: () => number
  close(): void
}

/** Connects; the store's client speaks to `redisUrl` where it would have spoken HTTP. */
export function openDirectStore(redisUrl: string): DirectStore {
  const connection = new Connection(redisUrl, { maxRetriesPerRequest: 0 })
  const scripts = createScriptFlags(true)
  let lastCallMs = 0
  const redis = new UpstashRedis({
    url: 'http://unused.invalid',
    token: 'unused',
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  })
  redis.use(async ({ body }) => {
    if (!Array.isArray(body)) throw new TypeError('the queue store sends single commands')
    const [name = '', ...args] = body.map(String)
    const [sent, ...rest] = scripts.rewrite([name.toUpperCase(), ...args]).command
    const startedAtMs = performance.now()
    const result: unknown = await connection.call(sent, ...rest)
    lastCallMs = performance.now() - startedAtMs
    return { result }
  })
  return {
    store: createQueueStore(redis),
    connection,
    lastCallMs: () => lastCallMs,
    close: () => connection.disconnect(),
  }
}
