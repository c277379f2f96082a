// Random histories of a small hall: one command after another against a model that predicts each answer, and many at
// once against the promises that must hold in any order. The seed is printed; SEATS_SEED repeats a run.

import { expect, test, vi } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import type { SeatMark, SeatState } from '../../../src/redis/seat-marks.ts'
import { FASTEST } from '../kinds.ts'
import { applyDelta, expectConsistent, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

const SEATS = 40
const SEED = Number(process.env['SEATS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const STATES = { f: 'free', h: 'held', s: 'sold', b: 'blocked' } as const satisfies Record<
  SeatMark,
  SeatState
>

/** Holds more often than the rest, so that the hall is neither empty nor full. */
const COMMANDS = [
  ...(['hold', 'hold', 'hold', 'repeat', 'extend', 'release', 'due', 'confirm', 'free', 'rebuild'] as const),
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
  soldAs?: string
}

/** What the scripts promise, in a few lines of plain code. */
class Model {
  readonly marks: SeatMark[] = Array.from({ length: SEATS }, () => 'f')
  readonly holds = new Map<string, ModelHold>()

  hold(id: string, who: string, ordinals: readonly number[]) {
    const earlier = this.holds.get(id)
    if (earlier) return { status: earlier.status === 'live' && earlier.session === who ? 'held' : 'gone' }
    const conflicts = ordinals
      .toSorted((a, b) => a - b)
      .flatMap((ordinal) => {
        const mark = this.marks[ordinal] ?? 'f'
        return mark === 'f' ? [] : [{ ordinal, state: STATES[mark] }]
      })
    if (conflicts.length > 0) return { status: 'conflict', conflicts }
    this.holds.set(id, { session: who, ordinals: [...ordinals], status: 'live' })
    for (const ordinal of ordinals) this.marks[ordinal] = 'h'
    return { status: 'held' }
  }

  counts() {
    const seats = (mark: SeatMark) => this.marks.filter((one) => one === mark).length
    const live = [...this.holds.values()].filter(({ status }) => status === 'live')
    const sessions = new Set(live.map((hold) => hold.session)).size
    return { status: 'counted', free: seats('f'), held: seats('h'), sold: seats('s'), sessions }
  }

  end(id: string) {
    const hold = this.holds.get(id)
    if (hold?.status !== 'live') return
    hold.status = 'ended'
    for (const ordinal of hold.ordinals) this.marks[ordinal] = 'f'
  }

  /** Postgres takes a seat: whoever holds it loses it. */
  take(ordinal: number, mark: SeatMark) {
    for (const hold of this.holds.values()) {
      if (hold.status !== 'live' || !hold.ordinals.includes(ordinal)) continue
      hold.ordinals = hold.ordinals.filter((other) => other !== ordinal)
      if (hold.ordinals.length === 0) hold.status = 'ended'
    }
    this.marks[ordinal] = mark
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
    for (const ordinal of ordinals) this.take(ordinal, 's')
    const sold: ModelHold = hold ?? { session: '-', ordinals: [], status: 'ended' }
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
      case 'repeat': {
        const request = holdRequest(performance, ordinals, {
          session: who,
          id: command === 'hold' ? `h-${step}` : id.slice(performance.length + 1),
        })
        ids.push(request.holdId)
        expect(await store.hold(performance, request), where).toMatchObject(
          model.hold(request.holdId, who, ordinals),
        )
        break
      }
      case 'extend': {
        const known = model.holds.get(id)
        const outcome = await store.extend(performance, id, { session: who, ttlMs: 90_000 })
        if (known?.session !== who) expect(outcome, where).toEqual({ status: 'gone', owned: false })
        else if (known.status === 'live') expect(outcome, where).toMatchObject({ status: 'extended' })
        else expect(outcome, where).toEqual({ status: 'gone', owned: true })
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
        for (const ordinal of ordinals) if (model.marks[ordinal] === 's') model.marks[ordinal] = 'f'
        break
      case 'rebuild': {
        // What Postgres says: what is sold already, and now and then a seat that Redis had not heard of.
        const { version: seenVersion } = await store.availability(performance)
        const extra = random.below(3) === 0 ? ordinals.slice(0, 1) : []
        const sold = model.marks.flatMap((mark, ordinal) =>
          mark === 's' || extra.includes(ordinal) ? [ordinal] : [],
        )
        const blocked = [random.below(SEATS)].filter((ordinal) => !sold.includes(ordinal))
        expect(
          await store.rebuild(performance, { seats: SEATS, sold, blocked, seenVersion }),
          where,
        ).toMatchObject({ status: 'rebuilt' })
        for (const [ordinal, mark] of model.marks.entries()) if (mark === 'b') model.marks[ordinal] = 'f'
        for (const ordinal of sold) model.take(ordinal, 's')
        for (const ordinal of blocked) model.take(ordinal, 'b')
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
      switch (random.below(9)) {
        case 0:
          return store.release(performance, id, owner)
        case 1:
          return store.extend(performance, id, { ...owner, ttlMs: 1 })
        case 2:
          return store.confirm(performance, id, random.seats())
        case 3:
          return store.free(performance, random.seats())
        case 4:
          return store.rebuild(performance, {
            seats: SEATS,
            sold: random.seats(),
            blocked: [],
            seenVersion: before.version,
          })
        default:
          ids.push(request.holdId)
          // Some expire within this very test, whenever the clock says.
          return store.hold(performance, { ...request, ttlMs: random.pick([1, 20, 60_000]) })
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
