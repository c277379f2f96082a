import { expect, test } from 'vitest'
import { worthSaying } from '../../../edge/page/announce.ts'
import { measuresIn, waitIn } from '../../../edge/page/measures.ts'
import { jitter, pollDelayMs, retryDelayMs } from '../../../edge/page/pace.ts'
import { text } from '../../../edge/page/text/en.ts'

const RANDOMS = [0, 0.25, 0.5, 0.75, 0.999_999]

test('a hidden tab asks at most every 15 s, so that a call of 30 s finds it', () => {
  for (const random of RANDOMS) {
    for (const paceMs of [2_000, 20_000]) {
      const delayMs = pollDelayMs(paceMs, { position: 1, hidden: true, random, askedMs: 5_000 })
      expect(delayMs).toBeLessThanOrEqual(15_000)
      expect(delayMs).toBeGreaterThan(10_000)
    }
  }
})

test('a page that is looked at sees the number fall every few seconds within the last thousand', () => {
  for (const random of RANDOMS) {
    expect(pollDelayMs(20_000, { position: 300, hidden: false, random, askedMs: 5_000 })).toBeLessThan(5_000)
    expect(pollDelayMs(20_000, { position: 5_000, hidden: false, random, askedMs: 5_000 })).toBeGreaterThan(
      16_000,
    )
  }
})

test('pages that were loaded together spread out', () => {
  expect(new Set(RANDOMS.map((random) => jitter(10_000, random))).size).toBe(RANDOMS.length)
})

test('retries slow down, stay bounded, and never come before Retry-After', () => {
  const at = (failures: number, afterMs?: number) => retryDelayMs(failures, { afterMs, random: 0.5 })
  expect(at(1)).toBeLessThan(at(2))
  expect(at(2)).toBeLessThan(at(4))
  expect(at(50)).toBeLessThanOrEqual(30_000)
  for (const random of RANDOMS) {
    expect(retryDelayMs(1, { afterMs: 7_000, random })).toBeGreaterThanOrEqual(7_000)
  }
})

test('a position is spoken at thresholds only', () => {
  expect(worthSaying(312, undefined)).toBe(true)
  expect(worthSaying(311, 312)).toBe(false)
  expect(worthSaying(251, 312)).toBe(false)
  expect(worthSaying(249, 312)).toBe(true)
  expect(worthSaying(1, 2)).toBe(true)
})

test.each([
  [{ low: 20, high: 50 }, 'Less than a minute'],
  [{ low: 30, high: 100 }, 'Up to 2 minutes'],
  [{ low: 121, high: 170 }, 'About 2 to 3 minutes'],
  [{ low: 1_500, high: 1_700 }, 'About 25 to 30 minutes'],
  [{ low: 3_700, high: 6_900 }, 'About 1 to 2 hours'],
  [{ low: 90_000, high: 100_000 }, 'More than 4 hours'],
  [{ low: 130, high: null }, 'More than 2 minutes'],
  [{ low: 10, high: null }, 'The wait shows once the line moves'],
])('a wait of %o reads "%s"', (eta, words) => {
  expect(waitIn(text, measuresIn('en'), eta) ?? text.wait.unknown).toBe(words)
})
