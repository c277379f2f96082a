// What a visitor costs in Redis commands, inner ones counted as Upstash bills them: the formulas of the headers.

import { afterAll, beforeAll, expect, it as anyIt } from 'vitest'
import { FASTEST } from '../kinds.ts'
import { QueueUnderTest, range, startServers, type Servers } from './support.ts'

// js-redis-server keeps no command statistics.
const it = anyIt.skipIf(FASTEST !== 'redis-server')

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

/** Commands that `work` made Redis execute; the connection's own INFO is not among them. */
async function commandsOf(
  work: () => Promise<unknown>,
): Promise<{ total: number; calls: Map<string, number> }> {
  await servers.connection.config('RESETSTAT')
  await work()
  const calls = new Map<string, number>()
  for (const [, name = '', count] of (await servers.connection.info('commandstats')).matchAll(
    /^cmdstat_([a-z|]+):calls=(\d+)/gm,
  )) {
    if (!name.startsWith('config') && name !== 'info') calls.set(name, Number(count))
  }
  return { total: [...calls.values()].reduce((sum, n) => sum + n, 0), calls }
}

it('a batch costs the same few commands however many visitors are in it', async () => {
  const queue = new QueueUnderTest(servers, {
    burst: 1_000,
    new_users_per_minute: 6_000,
    total_active_users: 10_000,
  })
  // Every script is known to the server, and the room is open.
  await queue.join(900_001)
  await queue.advance()
  await queue.claim(900_001)
  await queue.enter(900_002)
  await queue.renew(900_001)
  await queue.leave(900_003)
  await queue.elapse(1_000)

  for (const [first, size] of [
    [0, 1],
    [1_000, 100],
    [2_000, 500],
  ] as const) {
    const visitors = range(first, size)
    expect((await commandsOf(() => queue.join(...visitors))).total).toBe(7)
    await servers.connection.hset(queue.keys.state, 'advanced', '0')
    const advance = await commandsOf(() => servers.store.advance(queue.room, queue.seen))
    // TIME, HGETALL, ZPOPMIN, ZADD, HSET × 2, SET, EVALSHA; ZRANGE where somebody still waits.
    expect(advance.total).toBe(8)
    expect((await commandsOf(() => queue.claim(...visitors))).total).toBe(9)
  }
  const fresh = await commandsOf(() => servers.store.advance(queue.room, queue.seen))
  expect(fresh.total).toBe(4)
  expect((await commandsOf(() => servers.store.readSnapshot(queue.room))).total).toBe(1)
})

it('from join to claim a visitor costs a quarter of a command at a hundred a second', async () => {
  const queue = new QueueUnderTest(servers, {
    new_users_per_minute: 6_000,
    burst: 200,
    total_active_users: 100_000,
  })
  await queue.join(...range(900_000, 50))
  await queue.advance()
  const seconds = 20
  let total = 0
  for (let second = 0; second < seconds; second += 1) {
    const visitors = range(second * 100, 100)
    const cost = await commandsOf(async () => {
      await queue.join(...visitors)
      await servers.store.advance(queue.room, queue.seen)
      await queue.claim(...visitors)
    })
    total += cost.total
    await queue.elapse(1_000)
  }
  const perVisitor = total / (seconds * 100)
  console.log(
    `Redis commands a visitor from join to claim, batches of 100, 6,000 calls a minute: ${perVisitor}`,
  )
  expect(perVisitor).toBeLessThanOrEqual(0.25)
})
