// A Redis behind a gateway for histories, and one run of the crowd against it. Used by the tests of histories.

import { randomUUID } from 'node:crypto'
import type { Redis } from '@upstash/redis/cloudflare'
import { Redis as RawRedis } from 'ioredis'
import { startRedis } from '../../local/redis.ts'
import { startUpstashGateway } from '../../local/upstash/gateway.ts'
import { createRedis } from '../../src/redis/client.ts'
import { FASTEST } from '../redis/kinds.ts'
import { runCrowd } from './clients.ts'
import type { Operation } from './operations.ts'
import { randomFrom } from './random.ts'
import { Recorder } from './recorder.ts'

const TOKEN = 'a-token-for-tests'
/** Shorter than the longest delay of the network. */
const TIMEOUT_MS = 400
export const SEATS = 20

/** HISTORY_SEED repeats what the clients choose; how their calls meet is never the same twice. */
export const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

export interface Stage {
  /** A new performance each time. `over` may put something between the clients and Redis. */
  play(options: { operations: number; seed: number; over?: (redis: Redis) => Redis }): Promise<Operation[]>
  stop(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const server = await startRedis({ kind: FASTEST })
  const gateway = await startUpstashGateway({ redisUrl: server.url, token: TOKEN })
  const raw = new RawRedis(server.url)
  const redis = createRedis({ url: gateway.url, token: TOKEN, timeoutMs: TIMEOUT_MS })
  return {
    async play({ operations, seed, over = (same) => same }) {
      const recorder = new Recorder()
      recorder.trouble(gateway.faults, randomFrom(seed))
      const performance = `p-${randomUUID().slice(0, 8)}`
      await runCrowd({ redis: over(redis), raw, recorder, performance, seats: SEATS, seed, operations })
      gateway.faults.clear()
      return recorder.history()
    },
    async stop() {
      raw.disconnect()
      await gateway.stop()
      await server.stop()
    },
  }
}
