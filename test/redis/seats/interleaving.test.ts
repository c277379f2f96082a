// Random histories of a small hall: one command after another against a model that predicts each answer, and many at
// once against the promises that must hold in any order. The seed is printed; SEATS_SEED repeats a run.

import { expect, test, vi } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { SEAT_STATES, type BaseMark, type SeatMark } from '../../../src/redis/seat-marks.ts'
import type { HoldRequest } from '../../../src/redis/seats.ts'
import { FASTEST } from '../kinds.ts'
import { applyDelta, expectConsistent, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

const SEATS = 40
const EXTENSIONS = 2
const SEED = Number(process.env['SEATS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Holds more often than the rest, so that the hall is neither empty nor full. */
const COMMANDS = [
  ...(['hold', 'hold', 'hold', 'replace', 'repeat', 'extend', 'extend', 'release', 'due'] as const),
  ...(['confirm', 'free', 'change', 'rebuild'] as const),
]

const seats = setUpSeats(FASTEST)

/** Mulberry32: small, and the same numbers everywhere. */
function randomFrom(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    below,
    pick: <T>(list: readonly T[]): T => {
      const value = list[below(list.length)]
      if (value === undefined) throw new Error('nothing to pick from')
      return value
    },
    /** One to four seats, near each other as people buy them. */
    seats: () => {
      const first = below(SEATS)
      return [...new Set(Array.from({ length: 1 + below(4) }, () => (first + below(6)) % SEATS))]
    },
  }
}

interface ModelHold {
  readonly session: string
  ordinals: number[]
  status: 'live' | 'ended'
  extensions: number
  readonly requests: Set<string>
  soldAs?: string
}

/** What the scripts promise, in a few lines of plain code. */
class Model {
  readonly base: BaseMark[] = Array.from({ length: SEATS }, () => 'f')
  readonly marks: SeatMark[] = Array.from({ length: SEATS }, () => 'f')
  readonly holds = new Map<string, ModelHold>()

  hold({ holdId, session: who, ordinals, replaces, partial = false, accessible = false }: HoldRequest) {
    const sorted = ordinals.toSorted((a, b) => a - b)
    const earlier = this.holds.get(holdId)
    if (earlier) return { status: earlier.status === 'live' && earlier.session === who ? 'held' : 'gone' }
    const replaced = this.holds.get(replaces ?? '')
    const own = replaced?.status === 'live' && replaced.session === who ? replaced.ordinals : []
    const markOf = (ordinal: number) =>
      (own.includes(ordinal) ? this.base[ordinal] : this.marks[ordinal]) ?? 'f'
    const isFree = (ordinal: number) =>
      markOf(ordinal) === 'f' || (markOf(ordinal) === 'a' && (accessible || own.includes(ordinal)))
    const free = sorted.filter(isFree)
    const conflicts = sorted.flatMap((ordinal) =>
      isFree(ordinal) ? [] : [{ ordinal, state: SEAT_STATES[markOf(ordinal)] }],
    )
    if (free.length === 0 || (conflicts.length > 0 && !partial)) return { status: 'conflict', conflicts }
    const most = free.some((ordinal) => own.includes(ordinal)) ? (replaced?.extensions ?? 0) : EXTENSIONS
    if (own.length > 0) this.end(replaces ?? '')
    this.holds.set(holdId, {
      session: who,
      ordinals: free,
      status: 'live',
      extensions: Math.min(most, EXTENSIONS),
      requests: new Set(),
    })
    for (const ordinal of free) this.marks[ordinal] = 'h'
    return { status: 'held', ordinals: free, conflicts, extensionsLeft: most }
  }

  extend(id: string, who: string, requestId: string | undefined) {
    const hold = this.holds.get(id)
    if (hold?.session !== who) return { status: 'gone', owned: false }
    if (hold.status !== 'live') return { status: 'gone', owned: true }
    if (requestId !== undefined && !hold.requests.has(requestId)) {
      if (hold.extensions === 0) return { status: 'none_left', extensionsLeft: 0 }
      hold.extensions -= 1
      hold.requests.add(requestId)
    }
    return { status: 'extended', extensionsLeft: hold.extensions }
  }

  /** An operator sets what seats are while nobody has them. */
  change(ordinals: readonly number[], mark: BaseMark) {
    for (const ordinal of ordinals) {
      this.base[ordinal] = mark
      if (!['h', 's'].includes(this.marks[ordinal] ?? '')) this.marks[ordinal] = mark
    }
  }

  counts() {
    const seats = (mark: SeatMark) => this.marks.filter((one) => one === mark).length
    const live = [...this.holds.values()].filter(({ status }) => status === 'live')
    const sessions = new Set(live.map((hold) => hold.session)).size
    return {
      status: 'counted',
      free: seats('f'),
      accessible: seats('a'),
      held: seats('h'),
      sold: seats('s'),
      sessions,
    }
  }

  giveBack(ordinal: number) {
    this.marks[ordinal] = this.base[ordinal] ?? 'f'
  }

  end(id: string) {
    const hold = this.holds.get(id)
    if (hold?.status !== 'live') return
    hold.status = 'ended'
    for (const ordinal of hold.ordinals) this.giveBack(ordinal)
  }

  /** Postgres has sold a seat: whoever holds it loses it. */
  sell(ordinal: number) {
    for (const hold of this.holds.values()) {
      if (hold.status !== 'live' || !hold.ordinals.includes(ordinal)) continue
      hold.ordinals = hold.ordinals.filter((other) => other !== ordinal)
      if (hold.ordinals.length === 0) hold.status = 'ended'
    }
    this.marks[ordinal] = 's'
  }

  confirm(id: string, ordinals: readonly number[]) {
    const key = ordinals.toSorted((a, b) => a - b).join(',')
    const hold = this.holds.get(id)
    if (hold?.soldAs === key) return
    // Its own seats among them first: what is left of the hold is freed when it ends.
    if (hold?.status === 'live') {
      hold.ordinals = hold.ordinals.filter((ordinal) => !ordinals.includes(ordinal))
      this.end(id)
    }
    for (const ordinal of ordinals) this.sell(ordinal)
    const nobodys = { session: '-', ordinals: [], status: 'ended' as const, extensions: 0 }
    const sold: ModelHold = hold ?? { ...nobodys, requests: new Set() }
    sold.soldAs = key
    this.holds.set(id, sold)
  }
}

test('1,500 commands one after another answer what the model predicts, and watchers who follow deltas see the map', async () => {
  console.log(`SEATS_SEED=${SEED}`)
  const random = randomFrom(SEED)
  const { store, performance } = seats
  await store.rebuild(performance, { seats: SEATS, sold: [], blocked: [] })
  const model = new Model()
  const ids = [`${performance}.first`]
  const seen: { version: number; map: string }[] = []
  let deltas = 0
  for (let step = 0; step < 1_500; step += 1) {
    const command = random.pick(COMMANDS)
    const id = random.pick(ids)
    const who = session(random.pick(['a', 'b']))
    const ordinals = random.seats()
    const where = `step ${step}: ${command} ${id} ${ordinals.join()}`
    switch (command) {
      case 'hold':
      case 'replace':
      case 'repeat': {
        const request = holdRequest(performance, ordinals, {
          session: who,
          id: command === 'repeat' ? id.slice(performance.length + 1) : `h-${step}`,
          extensions: EXTENSIONS,
          partial: random.below(3) === 0,
          accessible: random.below(3) === 0,
          ...(command === 'replace' && { replaces: id }),
        })
        ids.push(request.holdId)
        expect(await store.hold(performance, request), where).toMatchObject(model.hold(request))
        break
      }
      case 'extend': {
        // A small pool of requests, so that some are repeats; a payment has none and does not count.
        const requestId = random.below(3) === 0 ? undefined : `request-${random.below(4)}`
        const options = { session: who, ttlMs: 90_000, counts: requestId !== undefined }
        const outcome = await store.extend(performance, id, {
          ...options,
          ...(requestId !== undefined && { requestId }),
        })
        expect(outcome, where).toMatchObject(model.extend(id, who, requestId))
        break
      }
      case 'change': {
        const mark = random.pick(['f', 'a', 'b'] as const)
        await store.change(performance, { requestId: `${step}`, ordinals, mark })
        model.change(ordinals, mark)
        break
      }
      case 'release': {
        const own = model.holds.get(id)?.session === who
        expect(await store.release(performance, id, { session: who }), where).toBe(own)
        if (own) model.end(id)
        break
      }
      case 'due':
        if (model.holds.get(id)?.status === 'live') {
          await makeDue(seats, id)
          model.end(id)
        }
        break
      case 'confirm': {
        const own = model.holds.get(id)?.ordinals ?? []
        const sold = own.length > 0 && random.below(3) > 0 ? own : ordinals
        // A sale to one who never held, and the sale of a hold that may have ended.
        const seller = random.below(4) === 0 ? `${performance}.unknown-${step}` : id
        await store.confirm(performance, seller, sold)
        model.confirm(seller, sold)
        break
      }
      case 'free':
        await store.free(performance, ordinals)
        for (const ordinal of ordinals) if (model.marks[ordinal] === 's') model.giveBack(ordinal)
        break
      case 'rebuild': {
        // What Postgres says: what is sold already, and now and then a seat that Redis had not heard of.
        const { version: seenVersion } = await store.availability(performance)
        const extra = random.below(3) === 0 ? ordinals.slice(0, 1) : []
        const sold = model.marks.flatMap((mark, ordinal) =>
          mark === 's' || extra.includes(ordinal) ? [ordinal] : [],
        )
        const [blocked, accessible] = [[random.below(SEATS)], random.seats()]
        expect(
          await store.rebuild(performance, { seats: SEATS, sold, blocked, accessible, seenVersion }),
          where,
        ).toMatchObject({ status: 'rebuilt' })
        model.change([...model.base.keys()], 'f')
        model.change(accessible, 'a')
        model.change(blocked, 'b')
        for (const ordinal of sold) model.sell(ordinal)
        break
      }
    }

    const now = await store.availability(performance)
    if (now.status !== 'full') throw new Error(now.status)
    expect(now.map, where).toBe(model.marks.join(''))
    const { counted = '' } = await seats.raw.hgetall(performanceKeys(performance).state)
    if (step > 0 && command !== 'rebuild') {
      expect(counted, `${where}: the counts are kept, not counted anew`).toMatch(`${now.version} `)
    }
    expect(await store.counts(performance), where).toMatchObject(model.counts())
    const last = seen.at(-1)
    if (last === undefined || now.map !== last.map) {
      expect(now.version, where).toBeGreaterThan(last?.version ?? 0)
      seen.push({ version: now.version, map: now.map })
    }
    const earlier = random.pick(seen.slice(-8))
    const answer = await store.availability(performance, earlier.version)
    if (answer.status === 'delta') {
      deltas += 1
      expect(applyDelta(earlier.map, answer.changes), `${where}: followed from ${earlier.version}`).toBe(
        now.map,
      )
    }
    if (step % 10 === 0) await expectConsistent(seats)
  }
  expect(deltas).toBeGreaterThan(500)
})

test('200 bursts of commands at once never leave a seat in two holds, a map apart from its holders, or an older version', async () => {
  console.log(`SEATS_SEED=${SEED}`)
  const random = randomFrom(SEED + 1)
  const { store, performance } = seats
  await store.rebuild(performance, { seats: SEATS, sold: [], blocked: [0] })
  const ids: string[] = []
  let version = 0
  let followed = await mapOf(seats)
  for (let burst = 0; burst < 200; burst += 1) {
    const before = await store.availability(performance)
    const run = (at: number): Promise<unknown> => {
      const request = holdRequest(performance, random.seats(), { id: `h-${burst}-${at}` })
      const id = ids.length > 0 ? random.pick(ids) : request.holdId
      const owner = { session: request.session }
      switch (random.below(10)) {
        case 0:
          return store.release(performance, id, owner)
        case 1:
          return store.extend(performance, id, { ...owner, ttlMs: 1 })
        case 2:
          return store.confirm(performance, id, random.seats())
        case 3:
          return store.free(performance, random.seats())
        case 4:
          return store.change(performance, {
            requestId: request.holdId,
            ordinals: random.seats(),
            mark: random.pick(['f', 'a', 'b'] as const),
          })
        case 5:
          return store.rebuild(performance, {
            seats: SEATS,
            sold: random.seats(),
            blocked: [],
            seenVersion: before.version,
          })
        default:
          ids.push(request.holdId)
          // Some expire within this very test, whenever the clock says.
          return store.hold(performance, {
            ...request,
            ttlMs: random.pick([1, 20, 60_000]),
            partial: random.below(2) === 0,
            ...(random.below(2) === 0 && { replaces: id }),
          })
      }
    }
    await store.counts(performance)
    await Promise.all(Array.from({ length: 1 + random.below(8) }, (_, at) => run(at)))
    await vi.waitFor(async () => {
      const whole = await store.availability(performance)
      const delta = await store.availability(performance, version)
      if (whole.status !== 'full' || delta.status === 'unloaded') throw new Error('the map was lost')
      // A hold may have run out between the two: ask again.
      expect(delta.version).toBe(whole.version)
      expect(delta.version).toBeGreaterThanOrEqual(version)
      followed = delta.status === 'full' ? delta.map : applyDelta(followed, delta.changes)
      version = delta.version
      expect(followed).toBe(whole.map)
    })
    await expectConsistent(seats)
  }
})
