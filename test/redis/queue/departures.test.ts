// Positions under departures: exact while few have left, in proportion where many have, and not to be bent by anybody who
// joins and leaves again and again.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { positionFrom, type PlaceProof } from '../../../src/queue/position.ts'
import { QueueUnderTest, range, startServers, visitorOf, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 10, new_users_per_minute: 10, total_active_users: 1_000 }

class Positions extends QueueUnderTest {
  readonly proofs = new Map<number, PlaceProof>()

  async come(...visitors: number[]): Promise<void> {
    for (const [i, outcome] of (await this.join(...visitors)).entries()) {
      if (outcome.status === 'waiting') this.proofs.set(visitors[i] ?? 0, outcome)
    }
  }

  /** The largest difference between position and true rank, and how many of those are called exact. */
  async compare(): Promise<{ worst: number; exact: number; waiting: number }> {
    const { snapshot } = await this.advance()
    const waiting = await this.members('queue')
    let [worst, exact] = [0, 0]
    for (const [rank, n] of waiting.entries()) {
      const proof = this.proofs.get(n)
      if (proof === undefined) throw new Error(`visitor ${n} never came`)
      const shown = positionFrom(proof, snapshot)
      const error = Math.abs(shown.position - rank - 1)
      if (shown.exact) {
        expect(error, `visitor ${n} is told an exact position`).toBe(0)
        exact += 1
      }
      worst = Math.max(worst, error)
    }
    return { worst, exact, waiting: waiting.length }
  }
}

it('is exact for everyone while no more than 32 have left', async () => {
  const queue = new Positions(servers, SETTINGS)
  await queue.come(...range(0, 300))
  for (const n of range(0, 32)) await queue.leave(20 + n * 8)
  await queue.come(...range(300, 50))
  expect(await queue.compare()).toEqual({ worst: 0, exact: 308, waiting: 308 })
})

it('stays exact when more than 32 have left, as far as the front has passed where they stood', async () => {
  const queue = new Positions(servers, { ...SETTINGS, burst: 100, new_users_per_minute: 100 })
  await queue.come(...range(0, 300))
  for (const n of range(0, 30)) await queue.leave(20 + n * 2)
  await queue.advance()
  for (const n of range(0, 30)) await queue.leave(150 + n * 4)
  expect(await queue.compare()).toEqual({ worst: 0, exact: 140, waiting: 140 })
})

it('is exact for one who joins again after others have left, and when more leave after that', async () => {
  const queue = new Positions(servers, { ...SETTINGS, burst: 1, new_users_per_minute: 1 })
  await queue.come(...range(0, 200))
  for (const n of range(0, 10)) await queue.leave(20 + n * 5)
  await queue.come(100, 150)
  for (const n of range(0, 10)) await queue.leave(22 + n * 5)
  expect(await queue.compare()).toMatchObject({ worst: 0, exact: 179 })
})

it('stays within a few positions when a third has left, and says where it is an estimate', async () => {
  const queue = new Positions(servers, SETTINGS)
  await queue.come(...range(0, 600))
  for (const n of range(0, 200)) await queue.leave(n * 3)
  const { worst, exact, waiting } = await queue.compare()
  expect(waiting).toBe(390)
  expect(worst).toBeLessThanOrEqual(4)
  expect(exact).toBeGreaterThan(40)
})

it('one who joins and leaves a hundred times moves nobody who came before', async () => {
  const queue = new Positions(servers, { ...SETTINGS, burst: 1, new_users_per_minute: 1 })
  await queue.come(...range(0, 150))
  for (let round = 0; round < 100; round += 1) {
    await queue.come(9_999)
    await queue.leave(9_999)
  }
  await queue.come(...range(200, 10))
  expect(await queue.compare()).toMatchObject({ worst: 0, waiting: 159 })
})

it('nobody is moved by those who leave behind, also where ranges had to be merged around them', async () => {
  const queue = new Positions(servers, { ...SETTINGS, burst: 1, new_users_per_minute: 1 })
  const pass = async (ms: number) => {
    const last = Number(await servers.connection.hget(queue.keys.state, 'last'))
    await servers.connection.hset(queue.keys.state, 'last', String(last + ms * 1_000))
  }
  // Two ahead, the victim a second and a half later, 300 behind it, and 40 markers far apart.
  await queue.come(0, 1)
  await pass(1_500)
  await queue.come(1_000, ...range(2_000, 300))
  for (const n of range(0, 40)) {
    await pass(2_500)
    await queue.come(3_000 + n)
  }
  // The markers fill the ranges until one is merged across the victim; then all behind it leave.
  for (const n of [0, 1, 2_299, ...range(3_000, 40), ...range(2_000, 299)]) await queue.leave(n)
  const { snapshot } = await queue.advance()
  const rank = (await queue.members('queue')).indexOf(1_000)
  const proof = queue.proofs.get(1_000)
  if (proof === undefined) throw new Error('the victim has joined')
  const { position } = positionFrom(proof, {
    ...snapshot,
    at: snapshot.at + 1_000_000,
    front: [],
    waiting: 1_000,
  })
  expect(Math.abs(position - rank - 1)).toBeLessThanOrEqual(2)
})

it('a late return is ahead of everyone, until it is called again', async () => {
  const queue = new Positions(servers, SETTINGS)
  await queue.come(...range(0, 120))
  await queue.advance()
  await queue.elapse(30_000)
  await queue.advance()
  await queue.claim(0, 1, 2)
  await queue.come(...range(120, 5))
  const [back] = await queue.join(3)
  expect(back).toMatchObject({ status: 'waiting', ahead: 3 })
  queue.proofs.set(3, back as PlaceProof)
  for (const n of [0, 1, 2]) queue.proofs.set(n, (await queue.join(n))[0] as PlaceProof)
  const { worst } = await queue.compare()
  expect(worst).toBe(0)
})

it('those who are put back after a loss count as departures undone', async () => {
  const queue = new Positions(servers, SETTINGS)
  await queue.come(...range(0, 200))
  await queue.advance()
  await servers.connection.del(queue.keys.queue, queue.keys.state, queue.keys.called, queue.keys.places)
  // The one at the end is back first: nobody is ahead yet, and each who follows moves it back.
  for (const n of range(10, 190).toReversed()) {
    const outcomes = await queue.joinWithProof(n)
    queue.proofs.set(n, outcomes[0] as PlaceProof)
  }
  await queue.elapse(60_000)
  const { worst } = await queue.compare()
  expect(worst).toBeLessThanOrEqual(6)
})

it('the snapshot lists at most 33 ranges, whose sum is all that have left', async () => {
  const queue = new Positions(servers, { ...SETTINGS, burst: 1, new_users_per_minute: 1 })
  await queue.come(...range(0, 300))
  const gone = range(0, 140).map((n) => ({ visitor: visitorOf(1 + n * 2) }))
  await queue.servers.store.leave(queue.room, [...gone, ...gone], queue.seen)
  const { snapshot } = await queue.advance()
  expect(snapshot.departures.length).toBeLessThanOrEqual(33)
  expect(snapshot.departures.reduce((sum, [, , count]) => sum + count, 0)).toBe(140)
  expect(snapshot.leftTotal).toBe(140)
  const edges = snapshot.departures.flatMap(([from, to]) => [from, to])
  expect(edges).toEqual(edges.toSorted((a, b) => a - b))
})
