// A Redis and an Upstash gateway for one test file, and a random prefix so that its tests share nothing.
// Used by the upstash*.test.ts files only.

import { randomUUID } from 'node:crypto'
import { Redis, type RedisConfigNodejs } from '@upstash/redis'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { findOnPath, startRedis, type RunningRedis } from '../../local/redis.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'

export const TOKEN = 'a-token-for-tests'

/** Both servers where both can run: a machine without a native Redis still tests the npm one. */
export const KINDS =
  (await findOnPath()) === undefined
    ? (['js-redis-server'] as const)
    : (['redis-server', 'js-redis-server'] as const)
export type Kind = (typeof KINDS)[number]

export interface Setup {
  readonly redis: RunningRedis
  readonly gateway: UpstashGateway
  /** A key or channel name that no other test uses. */
  readonly key: (name: string) => string
  /** The real client, as the Workers make it unless told otherwise. */
  readonly client: (config?: Partial<RedisConfigNodejs>) => Redis
  /** A bare POST with the right token; a body that is not text is sent as JSON. */
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>
}

export function setUpGateway(kind: Kind | 'auto'): Setup {
  let redis: RunningRedis | undefined
  let gateway: UpstashGateway | undefined
  let prefix = ''
  beforeAll(async () => {
    redis = await startRedis({ kind })
    gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
  })
  beforeEach(() => {
    prefix = randomUUID()
    gateway?.faults.clear()
  })
  afterAll(async () => {
    await gateway?.stop()
    await redis?.stop()
  })
  return {
    get redis() {
      return running(redis)
    },
    get gateway() {
      return running(gateway)
    },
    key: (name) => `${prefix}:${name}`,
    client: (config) => new Redis({ url: running(gateway).url, token: TOKEN, ...config }),
    post: (path, body, headers) =>
      fetch(running(gateway).url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  }
}

function running<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('beforeAll has not run')
  return part
}
