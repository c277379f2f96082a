// A new hold in the place of an earlier one, in part, for a session that its room has ended, or with an id that was used.

import { describe, expect, test } from 'vitest'
import { parseRoomId } from '../../../src/ids.ts'
import { performanceKeys, roomKeys } from '../../../src/redis/keys.ts'
import type { HoldRequest } from '../../../src/redis/seats.ts'
import { KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

const room = parseRoomId('demo')
if (room === undefined) throw new Error('a valid room id')

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (over: Partial<Parameters<typeof seats.store.rebuild>[1]> = {}) =>
    seats.store.rebuild(seats.performance, { seats: 10, sold: [], blocked: [], ...over })
  const hold = (request: HoldRequest) => seats.store.hold(seats.performance, request)
  const take = async (ordinals: number[], over: Parameters<typeof holdRequest>[2] = {}) => {
    const request = holdRequest(seats.performance, ordinals, over)
    return { ...request, ...held(await hold(request)) }
  }
  const asked = (ordinals: number[], over: Parameters<typeof holdRequest>[2]) =>
    holdRequest(seats.performance, ordinals, over)

  test('a replacement ends the old hold and keeps the seats that are in both, in one step', async () => {
    // Large enough for a delta to be shorter than the map.
    await load({ seats: 100 })
    const old = await take([1, 2, 3])
    const { version } = await seats.store.availability(seats.performance)
    const next = await take([2, 3, 4], { replaces: old.holdId })
    expect(next.ordinals).toEqual([2, 3, 4])
    expect(await mapOf(seats)).toBe('ffhhh'.padEnd(100, 'f'))
    expect(await seats.store.findHold(seats.performance, old.holdId)).toMatchObject({ how: 'released' })
    const delta = await seats.store.availability(seats.performance, version)
    expect(delta).toMatchObject({ status: 'delta', changes: { 1: 'f', 2: 'h', 3: 'h', 4: 'h' } })
    await expectConsistent(seats)
  })

  test('a replacement that cannot be had leaves the old hold as it was', async () => {
    await load({ sold: [9] })
    await take([5], { session: session('b') })
    const old = await take([1, 2], { extensions: 2 })
    const before = await seats.raw.hgetall(performanceKeys(seats.performance).holders)
    const replaces = old.holdId
    expect(await hold(asked([2, 5, 9], { replaces }))).toMatchObject({
      status: 'conflict',
      conflicts: [
        { ordinal: 5, state: 'held' },
        { ordinal: 9, state: 'sold' },
      ],
    })
    expect(await hold(asked([2, 3, 4], { replaces, sessionLimit: 2 }))).toMatchObject({ status: 'limit' })
    expect(await hold(asked([2, 10], { replaces }))).toMatchObject({ status: 'unloaded' })
    expect(await seats.raw.hgetall(performanceKeys(seats.performance).holders)).toEqual(before)
    expect(await mapOf(seats)).toBe('fhhffhfffs')
  })

  test('the seats of the old hold do not count against the limit of the new one, those of others do', async () => {
    await load()
    const old = await take([1, 2, 3], { sessionLimit: 4 })
    expect(await hold(asked([4, 5], { sessionLimit: 4 }))).toEqual({ status: 'limit', seatsHeld: 3 })
    await take([2, 3, 4, 5], { sessionLimit: 4, replaces: old.holdId })
    expect(await mapOf(seats)).toBe('ffhhhhffff')
    await expectConsistent(seats)
  })

  test('a hold of another, one that has ended and one that never was replace nothing', async () => {
    await load()
    const another = await take([1], { session: session('b') })
    const ended = await take([2])
    await makeDue(seats, ended.holdId)
    expect(await hold(asked([1], { replaces: another.holdId }))).toMatchObject({ status: 'conflict' })
    for (const [at, replaces] of [another.holdId, ended.holdId, 'none', 'session:x'].entries()) {
      await take([3 + at], { replaces })
    }
    expect(await seats.store.readHold(seats.performance, another.holdId)).toMatchObject({ ordinals: [1] })
    await expectConsistent(seats)
  })

  test('a seat that is kept keeps its end and its extensions; seats that are all new begin anew', async () => {
    await load()
    const old = await take([1, 2], { maxLifeMs: 60_000, ttlMs: 30_000, extensions: 1 })
    const longer = { ttlMs: 60_000, maxLifeMs: 180_000, extensions: 2 }
    const kept = await take([2, 3], { ...longer, replaces: old.holdId })
    expect(kept).toMatchObject({ lastsUntilMs: old.lastsUntilMs, extensionsLeft: 1 })
    expect(kept.expiresAtMs).toBeLessThanOrEqual(old.lastsUntilMs)
    const fresh = await take([5, 6], { ...longer, replaces: kept.holdId })
    expect(fresh.lastsUntilMs).toBeGreaterThan(old.lastsUntilMs)
    expect(fresh.extensionsLeft).toBe(2)
  })

  test.each(['drop-reply', 'duplicate'] as const)(
    'a replacement whose call meets %s is made once',
    async (fault) => {
      const { store, performance, gateway } = seats
      await load()
      const old = await take([1, 2])
      const request = asked([2, 3], { replaces: old.holdId })
      const { fired } = gateway.faults.next(request.holdId, { kind: fault })
      const first = held(await hold(request))
      await fired
      expect(held(await hold(request))).toEqual(first)
      expect(first.ordinals).toEqual([2, 3])
      expect(await store.listHolds(performance, old.session)).toEqual([request.holdId])
      expect(await mapOf(seats)).toBe('ffhhffffff')
      await expectConsistent(seats)
    },
  )

  test('a partial hold takes what is free and names the rest; with nothing free it is a conflict', async () => {
    await load({ sold: [2], blocked: [3], accessible: [4] })
    await take([5], { session: session('b') })
    const request = asked([1, 2, 3, 4, 5, 6], { partial: true })
    const conflicts = [
      { ordinal: 2, state: 'sold' },
      { ordinal: 3, state: 'blocked' },
      { ordinal: 4, state: 'accessible' },
      { ordinal: 5, state: 'held' },
    ]
    const first = held(await hold(request))
    expect(first).toMatchObject({ ordinals: [1, 6], conflicts })
    expect(held(await hold(request))).toEqual(first)
    expect(await hold(asked([2, 3, 4, 5], { partial: true }))).toEqual({ status: 'conflict', conflicts })
    expect(await mapOf(seats)).toBe('fhsbahhfff')
    await expectConsistent(seats)
  })

  test('the limit of a partial hold counts what it would take', async () => {
    await load({ sold: [1, 2, 3] })
    await take([0, 1, 2, 3, 4], { partial: true, sessionLimit: 2 })
    expect(await mapOf(seats)).toBe('hssshfffff')
    expect(await hold(asked([1, 5], { partial: true, sessionLimit: 2 }))).toEqual({
      status: 'limit',
      seatsHeld: 2,
    })
  })

  test('a session that its room has ended gets no new hold, keeps the one it has, and others are taken', async () => {
    const { store, performance, raw } = seats
    await load()
    const before = asked([1], { room, extensions: 1, maxLifeMs: 999_000 })
    const first = held(await hold(before))
    await raw.zadd(roomKeys(room).ended, Date.now() + 60_000, before.session)
    expect(await hold(asked([2], { room }))).toEqual({ status: 'session_ended' })
    expect(await hold(asked([2], { room, replaces: before.holdId }))).toEqual({ status: 'session_ended' })
    expect(held(await hold(before))).toEqual(first)
    const extension = { session: before.session, ttlMs: 90_000, requestId: 'one', counts: true }
    expect(await store.extend(performance, before.holdId, extension)).toMatchObject({ status: 'extended' })
    expect(await mapOf(seats)).toBe('fhffffffff')
    await take([3], { room, session: session('unknown') })
    await take([4])
    await raw.del(roomKeys(room).ended)
  })

  test('an id that was used for another request is told so, as long as its hold lives', async () => {
    await load()
    const first = await take([1], { id: 'same', asked: 'one-seat' })
    expect(await hold(asked([2], { id: 'same', asked: 'another' }))).toEqual({ status: 'reused' })
    expect(held(await hold(asked([1], { id: 'same', asked: 'one-seat' })))).toMatchObject({ ordinals: [1] })
    await seats.store.release(seats.performance, first.holdId, first)
    expect(await hold(asked([2], { id: 'same', asked: 'another' }))).toEqual({ status: 'gone' })
    expect(await mapOf(seats)).toBe('ffffffffff')
  })
})
