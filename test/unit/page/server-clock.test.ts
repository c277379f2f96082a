import { expect, test } from 'vitest'
import { startServerClock } from '../../../edge/page/server-clock.ts'

test('the time is the server’s, whatever the device says, and runs on between snapshots', () => {
  let steadyMs = 500
  const clock = startServerClock(() => steadyMs)
  expect(clock.nowMs()).toBeUndefined()
  clock.learn(1_000_000)
  steadyMs += 700
  expect(clock.nowMs()).toBe(1_000_700)
})

test('an old copy does not turn it back', () => {
  let steadyMs = 0
  const clock = startServerClock(() => steadyMs)
  clock.learn(1_000_000)
  steadyMs += 2_000
  clock.learn(999_000)
  expect(clock.nowMs()).toBe(1_002_000)
})

test('a store with another clock is believed after some snapshots', () => {
  const clock = startServerClock(() => 0)
  clock.learn(1_000_000 + 3_600_000)
  for (let i = 0; i < 8; i += 1) clock.learn(1_000_000)
  expect(clock.nowMs()).toBe(1_000_000)
})
