// The map as watchers see it: versions, deltas, what they cost on the wire, and its rebuild from Postgres.

import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { FASTEST, KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (sold: number[] = [], blocked: number[] = []) =>
    seats.store.rebuild(seats.performance, { seats: 10, sold, blocked })

  test('a watcher who asks since a version hears exactly what changed, expiries included', async () => {
    const { store, performance } = seats
    await store.rebuild(performance, { seats: 100, sold: [], blocked: [] })
    const before = await store.availability(performance)
    const hold = holdRequest(performance, [1, 2])
    await store.hold(performance, hold)
    await store.hold(performance, holdRequest(performance, [3]))
    await makeDue(seats, hold.holdId)
    const delta = await store.availability(performance, before.version)
    expect(delta).toMatchObject({ status: 'delta', changes: { 1: 'f', 2: 'f', 3: 'h' } })
    expect(delta.version).toBeGreaterThan(before.version)
    expect(await store.availability(performance, delta.version)).toEqual({
      status: 'delta',
      version: delta.version,
      changes: {},
      steps: [],
    })
  })

  test('a watcher with a version that this store never had gets the whole map', async () => {
    const { store, performance } = seats
    const { version } = await load()
    expect(await store.availability(performance, version + 1)).toMatchObject({ status: 'full' })
    expect(await store.availability(performance, version - 1)).toMatchObject({ status: 'full' })
    expect(await store.availability(performance, 0)).toMatchObject({ status: 'full' })
  })

  test('versions go on growing after the store was lost', async () => {
    const { store, performance, raw } = seats
    await load()
    for (let i = 0; i < 5; i += 1) await store.hold(performance, holdRequest(performance, [i]))
    const before = await store.availability(performance)
    await raw.del(Object.values(performanceKeys(performance)))
    await load()
    const after = await store.availability(performance, before.version)
    expect(after.status).toBe('full')
    expect(after.version).toBeGreaterThan(before.version)
  })

  test('a rebuild keeps live holds, takes seats that Postgres has sold from them, and frees what it has not', async () => {
    const { store, performance } = seats
    await load([8])
    const hold = holdRequest(performance, [1, 2])
    const loser = holdRequest(performance, [3], { session: session('b') })
    await store.hold(performance, hold)
    await store.hold(performance, loser)
    const { version: seenVersion } = await store.availability(performance)
    const outcome = await store.rebuild(performance, { seats: 10, sold: [2, 3], blocked: [9], seenVersion })
    expect(outcome.status).toBe('rebuilt')
    expect(await mapOf(seats)).toBe('fhssfffffb')
    expect((await store.readHold(performance, hold.holdId))?.ordinals).toEqual([1])
    expect(await store.findHold(performance, loser.holdId)).toMatchObject({ status: 'ended', how: 'lost' })
    await expectConsistent(seats)
  })

  test('a rebuild with seats of a hold that is due marks them as Postgres says', async () => {
    const { store, performance } = seats
    await load()
    const hold = holdRequest(performance, [1, 2, 3])
    await store.hold(performance, hold)
    await seats.raw.hdel(performanceKeys(performance).state, 'seats')
    await makeDue(seats, hold.holdId)
    const { version: seenVersion } = await store.availability(performance)
    await store.rebuild(performance, { seats: 10, sold: [1, 2], blocked: [], seenVersion })
    expect(await mapOf(seats)).toBe('fssfffffff')
    await expectConsistent(seats)
  })

  test('a seat sold while a rebuild was reading Postgres stays sold', async () => {
    const { store, performance } = seats
    await load()
    const { version: seenVersion } = await store.availability(performance)
    await store.confirm(performance, `${performance}.x`, [5])
    await store.rebuild(performance, { seats: 10, sold: [4], blocked: [], seenVersion })
    expect(await mapOf(seats)).toBe('ffffssffff')
  })

  test.each(['confirm', 'free'] as const)(
    'a %s that meets no map makes the rebuild that had read Postgres before it stale',
    async (command) => {
      const { store, performance } = seats
      const { version: seenVersion } = await store.availability(performance)
      if (command === 'confirm') await store.confirm(performance, `${performance}.x`, [5])
      else await store.free(performance, [5])
      const rebuild = (seen: number) =>
        store.rebuild(performance, { seats: 10, sold: [], blocked: [], seenVersion: seen })
      const stale = await rebuild(seenVersion)
      expect(stale.status).toBe('stale')
      expect(await store.availability(performance)).toEqual({ status: 'unloaded', version: stale.version })
      expect(await rebuild(stale.version)).toMatchObject({ status: 'rebuilt' })
    },
  )

  test('of two rebuilds of a lost store the second changes nothing', async () => {
    const { store, performance } = seats
    const first = await load([1])
    const hold = holdRequest(performance, [2])
    held(await store.hold(performance, hold))
    expect(first.status).toBe('rebuilt')
    expect(await load()).toMatchObject({ status: 'stale' })
    expect(await mapOf(seats)).toBe('fshfffffff')
  })

  test('a map key that was lost alone is unloaded to everyone, and a rebuild finds the holds again', async () => {
    const { store, performance, raw } = seats
    await load()
    const hold = holdRequest(performance, [1])
    await store.hold(performance, hold)
    await raw.del(performanceKeys(performance).map)
    const { status, version } = await store.availability(performance)
    expect(status).toBe('unloaded')
    expect(await store.hold(performance, holdRequest(performance, [1]))).toMatchObject({ status: 'unloaded' })
    await store.rebuild(performance, { seats: 10, sold: [], blocked: [], seenVersion: version })
    expect(await mapOf(seats)).toBe('fhffffffff')
    await expectConsistent(seats)
  })

  test('a seat beyond the map asks for a rebuild instead of writing past its end', async () => {
    const { store, performance, raw } = seats
    await load()
    expect(await store.hold(performance, holdRequest(performance, [9, 10]))).toMatchObject({
      status: 'unloaded',
    })
    expect(await raw.strlen(performanceKeys(performance).map)).toBe(10)
  })
})

describe('limits', () => {
  const seats = setUpSeats(FASTEST)

  test('a delta that would be longer than the map is answered as the map', async () => {
    const { store, performance } = seats
    const { version } = await store.rebuild(performance, { seats: 3, sold: [], blocked: [] })
    await store.hold(performance, holdRequest(performance, [0, 1, 2]))
    expect(await store.availability(performance, version)).toMatchObject({ status: 'full', map: 'hhh' })
  })

  test('the log covers the last 500 changes and is never longer than 600', async () => {
    const { store, performance, raw } = seats
    const { version: first } = await store.rebuild(performance, { seats: 4_000, sold: [], blocked: [] })
    const outcomes: number[] = []
    for (let i = 0; i < 640; i += 1) {
      await store.hold(performance, holdRequest(performance, [i]))
      if (i === 139) outcomes.push((await store.availability(performance)).version)
    }
    expect(await raw.llen(performanceKeys(performance).deltas)).toBeLessThanOrEqual(600)
    expect((await store.availability(performance, outcomes[0])).status).toBe('delta')
    expect((await store.availability(performance, first)).status).toBe('full')
  })

  test('a list of no seats, of too many, or with what is no ordinal is a bug that throws', async () => {
    const { store, performance } = seats
    await store.rebuild(performance, { seats: 10, sold: [], blocked: [] })
    for (const ordinals of [[], [-1], [1.5], [Number.NaN], Array.from({ length: 1_001 }, (_, i) => i)]) {
      expect(() => store.hold(performance, holdRequest(performance, ordinals))).toThrow(RangeError)
    }
    expect(() => store.rebuild(performance, { seats: 10, sold: [10], blocked: [] })).toThrow(RangeError)
  })

  test.each([
    ['one by one', 1],
    ['in the groups in which people buy', 6],
  ])('15,000 seats, half of them sold %s, compress to less than 4 KB', (_, group) => {
    // A fixed generator, so that the figure is the same in every run.
    let state = 7
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    let map = ''
    while (map.length < 15_000) {
      const draw = random()
      map += (draw < 0.5 ? 's' : draw < 0.55 ? 'h' : 'f').repeat(1 + Math.floor(random() * group))
    }
    expect(gzipSync(map.slice(0, 15_000)).length).toBeLessThan(4_096)
  })
})
