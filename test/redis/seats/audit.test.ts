// What Redis shows of a performance for the comparison with Postgres, and seats that are held by nobody.

import { describe, expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { KINDS } from '../kinds.ts'
import { expectConsistent, held, holdRequest, makeDue, session, setUpSeats } from './setup.ts'

describe.each(KINDS)('on %s', (kind) => {
  const seats = setUpSeats(kind)
  const load = () =>
    seats.store.rebuild(seats.performance, { seats: 10, sold: [9], blocked: [8], accessible: [7] })
  const take = async (ordinals: number[], who = 'a') => {
    const request = holdRequest(seats.performance, ordinals, { session: session(who), accessible: true })
    held(await seats.store.hold(seats.performance, request))
    return request
  }
  const audit = (holds: readonly string[] = []) => seats.store.audit(seats.performance, holds)

  test('what was never loaded is unloaded', async () => {
    expect(await audit(['a.b'])).toEqual({ status: 'unloaded', version: 0 })
  })

  test('names map and base, and what became of each hold, in order', async () => {
    await load()
    const [live, sold, released, due] = [
      await take([0, 7]),
      await take([1], 'b'),
      await take([2], 'c'),
      await take([3], 'd'),
    ]
    await seats.store.confirm(seats.performance, sold.holdId, [1])
    await seats.store.release(seats.performance, released.holdId, released)
    await makeDue(seats, due.holdId)
    const ids = [due, released, live, sold].map(({ holdId }) => holdId)
    expect(await audit(['never.was', ...ids])).toMatchObject({
      status: 'audited',
      map: 'hsfffffhbs',
      base: 'fffffffabf',
      heldByNobody: [],
      holds: ['unknown', 'expired', 'released', 'live', 'sold'],
    })
    await expectConsistent(seats)
  })

  test('gives back what is held by nobody, once, and leaves what lives', async () => {
    await load()
    const live = await take([0])
    const keys = performanceKeys(seats.performance)
    await seats.raw.setrange(keys.map, 4, 'h')
    await seats.raw.setrange(keys.map, 7, 'h')
    await seats.raw.hset(keys.holders, '7', '5 nobody.knows')
    const found = await audit([live.holdId])
    expect(found).toMatchObject({ map: 'hffffffabs', heldByNobody: [4, 7], holds: ['live'] })
    expect(await audit()).toMatchObject({ map: 'hffffffabs', heldByNobody: [] })
    await expectConsistent(seats)
    const { version } = await seats.store.availability(seats.performance)
    expect(found.version).toBe(version)
  })

  test('ends a hold that is due although the list of holds has lost it', async () => {
    await load()
    const { holdId } = await take([0, 1])
    await makeDue(seats, holdId)
    await seats.raw.del(performanceKeys(seats.performance).holds)
    expect(await audit()).toMatchObject({ map: 'fffffffabs', heldByNobody: [] })
  })
})
