// What seats are while nobody has them: free, kept for those who need them, or blocked; and who changes it when.

import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (over: Partial<Parameters<typeof seats.store.rebuild>[1]> = {}) =>
    seats.store.rebuild(seats.performance, { seats: 10, sold: [], blocked: [], accessible: [], ...over })
  const take = async (ordinals: number[], over: Parameters<typeof holdRequest>[2] = {}) => {
    const request = holdRequest(seats.performance, ordinals, over)
    return { ...request, ...held(await seats.store.hold(seats.performance, request)) }
  }
  const change = (ordinals: number[], mark: 'f' | 'a' | 'b', requestId: string = randomUUID()) =>
    seats.store.change(seats.performance, { requestId, ordinals, mark })

  test('accessible seats are for those who say that they need them, together with others', async () => {
    await load({ accessible: [2, 3] })
    expect(await mapOf(seats)).toBe('ffaaffffff')
    expect(await seats.store.hold(seats.performance, holdRequest(seats.performance, [1, 2]))).toEqual({
      status: 'conflict',
      conflicts: [{ ordinal: 2, state: 'accessible' }],
    })
    await take([1, 2], { accessible: true })
    expect(await mapOf(seats)).toBe('fhhaffffff')
    await expectConsistent(seats)
  })

  test.each(['released', 'expired', 'lost', 'sold in part', 'refunded', 'replaced'] as const)(
    'a hold that is %s gives accessible seats back as accessible',
    async (how) => {
      const { store, performance } = seats
      await load({ accessible: [2, 3] })
      await store.counts(performance)
      const hold = await take([1, 2, 3], { accessible: true })
      if (how === 'released') await store.release(performance, hold.holdId, hold)
      if (how === 'expired') await makeDue(seats, hold.holdId)
      if (how === 'lost') await store.confirm(performance, `${performance}.x`, [1, 2, 3])
      if (how === 'sold in part') await store.confirm(performance, hold.holdId, [1])
      if (how === 'refunded') await store.confirm(performance, hold.holdId, [1, 2, 3])
      if (how === 'lost' || how === 'refunded') await store.free(performance, [1, 2, 3])
      if (how === 'replaced') await take([1], { replaces: hold.holdId })
      const first = { 'sold in part': 's', replaced: 'h' }[how as string] ?? 'f'
      expect(await mapOf(seats)).toBe(`f${first}aaffffff`)
      expect(await store.counts(performance)).toMatchObject({ accessible: 2 })
      await expectConsistent(seats)
    },
  )

  test('a replacement keeps accessible seats without saying so again, and takes no others', async () => {
    await load({ accessible: [2, 3] })
    const old = await take([1, 2], { accessible: true })
    const replaces = old.holdId
    const more = holdRequest(seats.performance, [2, 3], { replaces })
    expect(await seats.store.hold(seats.performance, more)).toEqual({
      status: 'conflict',
      conflicts: [{ ordinal: 3, state: 'accessible' }],
    })
    await take([0, 2], { replaces })
    expect(await mapOf(seats)).toBe('hfhaffffff')
  })

  test('what an operator releases, keeps or blocks is seen at once, and by watchers as a delta', async () => {
    const { store, performance } = seats
    // Large enough for a delta to be shorter than the map.
    await load({ seats: 100, accessible: [2, 3], blocked: [4] })
    const { version } = await store.availability(performance)
    await change([2, 4], 'f')
    await change([0, 1], 'b')
    await change([9], 'a')
    expect(await mapOf(seats)).toBe('bbfafffffa'.padEnd(100, 'f'))
    expect(await store.availability(performance, version)).toMatchObject({
      status: 'delta',
      changes: { 0: 'b', 1: 'b', 2: 'f', 4: 'f', 9: 'a' },
    })
    await expectConsistent(seats)
  })

  test('a seat that is held or sold stays so, and is what the operator said once it is given back', async () => {
    const { store, performance } = seats
    await load({ sold: [5] })
    const hold = await take([1, 2])
    await change([1, 5], 'b')
    expect(await mapOf(seats)).toBe('fhhffsffff')
    await expectConsistent(seats)
    await store.release(performance, hold.holdId, hold)
    await store.free(performance, [5])
    expect(await mapOf(seats)).toBe('fbfffbffff')
    await expectConsistent(seats)
  })

  test('a seat that was blocked under a hold is sold with it, and not taken over by a replacement', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    await change([1], 'b')
    const again = holdRequest(performance, [1, 2], { replaces: hold.holdId })
    expect(await store.hold(performance, again)).toMatchObject({
      status: 'conflict',
      conflicts: [{ ordinal: 1, state: 'blocked' }],
    })
    await store.confirm(performance, hold.holdId, [1, 2])
    expect(await mapOf(seats)).toBe('fssfffffff')
  })

  test('a repeat of a change, however late, undoes nothing that came after it', async () => {
    const requestId = randomUUID()
    await load()
    await change([1], 'b', requestId)
    await change([1], 'f')
    await change([1], 'b', requestId)
    expect(await mapOf(seats)).toBe('ffffffffff')
    seats.gateway.faults.set({ kind: 'duplicate' })
    await change([2, 3], 'a')
    seats.gateway.faults.clear()
    expect(await mapOf(seats)).toBe('ffaaffffff')
    expect(await seats.store.findHold(seats.performance, `change:${requestId}`)).toEqual({
      status: 'unknown',
    })
    await expectConsistent(seats)
  })

  test.each(['of a free seat', 'of a held seat', 'without a map'])(
    'a change %s makes a rebuild that had read Postgres before it stale',
    async (when) => {
      const { store, performance } = seats
      if (when !== 'without a map') await load()
      if (when === 'of a held seat') await take([1])
      const { version: seenVersion } = await store.availability(performance)
      await change([1], 'b')
      const stale = await load({ seenVersion })
      expect(stale.status).toBe('stale')
      expect(await load({ blocked: [1], seenVersion: stale.version })).toMatchObject({ status: 'rebuilt' })
      expect(await mapOf(seats)).toBe(when === 'of a held seat' ? 'fhffffffff' : 'fbffffffff')
    },
  )

  test('a rebuild leaves a seat with its hold although it is blocked now, and blocks it afterwards', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    const { version: seenVersion } = await store.availability(performance)
    await load({ blocked: [1], accessible: [2], sold: [3], seenVersion })
    expect(await mapOf(seats)).toBe('fhhsffffff')
    await store.release(performance, hold.holdId, hold)
    expect(await mapOf(seats)).toBe('fbasffffff')
    await expectConsistent(seats)
  })

  test('a seat given back while Postgres was read is what Postgres says it is while nobody has it', async () => {
    const { store, performance } = seats
    await load()
    const hold = await take([1, 2])
    const { version: seenVersion } = await store.availability(performance)
    await store.release(performance, hold.holdId, hold)
    await load({ blocked: [1], seenVersion })
    expect(await mapOf(seats)).toBe('fbffffffff')
    await expectConsistent(seats)
  })

  test('a base that was lost alone makes nothing free that was kept back', async () => {
    const { store, performance, raw } = seats
    await load({ accessible: [1], blocked: [9] })
    const hold = await take([1, 2], { accessible: true })
    await raw.del(performanceKeys(performance).base)
    await store.release(performance, hold.holdId, hold)
    const { status, version } = await store.availability(performance)
    expect(status).toBe('unloaded')
    await load({ accessible: [1], blocked: [9], seenVersion: version })
    expect(await mapOf(seats)).toBe('fafffffffb')
    await take([2], { session: session('b') })
    await expectConsistent(seats)
  })
})
