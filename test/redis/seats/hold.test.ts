// Holding seats: one live hold a seat whatever arrives at once, all or nothing, and safe to repeat.

import { describe, expect, test, vi } from 'vitest'
import { FASTEST, KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, mapOf, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = (count = 20, sold: number[] = [], blocked: number[] = []) =>
    seats.store.rebuild(seats.performance, { seats: count, sold, blocked })

  test('a performance without a map is answered as unloaded', async () => {
    const { store, performance } = seats
    expect(await store.hold(performance, holdRequest(performance, [1]))).toEqual({
      status: 'unloaded',
      version: 0,
    })
    expect(await store.availability(performance)).toEqual({ status: 'unloaded', version: 0 })
  })

  test('of 200 holds at once for the same four seats exactly one succeeds, and the others hear of all four', async () => {
    const { store, performance } = seats
    await load()
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        store.hold(performance, holdRequest(performance, [4, 5, 6, 7], { session: session(`${i}`) })),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'held')).toHaveLength(1)
    const conflict = {
      status: 'conflict',
      conflicts: [4, 5, 6, 7].map((ordinal) => ({ ordinal, state: 'held' })),
    }
    expect(outcomes.filter(({ status }) => status !== 'held')).toEqual(
      Array.from({ length: 199 }, () => conflict),
    )
    await expectConsistent(seats)
  })

  test('overlapping holds at once never share a seat, and each loser holds nothing', async () => {
    const { store, performance } = seats
    await load(30)
    const requests = Array.from({ length: 60 }, (_, i) => {
      const first = (i * 7) % 27
      return holdRequest(performance, [first, first + 1, first + 2], { session: session(`${i}`) })
    })
    const outcomes = await Promise.all(requests.map((request) => store.hold(performance, request)))
    const winners = requests.filter((_, i) => outcomes[i]?.status === 'held')
    const taken = winners.flatMap(({ ordinals }) => ordinals)
    expect(winners.length).toBeGreaterThan(0)
    expect(new Set(taken).size).toBe(taken.length)
    expect(Array.from(await mapOf(seats)).flatMap((mark, at) => (mark === 'h' ? [at] : []))).toEqual(
      taken.toSorted((a, b) => a - b),
    )
    await expectConsistent(seats)
  })

  test('a conflict names every seat that is not free, with its state, and takes none', async () => {
    const { store, performance } = seats
    await load(20, [2], [3])
    await store.hold(performance, holdRequest(performance, [4]))
    expect(await store.hold(performance, holdRequest(performance, [1, 2, 3, 4, 5]))).toEqual({
      status: 'conflict',
      conflicts: [
        { ordinal: 2, state: 'sold' },
        { ordinal: 3, state: 'blocked' },
        { ordinal: 4, state: 'held' },
      ],
    })
    expect(await mapOf(seats)).toBe('ffsbhfffffffffffffff')
  })

  test('a hold whose reply was lost is found again by its id', async () => {
    const { store, performance, gateway } = seats
    await load()
    await store.availability(performance)
    const request = holdRequest(performance, [1, 2])
    const { fired } = gateway.faults.next(request.holdId, { kind: 'drop-reply' })
    const first = held(await store.hold(performance, request))
    await fired
    expect(held(await store.hold(performance, request))).toEqual(first)
    expect(first.ordinals).toEqual([1, 2])
    await expectConsistent(seats)
  })

  test('a repeat with other seats answers the seats of the first', async () => {
    const { store, performance } = seats
    await load()
    await store.hold(performance, holdRequest(performance, [1], { id: 'same' }))
    const repeat = await store.hold(performance, holdRequest(performance, [8, 9], { id: 'same' }))
    expect(held(repeat).ordinals).toEqual([1])
    expect(await mapOf(seats)).toBe('fhffffffffffffffffff')
  })

  test('a repeat after the release, after the expiry, or by another session is gone and holds nothing', async () => {
    const { store, performance } = seats
    await load()
    const released = holdRequest(performance, [1])
    const expired = holdRequest(performance, [2])
    await store.hold(performance, released)
    await store.hold(performance, expired)
    expect(await store.hold(performance, { ...expired, session: session('b') })).toEqual({ status: 'gone' })
    await store.release(performance, released.holdId, released)
    await makeDue(seats, expired.holdId)
    expect(await store.hold(performance, released)).toEqual({ status: 'gone' })
    expect(await store.hold(performance, expired)).toEqual({ status: 'gone' })
    expect(await mapOf(seats)).toBe('f'.repeat(20))
    await expectConsistent(seats)
  })

  test('an expired hold gives its seats back by itself, to whoever looks or asks for them', async () => {
    const { store, performance } = seats
    await load()
    const brief = holdRequest(performance, [1, 2], { ttlMs: 30 })
    held(await store.hold(performance, brief))
    const next = holdRequest(performance, [2, 3], { session: session('b') })
    await vi.waitFor(async () => held(await store.hold(performance, next)), { timeout: 5_000, interval: 5 })
    expect(await mapOf(seats)).toBe('ffhhffffffffffffffff')
    expect(await store.findHold(performance, brief.holdId)).toMatchObject({ status: 'ended', how: 'expired' })
    await expectConsistent(seats)
  })

  test('seats of a hold that is due are free although more holds are due than one run ends', async () => {
    const { store, performance } = seats
    await load(60)
    const requests = Array.from({ length: 60 }, (_, i) => holdRequest(performance, [i], { id: `h-${i}` }))
    await Promise.all(requests.map((request) => store.hold(performance, request)))
    for (const { holdId } of requests) await makeDue(seats, holdId)
    // Same score: the ZSET orders by name, so h-9 is among the last ten, beyond one run's bound of 50.
    held(await store.hold(performance, holdRequest(performance, [9])))
    await expectConsistent(seats)
  })

  test('a session never holds more seats than its limit, however many holds it takes at once', async () => {
    const { store, performance } = seats
    await load(60)
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        store.hold(performance, holdRequest(performance, [2 * i, 2 * i + 1], { sessionLimit: 8 })),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'held')).toHaveLength(4)
    expect(outcomes.filter(({ status }) => status !== 'held')).toEqual(
      Array.from({ length: 26 }, () => ({ status: 'limit', seatsHeld: 8 })),
    )
    expect(Array.from(await mapOf(seats)).filter((mark) => mark === 'h')).toHaveLength(8)
    const other = { session: session('b'), sessionLimit: 8 }
    held(await store.hold(performance, holdRequest(performance, [58, 59], other)))
    await expectConsistent(seats)
  })

  test('at its limit a session finds its holds again, and room once one has ended or lost a seat', async () => {
    const { store, performance } = seats
    await load()
    const limited = (ordinals: number[]) => holdRequest(performance, ordinals, { sessionLimit: 4 })
    const [first, second, more] = [limited([1, 2]), limited([3, 4]), limited([5, 6])]
    await store.hold(performance, first)
    await store.hold(performance, second)
    expect(held(await store.hold(performance, first)).ordinals).toEqual([1, 2])
    expect(await store.hold(performance, more)).toEqual({ status: 'limit', seatsHeld: 4 })
    expect(await store.hold(performance, limited([7]))).toEqual({ status: 'limit', seatsHeld: 4 })
    await makeDue(seats, first.holdId)
    held(await store.hold(performance, more))
    await store.confirm(performance, `${performance}.another`, [3])
    held(await store.hold(performance, limited([7])))
    await store.release(performance, second.holdId, second)
    expect(await store.hold(performance, limited([8, 9]))).toEqual({ status: 'limit', seatsHeld: 3 })
    held(await store.hold(performance, limited([8])))
    await expectConsistent(seats)
  })

  test('an ended hold is forgotten when its memory is over, and its id and seats leave nothing behind', async () => {
    const { store, performance, raw } = seats
    await load()
    const request = holdRequest(performance, [1])
    await store.hold(performance, request)
    await store.release(performance, request.holdId, request)
    await raw.zadd(`seats:{${performance}}:holds`, 1, request.holdId)
    expect(await store.findHold(performance, request.holdId)).toEqual({ status: 'unknown' })
    expect(await raw.exists(`seats:{${performance}}:holders`, `seats:{${performance}}:holds`)).toBe(0)
  })
})

describe('without the script', () => {
  const seats = setUpSeats(FASTEST)

  test('control: looking first and writing then holds the same seat more than once', async () => {
    const { store, performance, raw } = seats
    await store.rebuild(performance, { seats: 20, sold: [], blocked: [] })
    const map = `seats:{${performance}}:map`
    const winners = await Promise.all(
      Array.from({ length: 200 }, async () => {
        if ((await raw.getrange(map, 4, 7)) !== 'ffff') return false
        await raw.setrange(map, 4, 'hhhh')
        return true
      }),
    )
    expect(winners.filter(Boolean).length).toBeGreaterThan(1)
  })
})
