// Position, wait and polling interval from a token and the public snapshot.

import { expect, it } from 'vitest'
import { readSnapshot } from '../../edge/page/room-data.ts'
import {
  etaSeconds,
  LONGEST_POLL_MS,
  pollAfterMs,
  positionFrom,
  SHORTEST_POLL_MS,
  type QueueView,
} from '../../src/queue/position.ts'

const AT = 1_800_000_000_000
/** Places of this test: one second apart, the newest a second before the snapshot. */
const placeOf = (n: number): number => (AT - 10_000_000 + n * 1_000) * 1_000
const proofOf = (n: number) => ({ place: placeOf(n), ahead: n, calledTotal: 0, leftTotal: 0, epoch: 1 })

/** A queue into which 0…999 came in order, of whom the first `called` were called and those of `left` left. */
function viewOf(called: number, left: readonly number[] = [], changes: Partial<QueueView> = {}): QueueView {
  const waiting = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => n >= called && !left.includes(n))
  return {
    epoch: 1,
    at: AT,
    state: 'open',
    serving: called === 0 ? 0 : placeOf(called - 1),
    waiting: waiting.length,
    calledTotal: called,
    departures: left.map((n) => [placeOf(n), placeOf(n), 1] as const),
    front: waiting.slice(0, 50).map(placeOf),
    ...changes,
  }
}

it('is exact for everyone while nobody leaves', () => {
  const view = viewOf(300)
  for (let n = 300; n < 1_000; n += 1) {
    expect(positionFrom(proofOf(n), view)).toEqual({ position: n - 299, called: false, exact: true })
  }
})

it('says that the front has passed a place, unless a late return waits at the front with it', () => {
  expect(positionFrom(proofOf(299), viewOf(300))).toEqual({ position: 1, called: true, exact: true })
  const returned = viewOf(300, [], { front: [placeOf(5), placeOf(300)] })
  expect(positionFrom(proofOf(5), returned)).toEqual({ position: 1, called: false, exact: true })
  expect(positionFrom(proofOf(300), returned)).toMatchObject({ position: 2, exact: true })
})

it('is exact for the first 50 though others left', () => {
  const view = viewOf(100, [110, 120, 130])
  expect(positionFrom(proofOf(131), view)).toEqual({ position: 29, called: false, exact: true })
})

it('takes off those who left from lower places, and nobody else', () => {
  const left = Array.from({ length: 200 }, (_, i) => 100 + i * 4)
  const view = viewOf(0, left)
  expect(positionFrom(proofOf(999), view)).toEqual({ position: 800, called: false, exact: true })
  expect(positionFrom(proofOf(401), view)).toEqual({ position: 402 - 76, called: false, exact: true })
})

it('leaves out departures that came before the join, whose places were no longer counted', () => {
  const view = viewOf(0, [100, 101, 102])
  const late = { ...proofOf(500), ahead: 497, leftTotal: 3 }
  expect(positionFrom(late, view)).toEqual({ position: 498, called: false, exact: true })
})

it('inside a merged range of departures counts in proportion, and says that it is an estimate', () => {
  const departures = [[placeOf(200), placeOf(600), 100]] as const
  const view = viewOf(0, [], { departures })
  expect(positionFrom(proofOf(300), view)).toEqual({ position: 301 - 25, called: false, exact: false })
  expect(positionFrom(proofOf(700), view)).toEqual({ position: 701 - 100, called: false, exact: true })
  expect(positionFrom(proofOf(150), view)).toEqual({ position: 151, called: false, exact: true })
})

it('is never below what the front proves, nor above the number waiting', () => {
  const everyoneAheadLeft = viewOf(0, [], { departures: [[0, 1, 100_000]] })
  expect(positionFrom(proofOf(500), everyoneAheadLeft).position).toBe(51)
  const onlyFew = viewOf(0, [], { waiting: 60 })
  expect(positionFrom(proofOf(500), onlyFew).position).toBe(60)
})

it('of a snapshot older than the join is the position at join', () => {
  const early = viewOf(300, [], { at: AT - 20_000_000, calledTotal: 10, waiting: 3, front: [] })
  expect(positionFrom({ ...proofOf(600), calledTotal: 300, ahead: 300 }, early)).toMatchObject({
    position: 301,
    called: false,
  })
})

it('of a token of another epoch is an estimate and never a call', () => {
  const view = viewOf(300, [], { epoch: 2 })
  expect(positionFrom(proofOf(10), view)).toMatchObject({ position: 11, called: false, exact: false })
  expect(positionFrom(proofOf(320), view)).toMatchObject({ position: 21, called: false, exact: true })
})

it('is not called exact while a recovery puts others back ahead', () => {
  expect(positionFrom(proofOf(500), viewOf(300, [], { state: 'recovering' })).exact).toBe(false)
})

it('never rises while the front moves, and ends in a call', () => {
  let shown = Infinity
  for (let called = 0; called <= 701; called += 7) {
    const { position } = positionFrom(proofOf(700), viewOf(called))
    expect(position).toBeLessThanOrEqual(shown)
    shown = position
  }
  expect(positionFrom(proofOf(700), viewOf(701)).called).toBe(true)
})

const PACE = { state: 'open', ratePerMinute: 60, free: 1_000, admittedPerMinute: 0 }

it('expects the wait by the rate as far as slots are free, whatever was measured in a lull', () => {
  expect(etaSeconds(100, PACE)).toEqual({ low: 100, high: 125 })
  expect(etaSeconds(100, { ...PACE, admittedPerMinute: 0.4 })).toEqual({ low: 100, high: 125 })
})

it('expects it by what was measured where others have to leave first', () => {
  expect(etaSeconds(100, { ...PACE, free: 0, admittedPerMinute: 20 })).toEqual({ low: 240, high: 375 })
  expect(etaSeconds(100, { ...PACE, free: 40, admittedPerMinute: 60 })).toEqual({ low: 100, high: 125 })
})

it('promises no end of the wait while nothing is measured or the room stands still', () => {
  expect(etaSeconds(100, { ...PACE, free: 0 })).toEqual({ low: 100, high: null })
  expect(etaSeconds(9, { ...PACE, state: 'paused' })).toEqual({ low: 9, high: null })
  expect(etaSeconds(9, { ...PACE, state: 'closed' })).toBeUndefined()
})

it('promises no end of the wait while others hold every seat that is left', () => {
  expect(etaSeconds(1, { ...PACE, stock: { left: 0 } })).toEqual({ low: 1, high: null })
  expect(etaSeconds(1, { ...PACE, stock: { left: 1 } })).toEqual({ low: 1, high: 2 })
  expect(etaSeconds(1, { ...PACE, stock: null })).toEqual({ low: 1, high: 2 })
  // The page reads the same snapshot.
  const read = readSnapshot({ ...PACE, epoch: 1, at: 5, stock: { left: 0, held: 4 } })
  expect(read && etaSeconds(1, read)).toEqual({ low: 1, high: null })
})

it('polls from every 2 s at the front to every 20 s far away, more often the nearer', () => {
  const intervals = [1, 10, 100, 400, 1_000, 1_000_000].map((position) => pollAfterMs(position))
  expect(intervals).toEqual(intervals.toSorted((a, b) => a - b))
  expect([intervals[0], intervals.at(-1)]).toEqual([SHORTEST_POLL_MS, LONGEST_POLL_MS])

  const eta = (low: number) => ({ low, high: null })
  expect(pollAfterMs(5_000, { eta: eta(6) })).toBe(2_000)
  expect(pollAfterMs(5_000, { eta: eta(30) })).toBe(10_000)
  expect(pollAfterMs(2, { eta: eta(600) })).toBe(20_000)
})

it('hears of a call within the claim window, jitter of 20 % and two seconds of a cache included', () => {
  for (const claimWindowMs of [10_000, 15_000, 30_000, 600_000]) {
    expect(pollAfterMs(1_000_000, { claimWindowMs }) * 1.2 + 2_000).toBeLessThanOrEqual(claimWindowMs)
  }
})
