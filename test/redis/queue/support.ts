// A room of its own on a real Redis behind the real gateway, driven through the store that the edge uses.
// Time passes by moving every stored time back (`elapse`): the scripts take their time from Redis alone.

import { randomBytes } from 'node:crypto'
import { Redis as Connection } from 'ioredis'
import { expect, onTestFinished } from 'vitest'
import { FASTEST } from '../kinds.ts'
import { startRedis, type RedisKind } from '../../../local/redis.ts'
import { startUpstashGateway } from '../../../local/upstash/gateway.ts'
import { parseRooms, type Room } from '../../../src/config/room.ts'
import { parseRoomId, parseVisitorId, type VisitorId } from '../../../src/ids.ts'
import { QUIET_PLACE, sessionIdFrom } from '../../../src/queue/session-id.ts'
import { createRedis } from '../../../src/redis/client.ts'
import { roomKeys } from '../../../src/redis/keys.ts'
import {
  createQueueStore,
  type JoinOutcome,
  type QueueStore,
  type Seen,
  type SnapshotDocument,
} from '../../../src/redis/queue.ts'

export interface Servers {
  readonly store: QueueStore
  readonly connection: Connection
  stop(): Promise<void>
}

/** Started once a test file; every test makes a room of its own. */
export async function startServers(kind: RedisKind = FASTEST): Promise<Servers> {
  const running = await startRedis({ kind })
  const token = randomBytes(16).toString('hex')
  const gateway = await startUpstashGateway({ redisUrl: running.url, token })
  const connection = new Connection(running.url, { maxRetriesPerRequest: 0 })
  return {
    store: createQueueStore(createRedis({ url: gateway.url, token, timeoutMs: 20_000 })),
    connection,
    async stop() {
      connection.disconnect()
      await gateway.stop()
      await running.stop()
    },
  }
}

export function makeRoom(settings: Record<string, unknown> = {}): Room {
  const id = parseRoomId(`room-${randomBytes(6).toString('hex')}`)
  if (id === undefined) throw new Error('a room id of this form is valid')
  const room = parseRooms({ [id]: settings }).get(id)
  if (room === undefined) throw new Error('parseRooms returns the room that it was given')
  return room
}

/** The same visitor for the same number. */
export function visitorOf(n: number): VisitorId {
  const visitor = parseVisitorId(`visitor-${String(n).padStart(14, '0')}`)
  if (visitor === undefined) throw new Error('a visitor id of this form is valid')
  return visitor
}

export const NOTHING_SEEN: Seen = { epoch: 0, place: 0, serving: 0, settled: 0, sessions: 0 }
const NEVER = 9_007_199_254_740_991

/** Moves every stored time of a room back by ARGV[1] ms: the same as if so much time had passed. */
export const ELAPSE = `
local ms = tonumber(ARGV[1])
local function text(n) return string.format('%.0f', n) end
for i = 2, 5 do
  local list = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
  for j = 1, #list, 2 do redis.call('ZADD', KEYS[i], text(tonumber(list[j + 1]) - ms), list[j]) end
end
for _, field in ipairs({ 'refilled', 'advanced', 'recovering_until', 'restore_until', 'known_until', 'settled_at',
    'deployed_at', 'admitted_at', 'admitted_since',
  'called_due', 'missed_due', 'sessions_due', 'ended_due' }) do
  local value = tonumber(redis.call('HGET', KEYS[1], field) or '0')
  if value > 0 and value < ${NEVER} then redis.call('HSET', KEYS[1], field, text(value - ms)) end
end
local places = redis.call('HGETALL', KEYS[6])
for i = 1, #places, 2 do
  local place, late, started = string.match(places[i + 1], '^(%d+),(%d),(%d+)$')
  if started ~= '0' then
    redis.call('HSET', KEYS[6], places[i], place .. ',' .. late .. ',' .. text(tonumber(started) - ms))
  end
end
return 'OK'`

/** Every call waits for `ready` first. */
function afterwards(store: QueueStore, ready: Promise<unknown> | undefined): QueueStore {
  return new Proxy(store, {
    get(target, name: keyof QueueStore) {
      return async (...args: never[]) => {
        await ready
        return await Reflect.apply(target[name], target, args)
      }
    },
  })
}

/** One room as a test drives it: visitors are numbers, tokens are remembered, what was seen is sent along. */
export class QueueUnderTest {
  readonly servers: Servers
  room: Room
  seen: Seen = NOTHING_SEEN
  /** Place by visitor, as a queue token would prove it. */
  readonly places = new Map<number, number>()

  /** The document held, as an isolate has one. */
  held: SnapshotDocument | undefined

  /** Armed, as a deployment leaves a room; with `armed: false` as an empty store is found. */
  constructor(servers: Servers, settings: Record<string, unknown> = {}, { armed = true } = {}) {
    this.room = makeRoom(settings)
    const ready = armed ? servers.store.arm(this.room) : undefined
    this.servers = { ...servers, store: afterwards(servers.store, ready) }
    onTestFinished(async () => {
      const left = await servers.connection.keys(`wr:{${this.room.id}}:*`)
      if (left.length > 0) await servers.connection.del(...left)
    })
  }

  get keys(): ReturnType<typeof roomKeys> {
    return roomKeys(this.room.id)
  }

  async join(...visitors: number[]): Promise<JoinOutcome[]> {
    return this.#remember(
      visitors,
      await this.servers.store.join(
        this.room,
        visitors.map((n) => ({ visitor: visitorOf(n) })),
        this.seen,
      ),
    )
  }

  async joinWithProof(...visitors: number[]): Promise<JoinOutcome[]> {
    const entries = visitors.map((n) => ({ visitor: visitorOf(n), provenPlace: this.placeOf(n) }))
    return this.#remember(visitors, await this.servers.store.join(this.room, entries, this.seen))
  }

  #remember(visitors: readonly number[], outcomes: JoinOutcome[]): JoinOutcome[] {
    for (const [i, outcome] of outcomes.entries()) {
      const n = visitors[i]
      if (n === undefined || !('place' in outcome)) continue
      this.places.set(n, outcome.place)
      this.seen = { ...this.seen, epoch: outcome.epoch, place: Math.max(this.seen.place, outcome.place) }
    }
    return outcomes
  }

  /** Moves the front even where it was moved a moment ago. */
  async advance() {
    await this.servers.connection.hset(this.keys.state, 'advanced', '0')
    const document = await this.servers.store.advance(this.room, this.seen, this.held)
    const { epoch, serving, sessions } = document.snapshot
    this.held = document
    this.seen = {
      epoch,
      place: this.seen.place,
      serving: Math.max(this.seen.serving, serving),
      settled: document.settled,
      sessions: sessions + document.ended + document.absent,
    }
    return document
  }

  async claim(...visitors: number[]) {
    const entries = visitors.map((n) => {
      const place = this.placeOf(n)
      return { visitor: visitorOf(n), place, session: sessionIdFrom(visitorOf(n), place) }
    })
    return await this.servers.store.claim(this.room, entries, this.seen)
  }

  async enter(...visitors: number[]) {
    const entries = visitors.map((n) => ({
      visitor: visitorOf(n),
      session: sessionIdFrom(visitorOf(n), QUIET_PLACE),
    }))
    return await this.servers.store.enter(this.room, entries, this.seen)
  }

  /** `tokenLifeMs` from now; negative for a token that is dead. */
  async renew(
    n: number,
    {
      place = this.placeOf(n),
      endInMs = 3_600_000,
      tokenLifeMs = 60_000,
      extendedInMs,
    }: { place?: number; endInMs?: number; tokenLifeMs?: number; extendedInMs?: number } = {},
  ) {
    const now = await this.now()
    const entry = {
      session: sessionIdFrom(visitorOf(n), place),
      sessionEndMs: now + endInMs,
      tokenExpiresAtMs: now + tokenLifeMs,
      ...(extendedInMs !== undefined && { extendedUntilMs: now + extendedInMs }),
    }
    const [outcome] = await this.servers.store.renew(this.room, [entry], this.seen)
    return outcome
  }

  async leave(n: number, tokenLifeMs?: number): Promise<void> {
    const now = await this.now()
    const entry = {
      visitor: visitorOf(n),
      ...(tokenLifeMs !== undefined && { tokenExpiresAtMs: now + tokenLifeMs }),
    }
    await this.servers.store.leave(this.room, [entry], this.seen)
  }

  placeOf(n: number): number {
    const place = this.places.get(n)
    if (place === undefined) throw new Error(`visitor ${n} has no place yet`)
    return place
  }

  /** `spelled` names the keys to move, where they are not the room's own. */
  async elapse(ms: number, spelled = (key: string): string => key): Promise<void> {
    const { state, called, missed, sessions, ended, places } = this.keys
    const keys = [state, called, missed, sessions, ended, places].map(spelled)
    await this.servers.connection.eval(ELAPSE, keys.length, ...keys, String(ms))
  }

  async now(): Promise<number> {
    const [seconds, micros] = await this.servers.connection.time()
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  }

  /** Visitors of a set by number, in order of score. */
  async members(set: 'queue' | 'called' | 'missed'): Promise<number[]> {
    const members = await this.servers.connection.zrange(this.keys[set], 0, -1)
    return members.map((member) => Number(member.slice('visitor-'.length)))
  }

  /** What the scripts count in the state is what the sets hold. */
  async expectCountsToHold(): Promise<void> {
    const { connection } = this.servers
    const { state, queue, called, sessions, ended } = this.keys
    const counted = await connection.hmget(state, 'waiting', 'called', 'sessions', 'ended')
    const held = await Promise.all([queue, called, sessions, ended].map((key) => connection.zcard(key)))
    expect(counted.map(Number)).toEqual(held)
  }
}

/** Numbers from `first`, `count` of them. */
export const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i)

export const statuses = (outcomes: readonly { readonly status: string }[]): string[] =>
  outcomes.map(({ status }) => status)
