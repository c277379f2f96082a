// What the origin reports of its seats and what it does to the calls. Reports are written as stock.lua writes them.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { QueueUnderTest, range, startServers, statuses, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 100, new_users_per_minute: 6_000, total_active_users: 1_000 }

async function report(
  queue: QueueUnderTest,
  stock: { left: number; held?: number; holders?: number; taken?: number },
  performance = 'evening',
): Promise<void> {
  const { left, held = 0, holders = 0, taken = held } = stock
  const value = [left, held, holders, taken, await queue.now()].join(',')
  await servers.connection.hset(queue.keys.state, `stock:${performance}`, value)
}

it('a room without reports knows no stock and is not held back', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 60))
  expect((await queue.advance()).snapshot).toMatchObject({ stock: null, called: 60, pollAfterMs: 5_000 })
})

it('calls stop when those inside cover what is left, and go on when seats come back', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 60))
  await report(queue, { left: 8 })
  expect((await queue.advance()).snapshot).toMatchObject({
    called: 8,
    waiting: 52,
    stock: { left: 8, held: 0 },
  })
  await queue.claim(...range(0, 8))
  await queue.elapse(5_000)
  expect((await queue.advance()).snapshot).toMatchObject({ called: 0, sessions: 8 })

  await report(queue, { left: 12 })
  expect((await queue.advance()).snapshot).toMatchObject({ called: 4, sessions: 8 })
})

it('sessions that hold seats no longer count as buyers of those that are left', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 60))
  await report(queue, { left: 8 })
  await queue.advance()
  await queue.claim(...range(0, 8))
  // Each of the eight holds one of them; then eight others are put on sale.
  await report(queue, { left: 8, held: 8, holders: 8 })
  expect((await queue.advance()).snapshot).toMatchObject({ called: 8, sessions: 8 })
})

it('calls more where few of those inside buy, by what was measured', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 400))
  await report(queue, { left: 1_000 })
  await queue.advance()
  // A hundred came and went; ten seats were sold: a tenth of a seat each.
  await queue.claim(...range(0, 100))
  for (const n of range(0, 100)) await queue.leave(n, -1)
  await report(queue, { left: 10, taken: 10 })
  await queue.elapse(1_000)
  const { snapshot } = await queue.advance()
  // (10 + 10) / (100 + 10) seats a session: 55 are expected to be enough for ten seats.
  expect(snapshot.called).toBe(55)
})

it('is sold out when nothing is left nor held, over all performances, and open again when a seat returns', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 3))
  await report(queue, { left: 0, held: 1, holders: 1 })
  await report(queue, { left: 0 }, 'matinee')
  expect((await queue.advance()).snapshot).toMatchObject({
    state: 'open',
    called: 0,
    stock: { left: 0, held: 1 },
  })

  await report(queue, { left: 0, taken: 1 })
  expect((await queue.advance()).snapshot).toMatchObject({ state: 'sold_out', called: 0, waiting: 3 })
  expect(await queue.join(9)).toEqual([{ status: 'refused', reason: 'sold_out' }])
  expect(statuses(await queue.join(1))).toEqual(['waiting'])
  expect(statuses(await queue.enter(500))).toEqual(['wait'])

  await report(queue, { left: 1 }, 'matinee')
  expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', called: 1, waiting: 2 })
  expect(await queue.members('called')).toEqual([0])
})

it('asks everyone to look more often once those inside could buy the last seats within half a minute', async () => {
  const queue = new QueueUnderTest(servers, { ...SETTINGS, new_users_per_minute: 60, burst: 2 })
  await queue.join(...range(0, 60))
  await report(queue, { left: 500 })
  expect((await queue.advance()).snapshot.pollAfterMs).toBe(5_000)
  await report(queue, { left: 30 })
  expect((await queue.advance()).snapshot.pollAfterMs).toBe(2_500)
  await report(queue, { left: 0 })
  expect((await queue.advance()).snapshot.pollAfterMs).toBe(5_000)
})
