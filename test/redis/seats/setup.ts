// A Redis behind an Upstash gateway for one test file, with the seat store as the origin makes it, and the store's raw
// keys read back to check the invariant that every script promises. Used by the seat tests only.

import { randomUUID } from 'node:crypto'
import { Redis as RawRedis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { startRedis } from '../../../local/redis.ts'
import { startUpstashGateway, type UpstashGateway } from '../../../local/upstash/gateway.ts'
import { createRedis } from '../../../src/redis/client.ts'
import { performanceKeys } from '../../../src/redis/keys.ts'
import type { SeatMark } from '../../../src/redis/seat-marks.ts'
import {
  createSeatStore,
  type HoldAreasOutcome,
  type HoldBestOutcome,
  type HoldOutcome,
  type HoldRequest,
  type SeatStore,
} from '../../../src/redis/seats.ts'
import type { KINDS } from '../kinds.ts'

const TOKEN = 'a-token-for-tests'

export interface SeatsSetup {
  readonly gateway: UpstashGateway
  readonly store: SeatStore
  readonly raw: RawRedis
  /** A performance that no other test uses. */
  readonly performance: string
}

export function setUpSeats(kind: (typeof KINDS)[number]): SeatsSetup {
  let parts: Omit<SeatsSetup, 'performance'> | undefined
  let stop = async () => {}
  let performance = ''
  const running = () => {
    if (parts === undefined) throw new Error('Redis is not running yet')
    return parts
  }
  beforeAll(async () => {
    const redis = await startRedis({ kind })
    const gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
    const raw = new RawRedis(redis.url)
    const store = createSeatStore(createRedis({ url: gateway.url, token: TOKEN, timeoutMs: 20_000 }))
    parts = { gateway, raw, store }
    stop = async () => {
      raw.disconnect()
      await gateway.stop()
      await redis.stop()
    }
  })
  beforeEach(() => {
    performance = `p-${randomUUID()}`
    parts?.gateway.faults.clear()
  })
  afterAll(() => stop())
  return {
    get gateway() {
      return running().gateway
    },
    get store() {
      return running().store
    },
    get raw() {
      return running().raw
    },
    get performance() {
      return performance
    },
  }
}

export const session = (name: string): string => `session-${name}`.padEnd(24, '-')

/** A request for seats with the usual times; `over` changes what a test is about. */
export function holdRequest(
  performance: string,
  ordinals: readonly number[],
  over: { id?: string; session?: string } & Partial<
    Omit<HoldRequest, 'holdId' | 'session' | 'ordinals'>
  > = {},
): HoldRequest {
  const { id = randomUUID(), ...rest } = over
  return {
    holdId: `${performance}.${id}`,
    session: session('a'),
    ordinals,
    ttlMs: 60_000,
    maxLifeMs: 180_000,
    ...rest,
  }
}

export function held(
  outcome: HoldOutcome | HoldBestOutcome | HoldAreasOutcome,
): Extract<HoldOutcome, { status: 'held' }> {
  if (outcome.status !== 'held') throw new Error(`expected a hold, got ${JSON.stringify(outcome)}`)
  return outcome
}

export async function mapOf({ store, performance }: SeatsSetup): Promise<string> {
  const answer = await store.availability(performance)
  if (answer.status !== 'full') throw new Error(`expected the whole map, got ${answer.status}`)
  return answer.map
}

/** What a browser does with a delta. */
export function applyDelta(map: string, changes: Readonly<Record<string, SeatMark>>): string {
  const marks = Array.from(map)
  for (const [ordinal, mark] of Object.entries(changes)) marks[Number(ordinal)] = mark
  return marks.join('')
}

/** Lets a hold's time run out at once, as the clock would: its record and its score, nothing else. */
export async function makeDue({ raw, performance }: SeatsSetup, holdId: string): Promise<void> {
  const keys = performanceKeys(performance)
  const record = (await raw.hget(keys.holders, holdId)) ?? ''
  const fields = record.split(' ')
  fields[3] = '1'
  await raw.hset(keys.holders, holdId, fields.join(' '))
  await raw.zadd(keys.holds, 1, holdId)
}

/** Every promise of the scripts about their keys, checked on the keys themselves. */
export async function expectConsistent({ raw, performance }: SeatsSetup): Promise<void> {
  const keys = performanceKeys(performance)
  const [map, base, holders, holds, state] = await Promise.all([
    raw.get(keys.map),
    raw.get(keys.base),
    raw.hgetall(keys.holders),
    raw.zrange(keys.holds, 0, -1),
    raw.hgetall(keys.state),
  ])
  const owners = new Map<string, string>()
  const claims = new Map<string, string>()
  const records: string[] = []
  let sessions = 0
  for (const [field, value] of Object.entries(holders)) {
    if (/^\d+$/.test(field)) {
      owners.set(field, value)
      continue
    }
    if (field.startsWith('session:')) {
      for (const id of value.split(' ')) {
        expect(holders[id], `${field} lists a live hold`).toMatch(/^live /)
      }
      sessions += 1
      continue
    }
    records.push(field)
    const [status, owner = '', fence, , , ordinals = ''] = value.split(' ')
    if (status !== 'live') continue
    expect(holders[`session:${owner}`]?.split(' '), 'a live hold is listed for its session').toContain(field)
    for (const ordinal of ordinals.split(',')) {
      expect(claims.get(ordinal), `seat ${ordinal} is in two live holds`).toBeUndefined()
      claims.set(ordinal, `${fence} ${field}`)
    }
  }
  expect(owners, 'the holders of seats are the live holds').toEqual(claims)
  expect(holds.toSorted(), 'every record has its time').toEqual(records.toSorted())
  const marked = Array.from(map ?? '').flatMap((mark, ordinal) => (mark === 'h' ? [String(ordinal)] : []))
  expect(marked, 'the seats marked held are those with a holder').toEqual(
    [...owners.keys()].toSorted((a, b) => Number(a) - Number(b)),
  )
  expect(base, 'a seat that nobody has is what its base says').toBe(
    Array.from(map ?? '', (mark, at) => ('hs'.includes(mark) ? (base?.[at] ?? '?') : mark)).join(''),
  )
  // Counts of another version count for nothing.
  const [at, ...counts] = (state['counted'] ?? '').split(' ')
  if (at !== state['version']) return
  const seats = ['f', 'a', 'h', 's'].map((mark) => Array.from(map ?? '').filter((one) => one === mark).length)
  expect(counts.map(Number), 'free, accessible, held, sold and sessions are counted').toEqual([
    ...seats,
    sessions,
  ])
}
