// Positions against the true rank with ten, a thousand and a million waiting: exact while nobody leaves, within a stated
// bound when a tenth has left. What a visitor computes is compared with ZRANK, which no visitor ever asks.
// AT_SCALE=200000 makes the largest line shorter; SEED repeats a run. Both are printed.

import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it as anyIt } from 'vitest'
import { fillRoom, makeBenchRoom } from '../../../bench/full-room.ts'
import type { Room } from '../../../src/config/room.ts'
import type { VisitorId } from '../../../src/ids.ts'
import { positionFrom, type PlaceProof } from '../../../src/queue/position.ts'
import { roomKeys } from '../../../src/redis/keys.ts'
import type { JoinOutcome } from '../../../src/redis/queue.ts'
import { FASTEST } from '../kinds.ts'
import { startDirectServers } from './direct.ts'
import { randomFrom, SEED } from './random.ts'
import { NOTHING_SEEN, type Servers } from './support.ts'

// js-redis-server is too slow for a million.
const it = anyIt.skipIf(FASTEST !== 'redis-server')

let servers: Servers
beforeAll(async () => {
  if (FASTEST === 'redis-server') servers = await startDirectServers()
})
afterAll(() => servers?.stop())

const AT_SCALE = Number(process.env['AT_SCALE'] ?? 1_000_000)
const SAMPLE = 1_000
/** More than the sample: the bound is on the worst of them. */
const WATCHED_LEAVING = 4_000
const LISTED = 50
const LEAVE_BATCH = 500
const STEPS = 10
const MINUTE_MS = 60_000
/** A place counts microseconds, a snapshot's `at` milliseconds: what happens within one cannot be put in order. */
const APART_MS = 3

/** The bound: off by at most one for every six who left. A tenth of it is usual; neighbours who leave together cost most. */
const OFF_BY_ONE_IN = 6

interface Compared {
  /** The largest difference between the true rank and what is shown: the lowest position so far. */
  readonly worst: number
  readonly exact: number
  readonly compared: number
  /** By how much a position rose since it was last compared, at most; below zero where all have fallen. */
  readonly rise: number
}

/** A line of visitors who each know their proof, of whom about a thousand are looked at. */
class Line {
  readonly room: Room
  readonly visitors: VisitorId[] = []
  readonly #random: () => number
  readonly #proofs = new Map<VisitorId, PlaceProof>()
  readonly #watched: VisitorId[] = []
  readonly #shown = new Map<VisitorId, number>()

  constructor(random: () => number, burst: number) {
    this.room = makeBenchRoom({ burst, new_users_per_minute: burst, total_active_users: 10_000_000 })
    this.#random = random
  }

  /** Lets so many come, and watches one in `every` of them. */
  async come(count: number, every: number): Promise<void> {
    await fillRoom(servers.store, this.room, count, (visitors, outcomes) => {
      for (const [i, visitor] of visitors.entries()) {
        this.visitors.push(visitor)
        if (this.#random() < 1 / every) this.watch(visitor, outcomes[i])
      }
    })
  }

  watch(visitor: VisitorId, outcome: JoinOutcome | undefined): void {
    if (outcome?.status !== 'waiting') throw new Error('a newcomer waits')
    this.#proofs.set(visitor, outcome)
    this.#watched.push(visitor)
  }

  async leave(visitors: readonly VisitorId[]): Promise<void> {
    for (let from = 0; from < visitors.length; from += LEAVE_BATCH) {
      const entries = visitors.slice(from, from + LEAVE_BATCH).map((visitor) => ({ visitor }))
      await servers.store.leave(this.room, entries, NOTHING_SEEN)
    }
  }

  /** They leave a few at a time, while some are called and others come, and everyone looks in between. */
  async departInSteps(visitors: readonly VisitorId[]): Promise<Compared> {
    let result = await this.compare()
    const step = Math.ceil(visitors.length / STEPS)
    for (let from = 0; from < visitors.length; from += step) {
      await this.leave(visitors.slice(from, from + step))
      await this.come(10, 2)
      await this.refill()
      result = atWorst(result, await this.compare())
    }
    return result
  }

  /** One visitor joins and leaves again and again; now and then an honest one comes in between. */
  async loop(times: number, honestEvery: number): Promise<Compared> {
    const [attacker] = await this.#comeQuietly(1)
    if (attacker === undefined) throw new Error('one came')
    for (let i = 0; i < times; i += 1) {
      await servers.store.leave(this.room, [{ visitor: attacker }], NOTHING_SEEN)
      if (i % honestEvery === 0) await this.come(1, 1)
      await servers.store.join(this.room, [{ visitor: attacker }], NOTHING_SEEN)
    }
    return await this.compare()
  }

  async #comeQuietly(count: number): Promise<VisitorId[]> {
    await this.come(count, Number.POSITIVE_INFINITY)
    return this.visitors.slice(-count)
  }

  /** The position of everyone who is watched and waits still, beside the true rank. */
  async compare(): Promise<Compared> {
    const { connection, store } = servers
    const keys = roomKeys(this.room.id)
    await setTimeout(APART_MS)
    await connection.hset(keys.state, 'advanced', '0')
    const { snapshot } = await store.advance(this.room, NOTHING_SEEN)
    const ranks = connection.pipeline()
    for (const visitor of this.#watched) ranks.zrank(keys.queue, visitor)
    const replies = (await ranks.exec()) ?? []
    let [worst, exact, compared, rise] = [0, 0, 0, Number.NEGATIVE_INFINITY]
    for (const [i, visitor] of this.#watched.entries()) {
      const rank = replies[i]?.[1]
      const proof = this.#proofs.get(visitor)
      if (typeof rank !== 'number' || proof === undefined) continue
      const shown = positionFrom(proof, snapshot)
      expect(shown.called).toBe(false)
      if (shown.exact) {
        expect(shown.position, `${visitor} is told an exact position`).toBe(rank + 1)
        exact += 1
      }
      if (rank < LISTED) expect(shown).toEqual({ position: rank + 1, called: false, exact: true })
      compared += 1
      const before = this.#shown.get(visitor) ?? Number.POSITIVE_INFINITY
      rise = Math.max(rise, shown.position - before)
      const lowest = Math.min(before, shown.position)
      this.#shown.set(visitor, lowest)
      worst = Math.max(worst, Math.abs(lowest - rank - 1))
    }
    return { worst, exact, compared, rise }
  }

  /** Everyone of the front is compared, not only those who are watched. */
  async compareFront(): Promise<void> {
    const keys = roomKeys(this.room.id)
    const { snapshot } = (await servers.store.readSnapshot(this.room)) ?? {}
    const front = await servers.connection.zrange(keys.queue, 0, LISTED - 1, 'WITHSCORES')
    const places = front.filter((_, i) => i % 2 === 1).map(Number)
    expect(snapshot?.front).toEqual(places)
  }

  /** Lets the bucket fill as in a minute. */
  async refill(): Promise<void> {
    const keys = roomKeys(this.room.id)
    const refilled = Number(await servers.connection.hget(keys.state, 'refilled'))
    await servers.connection.hset(keys.state, 'refilled', String(refilled - MINUTE_MS))
  }

  async remove(): Promise<void> {
    await servers.connection.unlink(...Object.values(roomKeys(this.room.id)))
  }
}

/** Counts of the last comparison, extremes of both. */
const atWorst = (before: Compared, now: Compared): Compared => ({
  ...now,
  worst: Math.max(before.worst, now.worst),
  rise: Math.max(before.rise, now.rise),
})

/** `count` different ones, anywhere. */
function anyOf<T>(all: readonly T[], count: number, random: () => number): T[] {
  const chosen = new Set<T>()
  while (chosen.size < count) {
    const one = all[Math.floor(random() * all.length)]
    if (one !== undefined) chosen.add(one)
  }
  return [...chosen]
}

/** Neighbours, in so many clusters spread over the line. */
const clustersOf = <T>(all: readonly T[], count: number, clusters: number): T[] =>
  Array.from({ length: clusters }, (_, i) => {
    const from = Math.floor(((i + 0.5) / clusters) * all.length)
    return all.slice(from, from + Math.floor(count / clusters))
  }).flat()

describe.each([10, 1_000, AT_SCALE])('with %i waiting', (size) => {
  it(
    'every position is exact while nobody leaves, and falls with every call',
    { timeout: 180_000 },
    async () => {
      console.log(`positions: SEED=${SEED} AT_SCALE=${AT_SCALE}`)
      const line = new Line(randomFrom(SEED), Math.max(2, Math.min(500, size / 100)))
      const every = Math.max(1, size / SAMPLE)
      await line.come(Math.ceil(size / 2), every)
      for (let i = 0; i < 2; i += 1) {
        const { worst, exact, compared, rise } = await line.compare()
        expect({ worst, exact }).toEqual({ worst: 0, exact: compared })
        expect(rise).toBeLessThanOrEqual(0)
        await line.compareFront()
        await line.refill()
        await line.come(Math.ceil(size / 4), every)
      }
      const { worst, exact, compared, rise } = await line.compare()
      expect({ worst, exact }).toEqual({ worst: 0, exact: compared })
      expect(rise).toBeLessThan(0)
      expect(compared).toBeGreaterThan(Math.min(SAMPLE, size) / 4)

      if (size > LISTED) {
        const tenth = Math.floor(size / 10)
        const result = await line.departInSteps(anyOf(line.visitors, tenth, randomFrom(SEED + 1)))
        console.log(`${size} waiting, a tenth leaves at random: ${JSON.stringify(result)}`)
        expect(result.worst).toBeLessThanOrEqual(tenth / OFF_BY_ONE_IN)
      }
      await line.remove()
    },
  )
})

describe.each([1_000, 20_000])('a line of %i from which a tenth leaves', (size) => {
  const tenth = size / 10
  /** Leaves and joins again: how often, and after how many times an honest visitor comes. */
  const loops = size === 1_000 ? tenth * 10 : tenth
  const ways: readonly (readonly [name: string, left: number, depart: (line: Line) => Promise<Compared>])[] =
    [
      ['at random', tenth, (line) => line.departInSteps(anyOf(line.visitors, tenth, randomFrom(SEED + 2)))],
      ['in 5 clusters', tenth, (line) => line.departInSteps(clustersOf(line.visitors, tenth, 5))],
      ['in 50 clusters', tenth, (line) => line.departInSteps(clustersOf(line.visitors, tenth, 50))],
      [
        'first a few everywhere, then a whole neighbourhood',
        tenth,
        (line) =>
          line.departInSteps([
            ...clustersOf(line.visitors, 40, 40),
            ...line.visitors.slice(size / 2 + 1, size / 2 + 1 + tenth - 40),
          ]),
      ],
      [
        'first near the front and two far apart, then a whole neighbourhood',
        tenth,
        (line) =>
          line.departInSteps([
            ...clustersOf(line.visitors.slice(100, 300), 40, 40),
            ...[0.4, 0.95].flatMap((share) => line.visitors.slice(size * share, size * share + 1)),
            ...line.visitors.slice(size * 0.45, size * 0.45 + tenth - 42),
          ]),
      ],
      ['behind the listed front', tenth, (line) => line.departInSteps(line.visitors.slice(60, 60 + tenth))],
      ['because one joins and leaves again and again', loops, (line) => line.loop(loops, loops / 100)],
    ]
  it.each(ways)('%s', { timeout: 60_000 }, async (name, left, depart) => {
    const line = new Line(randomFrom(SEED), 2)
    await line.come(size, Math.max(1, size / WATCHED_LEAVING))
    const { worst, exact, compared } = await line.compare()
    expect({ worst, exact }).toEqual({ worst: 0, exact: compared })
    const result = await depart(line)
    console.log(`${size}, ${name} (${left}): ${JSON.stringify(result)}`)
    expect(result.worst).toBeLessThanOrEqual(Math.max(1, left / OFF_BY_ONE_IN))
    await line.remove()
  })
})
