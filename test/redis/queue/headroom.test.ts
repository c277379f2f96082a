// Headroom pacing: calls a second = max(headroom_min, headroom_share of what is free), beside the limit of active users.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { QueueUnderTest, range, startServers, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { pacing: 'headroom', headroom_min: 10, headroom_share: 10, burst: 1, claim_window: 600 }

/** Calls of one refresh a second after the last. */
async function callsInASecond(queue: QueueUnderTest): Promise<number> {
  const before = (await queue.advance()).snapshot.calledTotal
  await queue.elapse(1_000)
  return (await queue.advance()).snapshot.calledTotal - before
}

it('calls a share of what is free, less as it fills, and never below the minimum', async () => {
  const queue = new QueueUnderTest(servers, { ...SETTINGS, burst: 1_000, total_active_users: 1_000 })
  // The bucket is emptied first, so that each second is seen alone.
  await queue.join(...range(0, 1_000))
  await servers.connection.hset(queue.keys.state, 'tokens', '0')
  let called = (await queue.advance()).snapshot.calledTotal
  for (let second = 0; called < 1_000; second += 1) {
    await queue.elapse(1_000)
    const { calledTotal } = (await queue.advance()).snapshot
    const free = 1_000 - called
    const due = Math.min(free, Math.max(10, free / 10))
    // A few calls more for the real time that a second of the test takes, one less for a fraction that waits.
    expect(calledTotal - called, `second ${second}`).toBeGreaterThanOrEqual(Math.floor(due) - 1)
    expect(calledTotal - called, `second ${second}`).toBeLessThanOrEqual(due * 1.1 + 2)
    called = calledTotal
    expect(second).toBeLessThan(60)
  }
})

it('never passes the limit of active users, however high the minimum', async () => {
  const queue = new QueueUnderTest(servers, {
    ...SETTINGS,
    headroom_min: 1_000,
    burst: 1_000,
    total_active_users: 30,
  })
  await queue.join(...range(0, 100))
  for (let i = 0; i < 5; i += 1) await callsInASecond(queue)
  expect((await queue.advance()).snapshot).toMatchObject({ called: 30, waiting: 70 })
})

it('is chosen live, and given up live', async () => {
  const queue = new QueueUnderTest(servers, { new_users_per_minute: 60, burst: 1, claim_window: 600 })
  await queue.join(...range(0, 200))
  await queue.advance()
  expect(await callsInASecond(queue)).toBe(1)
  await servers.store.override(queue.room, {
    pacing: 'headroom',
    headroom_min: 20,
    headroom_share: 1,
    burst: 20,
  })
  await queue.advance()
  expect(await callsInASecond(queue)).toBe(20)
  await servers.store.override(queue.room, { pacing: null, burst: null })
  await queue.advance()
  expect(await callsInASecond(queue)).toBe(1)
})
