// How many seats are free, held and sold: kept with every change, counted anew only where they cannot be known.

import { describe, expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (sold: number[] = [], blocked: number[] = []) =>
    seats.store.rebuild(seats.performance, { seats: 10, sold, blocked })
  const take = async (ordinals: number[], who = 'a') => {
    const request = holdRequest(seats.performance, ordinals, { session: session(who) })
    held(await seats.store.hold(seats.performance, request))
    return request
  }
  const counts = () => seats.store.counts(seats.performance)

  test('blocked seats are not counted, and what was never loaded is unloaded', async () => {
    expect(await counts()).toEqual({ status: 'unloaded', version: 0 })
    const { version } = await load([1, 2], [9])
    expect(await counts()).toEqual({
      status: 'counted',
      version,
      free: 7,
      accessible: 0,
      held: 0,
      sold: 2,
      sessions: 0,
      moreDue: false,
    })
  })

  test('a session with two holds is one, until the last of them has ended', async () => {
    await load()
    await counts()
    const first = await take([0])
    const second = await take([1, 2])
    await take([3], 'b')
    expect(await counts()).toMatchObject({ free: 6, held: 4, sessions: 2 })
    await seats.store.release(seats.performance, first.holdId, first)
    expect(await counts()).toMatchObject({ free: 7, held: 3, sessions: 2 })
    await seats.store.confirm(seats.performance, second.holdId, [1, 2])
    expect(await counts()).toMatchObject({ free: 7, held: 1, sold: 2, sessions: 1 })
    await expectConsistent(seats)
  })

  test('a hold that is due is not counted, also where nothing but counting comes by', async () => {
    await load()
    const hold = await take([0, 1])
    const before = await counts()
    await makeDue(seats, hold.holdId)
    const after = await counts()
    expect(after).toMatchObject({ free: 10, held: 0, sessions: 0 })
    expect(after.version).toBeGreaterThan(before.version)
  })

  test('more holds that are due than one run ends are told', async () => {
    const { store, performance } = seats
    await store.rebuild(performance, { seats: 100, sold: [], blocked: [] })
    const taken = []
    for (let seat = 0; seat < 60; seat += 1) taken.push(await take([seat], `${seat}`))
    for (const { holdId } of taken) await makeDue(seats, holdId)
    expect(await counts()).toMatchObject({ free: 90, held: 10, sessions: 10, moreDue: true })
    expect(await counts()).toMatchObject({ free: 100, held: 0, sessions: 0, moreDue: false })
  })

  test('seats that were changed by code which does not count are counted anew', async () => {
    const { performance, raw } = seats
    await load()
    await counts()
    await take([0])
    const { state, map } = performanceKeys(performance)
    await raw.setrange(map, 5, 's')
    await raw.hincrby(state, 'version', 1)
    expect(await counts()).toMatchObject({ free: 8, held: 1, sold: 1, sessions: 1 })
  })

  test('a rebuild is counted anew, also where a hold ended in the very same step', async () => {
    const { store, performance } = seats
    await load()
    await counts()
    const hold = await take([0])
    const { version: seenVersion } = await counts()
    await makeDue(seats, hold.holdId)
    await store.rebuild(performance, { seats: 10, sold: [5], blocked: [], seenVersion })
    expect(await counts()).toMatchObject({ free: 9, held: 0, sold: 1, sessions: 0 })
  })

  test('a map that was lost alone is unloaded, and counted after its rebuild', async () => {
    const { store, performance, raw } = seats
    await load()
    await take([1])
    await raw.del(performanceKeys(performance).map)
    const { status, version } = await counts()
    expect(status).toBe('unloaded')
    await store.rebuild(performance, { seats: 10, sold: [4], blocked: [], seenVersion: version })
    expect(await counts()).toMatchObject({ free: 8, held: 1, sold: 1, sessions: 1 })
  })
})
