import { expect, test } from 'vitest'
import { secondsToSay } from '../../../edge/page/announce.ts'
import { clockOf, measuresIn } from '../../../edge/page/measures.ts'

test('a countdown is spoken at five, two and one minute and at thirty seconds, and at no other second', () => {
  const spoken: number[] = []
  let before: number | undefined
  for (let leftMs = 400_300; leftMs >= -5_000; leftMs -= 1_000) {
    const seconds = secondsToSay(leftMs, before)
    if (seconds !== undefined) spoken.push(seconds)
    before = leftMs
  }
  expect(spoken).toEqual([300, 120, 60, 30])
})

test('a page that opens in between does not begin by speaking, and one that slept speaks of the last only', () => {
  expect(secondsToSay(200_000, undefined)).toBeUndefined()
  expect(secondsToSay(45_000, 400_000)).toBe(60)
  expect(secondsToSay(-1, 400_000)).toBeUndefined()
})

test.each([
  [0, '0:00'],
  [1, '0:01'],
  [59_999, '1:00'],
  [299_000, '4:59'],
  [3_723_000, '1:02:03'],
  [47 * 3_600_000, '47:00:00'],
  [3 * 86_400_000 + 5, '3 days'],
])('%i ms left read %s', (leftMs, words) => {
  expect(clockOf(leftMs, measuresIn('en'))).toBe(words)
})

test('a time of another day is told with its date, in the zone of the reader', () => {
  const { time } = measuresIn('de')
  const nowMs = Date.UTC(2026, 11, 1, 19)
  const timeZone = 'Europe/Berlin'
  expect(time(nowMs + 600_000, { nowMs, timeZone })).toBe('20:10 MEZ')
  expect(time(nowMs + 86_400_000, { nowMs, timeZone })).toBe('Mittwoch, 2. Dezember um 20:00 MEZ')
})
