// An isolate's copy of the seats when a refresh hangs or is cancelled: nobody waits for another request for ever.

import { setTimeout as realDelay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { seatsNow } from '../../origin/availability.ts'
import type { Performance } from '../../origin/catalogue.ts'
import type { SeatSources } from '../../origin/load-seats.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import type { Availability, SeatStore } from '../../src/redis/seats.ts'
import { apply, type SeatNews } from './watcher.ts'

const performance = { id: 'tonight', seats: 100 } as Performance
const MAP = 'f'.repeat(100)

/** A store whose answers the test decides; only `availability` is asked. */
function sourcesWith(availability: (since?: number) => Promise<Availability>): SeatSources {
  const seats = { availability: (_: string, since?: number) => availability(since) } as SeatStore
  return { seats, db: {} as SeatSources['db'] }
}
const full = (version: number): Availability => ({ status: 'full', version, map: MAP })
const never = () => new Promise<Availability>(() => {})
const look = async (sources: SeatSources, since?: number) => {
  const { json } = await seatsNow(sources, performance, since)
  const news = JSON.parse(json) as SeatNews
  return news.packed === undefined ? news : apply(undefined, news)
}

/** Compressing takes real time, in which those who wait look again: the faked time goes on no faster than the real one. */
async function whenDone<T>(work: Promise<T>): Promise<T> {
  const over: true[] = []
  void work.finally(() => over.push(true)).catch(() => {})
  while (over.length === 0) {
    await realDelay(1)
    await vi.advanceTimersByTimeAsync(1)
  }
  return await work
}

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
  await look(sources)
  vi.advanceTimersByTime(600)
  void look(sources)
  const answers = await Promise.all([1, 2, 3].map(() => look(sources)))
  expect(answers).toEqual([1, 2, 3].map(() => ({ version: 1, map: MAP })))
  expect(asked).toBe(2)
})

test('a refresh that was cancelled with its request is taken over by the next after five seconds', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return asked === 1 ? never() : Promise.resolve(full(7))
  })
  void look(sources)
  const waiting = [look(sources), look(sources)]
  await vi.advanceTimersByTimeAsync(4_900)
  expect(asked).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(await whenDone(Promise.all(waiting))).toEqual([
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
  await look(sources)
  await vi.advanceTimersByTimeAsync(600)
  void look(sources)
  await vi.advanceTimersByTimeAsync(4_300)
  expect(await look(sources)).toEqual({ version: 1, map: MAP })
  await vi.advanceTimersByTimeAsync(200)
  const waiting = look(sources)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await waiting).toEqual({ version: 3, map: MAP })
})

test('a failure is told to all who ask within half a second, by one question', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return Promise.reject(new StoreUnavailable('away'))
  })
  for (let i = 0; i < 5; i += 1) await expect(look(sources)).rejects.toThrow('away')
  expect(asked).toBe(1)
  vi.advanceTimersByTime(500)
  await expect(look(sources)).rejects.toThrow('away')
  expect(asked).toBe(2)
})

test('who polls more seldom than the steps that are kept gets the whole map, others the seats that changed', async () => {
  let version = 1
  const sources = sourcesWith((since) => {
    if (since === undefined) return Promise.resolve(full(version))
    version += 1
    const steps = [{ version, ordinals: [version % 5] }]
    return Promise.resolve<Availability>({ status: 'delta', version, changes: { [version % 5]: 'h' }, steps })
  })
  await look(sources)
  for (let i = 0; i < 510; i += 1) {
    vi.advanceTimersByTime(500)
    await look(sources)
  }
  expect(version).toBe(511)
  expect(await look(sources, 509)).toEqual({ version: 511, changes: { 0: 'h', 1: 'h' } })
  expect(await look(sources, 11)).toEqual({
    version: 511,
    changes: { 0: 'h', 1: 'h', 2: 'h', 3: 'h', 4: 'h' },
  })
  expect(await look(sources, 10)).toEqual({ version: 511, map: `hhhhh${'f'.repeat(95)}` })
})

test('more changes than are worth telling one by one are told as the whole map', async () => {
  const changes = (seats: number) =>
    Object.fromEntries(Array.from({ length: seats }, (_, at) => [at, 'h' as const]))
  const step = (version: number, seats: number) => ({
    status: 'delta' as const,
    version,
    changes: changes(seats),
    steps: [{ version, ordinals: Object.keys(changes(seats)).map(Number) }],
  })
  const answers: Availability[] = [
    { status: 'full', version: 1, map: 'f'.repeat(1_000) },
    step(2, 300),
    step(3, 301),
  ]
  const sources = sourcesWith(() => Promise.resolve(answers.shift() ?? never()))
  await look(sources)
  vi.advanceTimersByTime(500)
  expect(await look(sources, 1)).toEqual({ version: 2, changes: changes(300) })
  vi.advanceTimersByTime(500)
  expect(await look(sources, 2)).toEqual({ version: 3, map: 'h'.repeat(301) + 'f'.repeat(699) })
})

test('one who is ahead of the copy is answered by a reading that began after they came, and is put back by it', async () => {
  let asked = 0
  const sources = sourcesWith(() => {
    asked += 1
    return Promise.resolve(full(asked))
  })
  await look(sources)
  let answered = false
  const waiting = look(sources, 9).then((answer) => {
    answered = true
    return answer
  })
  await vi.advanceTimersByTimeAsync(450)
  expect([asked, answered]).toEqual([1, false])
  await vi.advanceTimersByTimeAsync(100)
  expect(await waiting).toEqual({ version: 2, map: MAP })
  expect(asked).toBe(2)
})

test('a store that fails for less than five seconds is noticed by nobody who watches', async () => {
  let away = false
  const sources = sourcesWith((since) =>
    away
      ? Promise.reject(new StoreUnavailable('away'))
      : Promise.resolve<Availability>(
          since === undefined ? full(1) : { status: 'delta', version: 1, changes: {}, steps: [] },
        ),
  )
  await look(sources)
  away = true
  await vi.advanceTimersByTimeAsync(4_900)
  expect(await look(sources, 1)).toEqual({ version: 1, changes: {} })
  await vi.advanceTimersByTimeAsync(600)
  await expect(look(sources, 1)).rejects.toThrow('away')
  away = false
  await vi.advanceTimersByTimeAsync(600)
  expect(await look(sources, 1)).toEqual({ version: 1, changes: {} })
})

test('a store that takes longer than a copy is fresh is asked once for an answer', async () => {
  let asked = 0
  const sources = sourcesWith(async () => {
    asked += 1
    await new Promise((resolve) => setTimeout(resolve, 700))
    return full(asked)
  })
  const waiting = look(sources)
  await vi.advanceTimersByTimeAsync(700)
  expect(await waiting).toEqual({ version: 1, map: MAP })
  expect(asked).toBe(1)
})

test('all who are told the same are told by one text, spelled and compressed once', async () => {
  let version = 1
  const sources = sourcesWith((since) => {
    if (since === undefined) return Promise.resolve(full(version))
    version += 1
    const steps = [{ version, ordinals: [version] }]
    return Promise.resolve<Availability>({ status: 'delta', version, changes: { [version]: 'h' }, steps })
  })
  await seatsNow(sources, performance)
  vi.advanceTimersByTime(500)
  const spell = vi.spyOn(JSON, 'stringify')
  const compress = vi.spyOn(globalThis, 'CompressionStream')
  const wholes = [await seatsNow(sources, performance), await seatsNow(sources, performance)]
  const deltas = [await seatsNow(sources, performance, 1), await seatsNow(sources, performance, 1)]
  expect(wholes[1]).toBe(wholes[0])
  expect(deltas[1]).toBe(deltas[0])
  expect([spell.mock.calls.length, compress.mock.calls.length]).toEqual([2, 1])
  spell.mockRestore()
  compress.mockRestore()
})
