import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HighestSeen } from '../../../edge/seen.ts'
import { RoomSnapshot } from '../../../edge/snapshot.ts'
import { parseRooms, type Room } from '../../../src/config/room.ts'
import { SaleReplaced, StoreUnavailable } from '../../../src/redis/client.ts'
import type { SnapshotDocument } from '../../../src/redis/queue.ts'

const START = Date.parse('2026-12-01T09:00:00Z')
/** Redis' clock is ahead of the isolate's: ages are by Redis' clock alone. */
const SKEW_MS = 90_000

beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

function demoRoom(): Room {
  for (const room of parseRooms({ demo: {} }).values()) return room
  throw new Error('one room is configured')
}

function documentAt(at: number, epoch = 1, serving = 0): SnapshotDocument {
  return {
    live: {},
    liveAt: 0,
    settled: 0,
    ended: 0,
    absent: 0,
    drawState: null,
    quiet: false,
    snapshot: {
      room: 'demo',
      sale: 'default',
      epoch,
      at,
      state: 'open',
      prequeueAt: null,
      startsAt: null,
      endsAt: null,
      serving,
      waiting: 0,
      called: 0,
      sessions: 0,
      calledTotal: 0,
      leftTotal: 0,
      departures: [],
      ratePerMinute: 60,
      free: 200,
      admittedPerMinute: 0,
      front: [],
      stock: null,
      draw: null,
      message: '',
      pollAfterMs: 5_000,
      degraded: false,
    },
  }
}

function holder() {
  const redisNow = () => Date.now() + SKEW_MS
  let stored: SnapshotDocument | undefined
  const advance = vi.fn(() => {
    stored = documentAt(redisNow())
    return Promise.resolve(stored)
  })
  const readSnapshot = vi.fn(() => Promise.resolve(stored))
  const seen = new HighestSeen()
  const snapshot = new RoomSnapshot(demoRoom(), { advance, readSnapshot }, seen)
  const store = (document: SnapshotDocument) => void (stored = document)
  return { snapshot, advance, readSnapshot, seen, store, redisNow, get: () => snapshot.get(() => undefined) }
}

test('a hundred readers in one second cost one refresh', async () => {
  const { advance, readSnapshot, get } = holder()
  await Promise.all(Array.from({ length: 100 }, get))
  await vi.advanceTimersByTimeAsync(999)
  await get()
  expect([advance.mock.calls.length, readSnapshot.mock.calls.length]).toEqual([1, 0])
})

test('while another isolate keeps the stored copy fresh, one GET is enough', async () => {
  const { advance, readSnapshot, get, store, redisNow } = holder()
  await get()
  await vi.advanceTimersByTimeAsync(1_500)
  store(documentAt(redisNow() - 300))
  await get()
  await vi.advanceTimersByTimeAsync(0)
  expect([advance.mock.calls.length, readSnapshot.mock.calls.length]).toEqual([1, 1])
  await vi.advanceTimersByTimeAsync(1_500)
  store(documentAt(redisNow() - 1_001))
  await get()
  await vi.advanceTimersByTimeAsync(0)
  expect([advance.mock.calls.length, readSnapshot.mock.calls.length]).toEqual([2, 2])
})

test('a copy with a lower (epoch, time) never replaces a higher one', async () => {
  const { advance, get, seen, snapshot } = holder()
  advance.mockResolvedValueOnce(documentAt(START + SKEW_MS, 3, 700))
  await get()
  for (const older of [documentAt(START + SKEW_MS + 5_000, 2, 900), documentAt(START, 3, 100)]) {
    advance.mockResolvedValueOnce(older)
    expect((await snapshot.advance()).snapshot).toMatchObject({ epoch: 3, serving: 700 })
  }
  expect(seen.value).toMatchObject({ epoch: 3, place: 0, serving: 700 })
})

test('sessions that a loss has hidden are remembered with the others, for a second loss', async () => {
  const { advance, get, seen } = holder()
  const document = documentAt(START + SKEW_MS, 2)
  const snapshot = { ...document.snapshot, sessions: 3 }
  advance.mockResolvedValueOnce({ ...document, snapshot, ended: 1, absent: 6 })
  await get()
  expect(seen.value.sessions).toBe(10)
})

describe('while the store fails', () => {
  test('readers get the old copy, marked, and wait for nothing', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const { advance, readSnapshot, get, snapshot } = holder()
    const first = await get()
    readSnapshot.mockRejectedValue(new StoreUnavailable('down'))
    await vi.advanceTimersByTimeAsync(10_000)
    const old = await get()
    expect(old.snapshot).toEqual({ ...first.snapshot, degraded: true })
    expect(snapshot.failing).toBe(true)

    // Hangs now: a reader is answered all the same.
    readSnapshot.mockReturnValue(new Promise(() => undefined))
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await get()).snapshot.degraded).toBe(true)

    readSnapshot.mockResolvedValue(undefined)
    await vi.advanceTimersByTimeAsync(2_000)
    await get()
    await vi.advanceTimersByTimeAsync(0)
    expect((await get()).snapshot.degraded).toBe(false)
    expect(snapshot.failing).toBe(false)
    expect(advance).toHaveBeenCalledTimes(2)
  })

  test('without any copy there is nothing to show', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const { advance, get } = holder()
    advance.mockRejectedValue(new StoreUnavailable('down'))
    await expect(get()).rejects.toBeInstanceOf(StoreUnavailable)
  })

  test('a refresh that never ends holds a reader three seconds at most, and the next refresh replaces it', async () => {
    const { advance, get } = holder()
    advance.mockReturnValueOnce(new Promise(() => undefined))
    const waiting = expect(get()).rejects.toBeInstanceOf(StoreUnavailable)
    await vi.advanceTimersByTimeAsync(3_000)
    await waiting
    expect((await get()).snapshot.degraded).toBe(false)
  })
})

test('a copy older than two seconds is waited for, a younger one is served while it is refreshed', async () => {
  const { advance, readSnapshot, get } = holder()
  const first = await get()
  const slow = Promise.withResolvers<undefined>()
  readSnapshot.mockReturnValueOnce(slow.promise)
  await vi.advanceTimersByTimeAsync(1_500)
  expect(await get()).toBe(first)
  slow.resolve(undefined)
  await vi.advanceTimersByTimeAsync(2_500)
  const later = await get()
  expect(later.snapshot.at).toBeGreaterThan(first.snapshot.at + 2_000)
  expect(advance).toHaveBeenCalledTimes(3)
})

test('a fresh copy of another sale is not taken for ours: the store is asked, which knows whose turn it is', async () => {
  const { snapshot, advance, get, store, redisNow } = holder()
  await get()
  const replaced = new SaleReplaced('SALE "default" of this room was replaced by "next"')
  advance.mockRejectedValue(replaced)
  await vi.advanceTimersByTimeAsync(3_000)
  const { snapshot: next, ...rest } = documentAt(redisNow(), 2)
  store({ ...rest, snapshot: { ...next, sale: 'next' } })
  const { snapshot: shown } = await get()
  expect([shown.sale, shown.degraded]).toEqual(['default', true])
  expect(snapshot.replaced).toBe(replaced)
  expect(snapshot.failing).toBe(true)
})
