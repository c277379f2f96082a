// Many visitors at a small hall, all at once (visitor.ts), while an operator reads the seats anew and Redis loses everything
// now and then.
// Used by the tests of histories; what happened is in the recorder.

import { randomUUID } from 'node:crypto'
import { setTimeout as pass } from 'node:timers/promises'
import type { Redis } from '@upstash/redis/cloudflare'
import type { Redis as RawRedis } from 'ioredis'
import { performanceKeys } from '../../src/redis/keys.ts'
import { Ledger } from './ledger.ts'
import { randomFrom } from './random.ts'
import type { Client, Recorder } from './recorder.ts'
import { Visitor, type HoldWish } from './visitor.ts'

export interface Crowd {
  readonly redis: Redis
  readonly raw: RawRedis
  readonly recorder: Recorder
  readonly performance: string
  readonly seats: number
  readonly seed: number
  /** Clients stop when so many are recorded. */
  readonly operations: number
}

const CLIENTS = 16
/** From what Postgres has answered to the map that is written. */
const READ_MS = 15
/** Redis loses everything once in so many operations. */
const WIPE_EVERY = 700

/** Resolves when all have gone home and every sale was told. */
export async function runCrowd(crowd: Crowd): Promise<void> {
  const ledger = new Ledger()
  const recent: HoldWish[] = []
  const { recorder, performance } = crowd
  const open = () => recorder.count < crowd.operations
  const opening = recorder.client('opening', crowd.redis)
  await reload(opening, crowd, ledger)

  const visit = async (at: number) => {
    const random = randomFrom(crowd.seed + at)
    const visitor = new Visitor(recorder.client(`visitor ${at}`, crowd.redis), {
      random,
      performance,
      ledger,
      recent,
    })
    while (open()) {
      const outcome = await visitor.visit(crowd.seats)
      if (outcome === 'unloaded') await reload(visitor.client, crowd, ledger)
    }
  }
  const operate = async () => {
    const random = randomFrom(crowd.seed + CLIENTS)
    const operator = recorder.client('operator', crowd.redis)
    let wiped = 0
    while (open()) {
      await pass(random.below(60))
      if (random.chance(0.2)) await reload(operator, crowd, ledger)
      else await readMap(operator, performance)
      if (recorder.count - wiped < WIPE_EVERY) continue
      wiped = recorder.count
      await operator.record('wipe', {}, async () => {
        await crowd.raw.del(...Object.values(performanceKeys(performance)))
        return 'done'
      })
    }
  }
  await Promise.all([...Array.from({ length: CLIENTS }, (_, at) => visit(at)), operate()])
}

async function readMap(client: Client, performance: string, rebuild?: string) {
  return client.record('map', rebuild === undefined ? {} : { rebuild }, async () => {
    const answer = await client.store.availability(performance)
    if (answer.status === 'delta') throw new Error('a delta that nobody asked for')
    return answer
  })
}

/** As the origin does it: the version first, then what was sold, then the map. */
async function reload(client: Client, { performance, seats }: Crowd, ledger: Ledger): Promise<void> {
  const rebuild = randomUUID().slice(0, 8)
  const seen = await readMap(client, performance, rebuild)
  if (seen === undefined) return
  const sold = ledger.sold()
  // Meanwhile others go on.
  await pass(READ_MS)
  await client.record('rebuild', { rebuild, sold }, () =>
    client.store.rebuild(performance, { seats, sold, blocked: [], seenVersion: seen.version }),
  )
}
