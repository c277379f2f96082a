// What happens to a hold after it was taken, and to seats when Postgres has spoken: extend, release, confirm, free.

import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (sold: number[] = [], blocked: number[] = []) =>
    seats.store.rebuild(seats.performance, { seats: 10, sold, blocked })
  const take = async (ordinals: number[], over: Parameters<typeof holdRequest>[2] = {}) => {
    const request = holdRequest(seats.performance, ordinals, over)
    return { ...request, ...held(await seats.store.hold(seats.performance, request)) }
  }

  test('an extension counts from now, never shortens, and never passes the absolute life', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1], { ttlMs: 60_000, maxLifeMs: 180_000 })
    const shorter = await store.extend(performance, hold.holdId, { session: hold.session, ttlMs: 1_000 })
    expect(shorter).toEqual({
      status: 'extended',
      expiresAtMs: hold.expiresAtMs,
      lastsUntilMs: hold.lastsUntilMs,
      extensionsLeft: 0,
    })
    const longer = await store.extend(performance, hold.holdId, { session: hold.session, ttlMs: 120_000 })
    if (longer.status !== 'extended') throw new Error(longer.status)
    expect(longer.expiresAtMs - hold.expiresAtMs).toBeGreaterThanOrEqual(60_000)
    const most = await store.extend(performance, hold.holdId, { session: hold.session, ttlMs: 999_000 })
    expect(most).toMatchObject({ status: 'extended', expiresAtMs: hold.lastsUntilMs })
    const again = await store.extend(performance, hold.holdId, { session: hold.session, ttlMs: 999_000 })
    expect(again).toMatchObject({ status: 'at_limit', expiresAtMs: hold.lastsUntilMs })
    expect((await store.readHold(performance, hold.holdId))?.expiresAtMs).toBe(hold.lastsUntilMs)
    await expectConsistent(seats)
  })

  test('a visitor extends as often as was promised, and a repeat neither counts nor moves anything', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1], { extensions: 2, maxLifeMs: 999_000 })
    expect(hold.extensionsLeft).toBe(2)
    const extend = (requestId: string, ttlMs: number) =>
      store.extend(performance, hold.holdId, { session: hold.session, ttlMs, requestId, counts: true })
    const first = await extend('first', 100_000)
    expect(first).toMatchObject({ status: 'extended', extensionsLeft: 1 })
    const second = await extend('second', 200_000)
    expect(second).toMatchObject({ status: 'extended', extensionsLeft: 0 })
    // Late, and with a longer time: the answer is that of now, and nothing has moved.
    expect(await extend('first', 300_000)).toEqual(second)
    // A part of another's id is another id.
    for (const requestId of ['third', 'firs', 'irst']) {
      expect(await extend(requestId, 300_000)).toEqual({ ...second, status: 'none_left' })
    }
    expect(await store.readHold(performance, hold.holdId)).toMatchObject({
      expiresAtMs: second.status === 'extended' && second.expiresAtMs,
      extensionsLeft: 0,
    })
  })

  test('a payment extends a hold that has no extension left, and takes none from one that has', async () => {
    const { store, performance } = seats
    await load()
    for (const extensions of [0, 1]) {
      const hold = await take([extensions], { extensions })
      const paying = { session: hold.session, ttlMs: 120_000, requestId: 'order', counts: false }
      const outcome = await store.extend(performance, hold.holdId, paying)
      expect(outcome).toMatchObject({ status: 'extended', extensionsLeft: extensions })
      if (outcome.status !== 'extended') throw new Error(outcome.status)
      expect(outcome.expiresAtMs - hold.expiresAtMs).toBeGreaterThanOrEqual(60_000)
    }
  })

  test('only its owner extends a hold, and nobody extends one that has ended', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1])
    const extend = (holdId: string, who: string) =>
      store.extend(performance, holdId, { session: who, ttlMs: 100_000 })
    expect(await extend(hold.holdId, session('b'))).toEqual({ status: 'gone', owned: false })
    expect(await extend(`${performance}.none`, hold.session)).toEqual({ status: 'gone', owned: false })
    await makeDue(seats, hold.holdId)
    expect(await extend(hold.holdId, hold.session)).toEqual({ status: 'gone', owned: true })
    expect(await mapOf(seats)).toBe('ffffffffff')
  })

  test('only its owner releases a hold, and a repeat says the same', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    expect(await store.release(performance, hold.holdId, { session: session('b') })).toBe(false)
    expect(await mapOf(seats)).toBe('fhhfffffff')
    expect(await store.release(performance, hold.holdId, hold)).toBe(true)
    expect(await mapOf(seats)).toBe('ffffffffff')
    const next = await take([1], { session: session('b') })
    expect(await store.release(performance, hold.holdId, hold)).toBe(true)
    expect(await store.readHold(performance, next.holdId)).toMatchObject({ ordinals: [1] })
    expect(await mapOf(seats)).toBe('fhffffffff')
    await expectConsistent(seats)
  })

  test('a hold that ends leaves alone a seat that has passed to another hold behind its back', async () => {
    // As a store can look whose replicas were joined by "last writer wins": two records name the seat, one owns it.
    const { store, performance, raw } = seats
    await load()
    const hold = await take([1, 2])
    const owner = `9999999999999 ${performance}.another`
    await raw.hset(performanceKeys(performance).holders, '2', owner)
    await store.release(performance, hold.holdId, hold)
    expect(await mapOf(seats)).toBe('ffhfffffff')
    expect(await raw.hget(performanceKeys(performance).holders, '2')).toBe(owner)
  })

  test('confirm sells the seats of the hold, ends it, and frees those that were not sold', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2, 3])
    await store.confirm(performance, hold.holdId, [1, 2])
    expect(await mapOf(seats)).toBe('fssfffffff')
    expect(await store.findHold(performance, hold.holdId)).toEqual({
      status: 'ended',
      session: hold.session,
      how: 'sold',
    })
    expect(await store.release(performance, hold.holdId, hold)).toBe(true)
    expect(await mapOf(seats)).toBe('fssfffffff')
    await expectConsistent(seats)
  })

  test('a confirm that is repeated after its seats were freed does not sell them again', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    await store.confirm(performance, hold.holdId, [1, 2])
    await store.free(performance, [1, 2])
    await store.confirm(performance, hold.holdId, [2, 1])
    expect(await mapOf(seats)).toBe('ffffffffff')
  })

  test('a seat that Postgres has sold is sold although another holds it, who keeps the other seats', async () => {
    const { store, performance } = seats
    await load()
    const loser = await take([3, 4, 5], { session: session('loser') })
    await store.confirm(performance, `${performance}.late`, [4])
    expect(await mapOf(seats)).toBe('fffhshffff')
    expect((await store.readHold(performance, loser.holdId))?.ordinals).toEqual([3, 5])
    await store.confirm(performance, `${performance}.late-2`, [3, 5])
    expect(await store.findHold(performance, loser.holdId)).toMatchObject({ status: 'ended', how: 'lost' })
    expect(await mapOf(seats)).toBe('fffsssffff')
    await expectConsistent(seats)
  })

  test('a hold that expired before its payment came in time is still sold by confirm', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    await makeDue(seats, hold.holdId)
    expect(await mapOf(seats)).toBe('ffffffffff')
    await store.confirm(performance, hold.holdId, [1, 2])
    expect(await mapOf(seats)).toBe('fssfffffff')
    await expectConsistent(seats)
  })

  test('free frees sold seats alone, and a late repeat leaves a seat that was sold anew', async () => {
    const { store, performance } = seats
    await load([1, 2], [3])
    const hold = await take([4])
    const requestId = randomUUID()
    await store.free(performance, [1, 3, 4], { requestId })
    expect(await mapOf(seats)).toBe('ffsbhfffff')
    await store.confirm(performance, `${performance}.next`, [1])
    await store.free(performance, [1, 3, 4], { requestId })
    expect(await mapOf(seats)).toBe('fssbhfffff')
    expect(await store.readHold(performance, hold.holdId)).toMatchObject({ ordinals: [4] })
    expect(await store.findHold(performance, `free:${requestId}`)).toEqual({ status: 'unknown' })
    await expectConsistent(seats)
  })

  test.each(['extend', 'release', 'confirm', 'free', 'rebuild'] as const)(
    '%s whose request arrives twice has the effect of one',
    async (command) => {
      const { store, performance, gateway } = seats
      await load([9])
      const hold = await take([1, 2])
      const { version: seenVersion } = await store.availability(performance)
      gateway.faults.set({ kind: 'duplicate' })
      if (command === 'extend') {
        await store.extend(performance, hold.holdId, { session: hold.session, ttlMs: 999_000 })
        expect((await store.readHold(performance, hold.holdId))?.expiresAtMs).toBe(hold.lastsUntilMs)
      }
      if (command === 'release') expect(await store.release(performance, hold.holdId, hold)).toBe(true)
      if (command === 'confirm') await store.confirm(performance, hold.holdId, [1, 2])
      if (command === 'free') await store.free(performance, [9])
      if (command === 'rebuild')
        await store.rebuild(performance, { seats: 10, sold: [8], blocked: [], seenVersion })
      gateway.faults.clear()
      const expected = {
        extend: 'fhhffffffs',
        release: 'fffffffffs',
        confirm: 'fssffffffs',
        free: 'fhhfffffff',
        rebuild: 'fhhfffffsf',
      }
      expect(await mapOf(seats)).toBe(expected[command])
      await expectConsistent(seats)
    },
  )
})
