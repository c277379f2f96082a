// An isolate's copy of the seats when a refresh hangs or is cancelled: nobody waits for another request for ever.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { seatsNow } from '../../origin/availability.ts'
import type { Performance } from '../../origin/catalogue.ts'
import type { SeatSources } from '../../origin/load-seats.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import type { Availability, SeatStore } from '../../src/redis/seats.ts'

const performance = { id: 'tonight', seats: 100 } as Performance
const MAP = 'f'.repeat(100)

/** A store whose answers the test decides; only `availability` is asked. */
function sourcesWith(availability: (since?: number) => Promise<Availability>): SeatSources {
  const seats = { availability: (_: string, since?: number) => availability(since) } as SeatStore
  return { seats, db: {} as SeatSources['db'] }
}
const full = (version: number): Availability => ({ status: 'full', version, map: MAP })
const never = () => new Promise<Availability>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('while one refreshes, all others are answered at once from the copy that there is', async () => {
  let asked = 0
  const sources = sourcesWith((since) => {
    asked += 1
    return since === undefined ? Promise.resolve(full(1)) : never()
  })
  await seatsNow(sources, performance)
  vi.advanceTimersByTime(600)
  void seatsNow(sources, performance)
  const answers = await Promise.all([1, 2, 3].map(() => seatsNow(sources, performance)))
  expect(answers).toEqual([1, 2, 3].map(() => ({ version: 1, map: MAP })))
  expect(asked).toBe(2)
})

test('a refresh that was cancelled with its request is taken over by the next after five seconds', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return asked === 1 ? never() : Promise.resolve(full(7))
  })
  void seatsNow(sources, performance)
  const waiting = [seatsNow(sources, performance), seatsNow(sources, performance)]
  await vi.advanceTimersByTimeAsync(4_900)
  expect(asked).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(await Promise.all(waiting)).toEqual([
    { version: 7, map: MAP },
    { version: 7, map: MAP },
  ])
  expect(asked).toBe(2)
})

test('a copy older than five seconds is shown to nobody, even while a refresh hangs', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return asked === 2 ? never() : Promise.resolve(full(asked))
  })
  await seatsNow(sources, performance)
  await vi.advanceTimersByTimeAsync(600)
  void seatsNow(sources, performance)
  await vi.advanceTimersByTimeAsync(4_300)
  expect(await seatsNow(sources, performance)).toEqual({ version: 1, map: MAP })
  await vi.advanceTimersByTimeAsync(200)
  const waiting = seatsNow(sources, performance)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await waiting).toEqual({ version: 3, map: MAP })
})

test('a failure is told to all who ask within half a second, by one question', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return Promise.reject(new StoreUnavailable('away'))
  })
  for (let i = 0; i < 5; i += 1) await expect(seatsNow(sources, performance)).rejects.toThrow('away')
  expect(asked).toBe(1)
  vi.advanceTimersByTime(500)
  await expect(seatsNow(sources, performance)).rejects.toThrow('away')
  expect(asked).toBe(2)
})

test('who polls more seldom than the steps that are kept gets the whole map, others the seats that changed', async () => {
  let version = 1
  const sources = sourcesWith((since) => {
    if (since === undefined) return Promise.resolve(full(version))
    version += 1
    return Promise.resolve({ status: 'delta', version, changes: { [version % 5]: 'h' } })
  })
  await seatsNow(sources, performance)
  for (let i = 0; i < 130; i += 1) {
    vi.advanceTimersByTime(500)
    await seatsNow(sources, performance)
  }
  expect(version).toBe(131)
  expect(await seatsNow(sources, performance, 129)).toEqual({ version: 131, changes: { 0: 'h', 1: 'h' } })
  expect(await seatsNow(sources, performance, 11)).toMatchObject({ version: 131, changes: {} })
  expect(await seatsNow(sources, performance, 10)).toMatchObject({
    version: 131,
    map: `hhhhh${'f'.repeat(95)}`,
  })
})
