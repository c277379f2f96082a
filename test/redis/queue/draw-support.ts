// A lottery as a test drives it: the pre-queue is open, `open` moves the opening to now, `drawAll` does what the edge does.

import { drawSecret, commitmentTo } from '../../../src/draw/secret.ts'
import { drawnPlace, drawValue } from '../../../src/draw/value.ts'
import type { DrawProgress, QueueStore } from '../../../src/redis/queue.ts'
import { createQueueStore } from '../../../src/redis/queue.ts'
import { createRedis } from '../../../src/redis/client.ts'
import { startRedis, type RedisKind } from '../../../local/redis.ts'
import { startUpstashGateway } from '../../../local/upstash/gateway.ts'
import { Redis as Connection } from 'ioredis'
import { FASTEST } from '../kinds.ts'
import { QueueUnderTest, type Servers } from './support.ts'

export const HOUR_MS = 3_600_000
const DRAW_SECRET = 'a-secret-of-at-least-forty-three-characters'

/** As `startServers`, with commitments for every room that a test makes. */
export async function startDrawServers(kind: RedisKind = FASTEST): Promise<Servers> {
  const running = await startRedis({ kind })
  const token = 'draw-test-token'
  const gateway = await startUpstashGateway({ redisUrl: running.url, token })
  const connection = new Connection(running.url, { maxRetriesPerRequest: 0 })
  const redis = createRedis({ url: gateway.url, token, timeoutMs: 20_000 })
  return {
    store: createQueueStore(redis, { commitments: COMMITMENTS }),
    connection,
    async stop() {
      connection.disconnect()
      await gateway.stop()
      await running.stop()
    },
  }
}
const COMMITMENTS = new Map<QueueUnderTest['room']['id'], string>()

export class LotteryUnderTest extends QueueUnderTest {
  secret = ''

  static async start(
    servers: Servers,
    settings: Record<string, unknown> = {},
    options: { armed?: boolean } = {},
  ): Promise<LotteryUnderTest> {
    const lottery = new LotteryUnderTest(
      servers,
      {
        queueing_method: 'lottery',
        prequeue_start_time: new Date(Date.now() - HOUR_MS).toISOString(),
        event_start_time: new Date(Date.now() + HOUR_MS).toISOString(),
        burst: 1_000,
        ...settings,
      },
      options,
    )
    lottery.secret = await drawSecret(DRAW_SECRET, { room: lottery.room.id, sale: lottery.room.sale.name })
    COMMITMENTS.set(lottery.room.id, await commitmentTo(lottery.secret))
    return lottery
  }

  get store(): QueueStore {
    return this.servers.store
  }

  /** The opening is now: what a deployment or the operator may set, and what an hour's waiting comes to. */
  async open(): Promise<void> {
    this.room = { ...this.room, eventStartMs: await this.now() }
  }

  step(
    step: Omit<Parameters<QueueStore['draw']>[1], 'runner'> & { runner?: string } = {},
  ): Promise<DrawProgress> {
    return this.store.draw(this.room, { runner: 'runner-1', ...step }, this.seen)
  }

  /** What a runner sends for a page. */
  async computed({ head, beacon, visitors }: DrawProgress) {
    const values = await Promise.all(
      visitors.map((visitor) => drawValue(visitor, { secret: this.secret, head, beacon })),
    )
    const places = visitors.map((visitor, i) => ({ visitor, place: drawnPlace(values[i] ?? '') }))
    return { head, ...(beacon !== null && { beacon }), places }
  }

  /** Draws until it is done; answers the steps that it took. */
  async drawAll({ runner = 'runner-1', beacon }: { runner?: string; beacon?: string } = {}): Promise<number> {
    let progress = await this.step({ runner, ...(beacon !== undefined && { beacon }) })
    for (let steps = 1; ; steps += 1) {
      if (progress.status === 'done') {
        await this.advance()
        return steps
      }
      if (progress.status !== 'page') throw new Error(`the draw stands still: ${progress.status}`)
      progress = await this.step({ runner, ...(await this.computed(progress)) })
    }
  }

  /** The file as anybody can download it. */
  async entryFile(): Promise<string> {
    const document = await this.advance()
    const ids = await this.store.readEntries(this.room, 0, 1_000_000)
    return [document.snapshot.draw?.header, ...ids].map((line) => `${line}\n`).join('')
  }

  /** Redis is empty, as after a loss; the callers remember. */
  async loseStore(): Promise<void> {
    await this.servers.connection.del(...Object.values(this.keys))
  }

  /** The recovery is over. */
  async endRecovery(): Promise<void> {
    await this.servers.connection.hset(this.keys.state, 'recovering_until', '1')
  }

  /** As an isolate that has the last document does. */
  async advanceHolding(held: Awaited<ReturnType<QueueUnderTest['advance']>>) {
    await this.servers.connection.hset(this.keys.state, 'advanced', '0')
    return this.store.advance(this.room, this.seen, held)
  }
}
