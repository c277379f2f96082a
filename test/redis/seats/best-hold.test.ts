// Best available and areas as holds: one step, safe to repeat, with all that a hold of named seats promises.

import { describe, expect, test } from 'vitest'
import { parseRoomId, type RoomId } from '../../../src/ids.ts'
import { performanceKeys, roomKeys } from '../../../src/redis/keys.ts'
import type { HoldAreasRequest } from '../../../src/redis/seats.ts'
import { FASTEST, KINDS } from '../kinds.ts'
import { bestRequest, hallOf, type Hall } from './best-hall.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

/** Two rows of six, seats 0 to 11. */
const ROWS = hallOf({ A: [6, 6].map((count, row) => ({ runs: [count], distance: row })) })
/** Four seats 0 to 3, then the lawn 4 to 9 and the terrace 10 to 12. */
const AREAS = hallOf({ A: [{ runs: [4], distance: 0 }] }, { lawn: 6, terrace: 3 })

function room(name: string): RoomId {
  const parsed = parseRoomId(name)
  if (parsed === undefined) throw new Error(`${name} is no room`)
  return parsed
}

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (hall: Hall, known: { sold?: number[]; blocked?: number[]; accessible?: number[] } = {}) =>
    seats.store.rebuild(seats.performance, {
      seats: hall.seats,
      sold: [],
      blocked: [],
      ...known,
      layout: hall.layout,
    })
  const best = (...[wish, over]: [Parameters<typeof bestRequest>[1], Parameters<typeof bestRequest>[2]?]) =>
    seats.store.holdBest(seats.performance, bestRequest(seats.performance, wish, over))
  const areasRequest = (
    areas: HoldAreasRequest['areas'],
    over: Partial<HoldAreasRequest> = {},
  ): HoldAreasRequest => {
    const { quantity: _, seed: __, ...take } = bestRequest(seats.performance, { quantity: 1 })
    return { ...take, areas, ...over }
  }
  const areas = (...given: Parameters<typeof areasRequest>) =>
    seats.store.holdAreas(seats.performance, areasRequest(...given))

  test('without a map, or without its layout, the performance is answered as unloaded, and a rebuild mends it', async () => {
    expect(await best({ quantity: 2 })).toEqual({ status: 'unloaded', version: 0 })
    expect(await areas([{ section: 'lawn', quantity: 1 }])).toEqual({ status: 'unloaded', version: 0 })
    await load(AREAS)
    await seats.raw.del(performanceKeys(seats.performance).layout)
    const answer = await best({ quantity: 2 })
    if (answer.status !== 'unloaded') throw new Error(answer.status)
    expect(await areas([{ section: 'lawn', quantity: 1 }])).toEqual(answer)
    await seats.store.rebuild(seats.performance, {
      seats: AREAS.seats,
      sold: [],
      blocked: [],
      layout: AREAS.layout,
      seenVersion: answer.version,
    })
    held(await best({ quantity: 2 }))
  })

  test('of 60 pairs at once for 40 seats twenty get two seats each, side by side, and the others hear what is left', async () => {
    await load(hallOf({ A: Array.from({ length: 4 }, (_, row) => ({ runs: [10], distance: row })) }))
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, n) => best({ quantity: 2 }, { session: session(`${n}`) })),
    )
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'held' ? [outcome.ordinals] : []))
    expect(winners).toHaveLength(20)
    expect(new Set(winners.flat()).size).toBe(40)
    expect(outcomes.filter(({ status }) => status !== 'held')).toEqual(
      Array.from({ length: 40 }, () => ({ status: 'none', free: 0 })),
    )
    await expectConsistent(seats)
  })

  test('a repeat after a lost reply finds the same seats, though others would be chosen by now', async () => {
    await load(ROWS)
    await seats.store.availability(seats.performance)
    const request = bestRequest(seats.performance, { quantity: 3 })
    const { fired } = seats.gateway.faults.next(request.holdId, { kind: 'drop-reply' })
    const first = held(await seats.store.holdBest(seats.performance, request))
    await fired
    expect(await mapOf(seats)).toMatch(/^[^h]*hhh[^h]*$/)
    expect(await seats.store.holdBest(seats.performance, request)).toEqual(first)
    expect(await seats.store.holdBest(seats.performance, { ...request, session: session('b') })).toEqual({
      status: 'gone',
    })
    await seats.store.release(seats.performance, request.holdId, request)
    expect(await seats.store.holdBest(seats.performance, request)).toEqual({ status: 'gone' })
    await expectConsistent(seats)
  })

  test('the same id asked for something else is refused', async () => {
    await load(AREAS)
    const request = bestRequest(seats.performance, { quantity: 2 }, { asked: 'two' })
    held(await seats.store.holdBest(seats.performance, request))
    expect(
      await seats.store.holdBest(seats.performance, { ...request, quantity: 3, asked: 'three' }),
    ).toEqual({
      status: 'reused',
    })
    expect(
      await areas([{ section: 'lawn', quantity: 1 }], { holdId: request.holdId, asked: 'lawn' }),
    ).toEqual({ status: 'reused' })
  })

  test("seats beyond the session's limit are refused, whatever they are held by", async () => {
    await load(AREAS)
    held(await seats.store.hold(seats.performance, holdRequest(seats.performance, [0])))
    held(await areas([{ section: 'lawn', quantity: 2 }], { sessionLimit: 4 }))
    expect(await best({ quantity: 2 }, { sessionLimit: 4 })).toEqual({ status: 'limit', seatsHeld: 3 })
    expect(
      await areas(
        [
          { section: 'lawn', quantity: 1 },
          { section: 'terrace', quantity: 1 },
        ],
        { sessionLimit: 4 },
      ),
    ).toEqual({ status: 'limit', seatsHeld: 3 })
    held(await best({ quantity: 1 }, { sessionLimit: 4 }))
    held(await best({ quantity: 2 }, { sessionLimit: 4, session: session('b') }))
  })

  test('a session that its room has ended gets nothing', async () => {
    await load(AREAS)
    const id = room(`room-${seats.performance.slice(2, 14)}`)
    await seats.raw.zadd(roomKeys(id).ended, 1, session('a'))
    expect(await best({ quantity: 1 }, { room: id })).toEqual({ status: 'session_ended' })
    expect(await areas([{ section: 'lawn', quantity: 1 }], { room: id })).toEqual({ status: 'session_ended' })
    held(await best({ quantity: 1 }, { room: id, session: session('b') }))
  })

  test('a hold that is replaced gives its seats to the new one, and stays as it was where that cannot be had', async () => {
    await load(ROWS, { sold: [6, 7, 8, 9, 10, 11] })
    const old = holdRequest(seats.performance, [2, 3])
    held(await seats.store.hold(seats.performance, old))
    expect(await best({ quantity: 7 }, { replaces: old.holdId })).toEqual({ status: 'none', free: 6 })
    expect(await seats.store.findHold(seats.performance, old.holdId)).toMatchObject({
      status: 'live',
      hold: { ordinals: [2, 3] },
    })
    expect(await best({ quantity: 5 }, { replaces: old.holdId, session: session('b') })).toEqual({
      status: 'none',
      free: 4,
    })
    expect(held(await best({ quantity: 6 }, { replaces: old.holdId })).ordinals).toEqual([0, 1, 2, 3, 4, 5])
    expect(await seats.store.findHold(seats.performance, old.holdId)).toMatchObject({ status: 'ended' })
    await expectConsistent(seats)
  })

  test('accessible seats go to those who say that they need them, with one among their own, and to nobody else', async () => {
    await load(ROWS, { accessible: [8, 9], sold: [0, 1, 2, 3, 4, 5] })
    // Five would have to pass over the two in the middle.
    expect(await best({ quantity: 5 })).toEqual({ status: 'none', free: 4 })
    const party = bestRequest(seats.performance, { quantity: 2, accessible: true })
    for (const seed of ['1', '2', '3', '4', '5', '6', '7', '8']) {
      const holdId = `${party.holdId}-${seed}`
      const { ordinals } = held(await seats.store.holdBest(seats.performance, { ...party, holdId, seed }))
      expect(ordinals.some((ordinal) => ordinal === 8 || ordinal === 9)).toBe(true)
      await seats.store.release(seats.performance, holdId, party)
    }
    expect(await mapOf(seats)).toBe('ssssssffaaff')
    // With none of them left, what is free to everybody is better than nothing.
    held(
      await seats.store.hold(seats.performance, holdRequest(seats.performance, [8, 9], { accessible: true })),
    )
    held(await best({ quantity: 2, accessible: true }))
    await expectConsistent(seats)
  })

  test('whoever had accessible seats may get them back for a hold that is replaced', async () => {
    await load(ROWS, { accessible: [8, 9], sold: [0, 1, 2, 3, 4, 5, 6, 7, 10, 11] })
    const old = holdRequest(seats.performance, [8, 9], { accessible: true })
    held(await seats.store.hold(seats.performance, old))
    expect(held(await best({ quantity: 1 }, { replaces: old.holdId })).ordinals).toHaveLength(1)
    expect(await mapOf(seats)).toMatch(/^s{8}(ah|ha)ss$/)
  })

  test('places of an area are chosen where the wish names it, or leaves no numbered seat, and else not', async () => {
    await load(AREAS)
    held(await best({ quantity: 4 }))
    expect(await best({ quantity: 1 })).toEqual({ status: 'none', free: 0 })
    expect(held(await best({ quantity: 2, section: 'lawn' })).ordinals).toHaveLength(2)
    expect(await best({ quantity: 5, section: 'lawn' })).toEqual({ status: 'none', free: 4 })
    // All in the one area that has room for them, and over both only where neither has.
    held(await best({ quantity: 2, section: 'lawn' }))
    expect(held(await best({ quantity: 3, tier: 'lawn' })).ordinals).toEqual([10, 11, 12])
    held(await best({ quantity: 1, tier: 'lawn' }))
    await seats.store.confirm(seats.performance, `${seats.performance}.box-office`, [11])
    await seats.store.free(seats.performance, [11])
    expect(held(await best({ quantity: 2, tier: 'lawn' })).ordinals).toEqual([9, 11])
    expect(await best({ quantity: 1, tier: 'lawn' })).toEqual({ status: 'none', free: 0 })
    expect(await best({ quantity: 1, section: 'nowhere' })).toEqual({ status: 'none', free: 0 })
    await expectConsistent(seats)
  })

  test('areas are held all together or not at all, and the answer names those that are short', async () => {
    await load(AREAS, { accessible: [12], blocked: [4] })
    expect(
      await areas([
        { section: 'lawn', quantity: 6 },
        { section: 'terrace', quantity: 1 },
        { section: 'A', quantity: 1 },
      ]),
    ).toEqual({
      status: 'short',
      areas: [
        { section: 'lawn', free: 5 },
        { section: 'A', free: 0 },
      ],
    })
    expect(await mapOf(seats)).toBe('ffffbfffffffa')
    const { ordinals } = held(
      await areas([
        { section: 'terrace', quantity: 2 },
        { section: 'lawn', quantity: 2 },
        { section: 'lawn', quantity: 1 },
      ]),
    )
    expect(ordinals).toEqual([5, 6, 7, 10, 11])
    expect(await areas([{ section: 'terrace', quantity: 1 }])).toEqual({
      status: 'short',
      areas: [{ section: 'terrace', free: 0 }],
    })
    await expectConsistent(seats)
  })

  test('of 20 visitors at once for the last places of an area as many get them as there are', async () => {
    await load(AREAS)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        areas([{ section: 'lawn', quantity: 2 }], { session: session(`${n}`) }),
      ),
    )
    const places = outcomes.flatMap((outcome) => (outcome.status === 'held' ? outcome.ordinals : []))
    expect(places.toSorted((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9])
    await expectConsistent(seats)
  })

  test('areas give way to areas: a replaced hold counts as free, and lives on where there is too little', async () => {
    await load(AREAS)
    const old = areasRequest([{ section: 'terrace', quantity: 2 }])
    held(await seats.store.holdAreas(seats.performance, old))
    expect(await areas([{ section: 'terrace', quantity: 4 }], { replaces: old.holdId })).toEqual({
      status: 'short',
      areas: [{ section: 'terrace', free: 3 }],
    })
    expect(await seats.store.findHold(seats.performance, old.holdId)).toMatchObject({ status: 'live' })
    const { ordinals } = held(await areas([{ section: 'terrace', quantity: 3 }], { replaces: old.holdId }))
    expect(ordinals).toEqual([10, 11, 12])
    await expectConsistent(seats)
  })

  test.each(['best', 'areas'])(
    '%s: nobody is refused for seats whose holds are due, however many there are',
    async (kindOfHold) => {
      const hall = hallOf(
        { A: Array.from({ length: 12 }, (_, row) => ({ runs: [10], distance: row })) },
        { lawn: 60 },
      )
      await load(hall)
      const due: string[] = []
      for (let ordinal = 0; ordinal < hall.seats; ordinal += 1) {
        const request = holdRequest(seats.performance, [ordinal], { session: session(`${ordinal}`) })
        held(await seats.store.hold(seats.performance, request))
        due.push(request.holdId)
      }
      for (const holdId of due) await makeDue(seats, holdId)
      held(
        kindOfHold === 'best'
          ? await best({ quantity: 100 })
          : await areas([{ section: 'lawn', quantity: 60 }]),
      )
      await expectConsistent(seats)
    },
  )
})

// js-redis-server keeps no command statistics.
describe.skipIf(FASTEST !== 'redis-server')('in commands', () => {
  const seats = setUpSeats(FASTEST)

  test('choosing four seats side by side, or four places of an area, costs as many commands as naming them', async () => {
    const { store, performance, raw } = seats
    await store.rebuild(performance, { seats: AREAS.seats, sold: [], blocked: [], layout: AREAS.layout })
    await store.counts(performance)
    const commands = async (run: (over: { session: string }) => Promise<unknown>) => {
      for (const name of ['warm', 'measured']) {
        await raw.config('RESETSTAT')
        await run({ session: session(name) })
        if (name === 'measured') break
        for (const id of await store.listHolds(performance, session(name))) {
          await store.release(performance, id, { session: session(name) })
        }
      }
      const stats = await raw.info('commandstats')
      const counts = Object.fromEntries(
        Array.from(stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm), ([, name = '', calls]) => [
          name,
          Number(calls),
        ]),
      )
      for (const outside of ['evalsha', 'eval', 'info', 'config|resetstat', 'config']) delete counts[outside]
      for (const id of await store.listHolds(performance, session('measured'))) {
        await store.release(performance, id, { session: session('measured') })
      }
      return counts
    }
    const named = await commands((over) =>
      store.hold(performance, holdRequest(performance, [0, 1, 2, 3], over)),
    )
    const { getrange, ...rest } = named
    expect(getrange).toBe(1)
    const chosen = { ...rest, mget: 1 }
    expect(
      await commands((over) => store.holdBest(performance, bestRequest(performance, { quantity: 4 }, over))),
    ).toEqual(chosen)
    expect(
      await commands((over) => {
        const { quantity: _, seed: __, ...take } = bestRequest(performance, { quantity: 1 }, over)
        return store.holdAreas(performance, { ...take, areas: [{ section: 'lawn', quantity: 4 }] })
      }),
    ).toEqual(chosen)
  })
})
