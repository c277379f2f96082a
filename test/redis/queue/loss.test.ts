// A store that was emptied, that fell back to an older copy, or that is asked for another sale.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { FASTEST } from '../kinds.ts'
import { RECOVERY_MS } from '../../../src/redis/queue-arguments.ts'
import {
  NOTHING_SEEN,
  QueueUnderTest,
  range,
  startServers,
  statuses,
  visitorOf,
  type Servers,
} from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 3, new_users_per_minute: 3, total_active_users: 100, late_grace: 120 }

/** Visitors 0 to 2 are called, 3 to 19 wait; then the store is emptied. */
async function emptied(): Promise<QueueUnderTest> {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 20))
  await queue.advance()
  await servers.connection.flushall()
  return queue
}

it('the first use of a store begins epoch 1, without a recovery', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  expect((await queue.advance()).snapshot).toMatchObject({ epoch: 1, state: 'open', serving: 0 })
})

it('an emptied store calls nobody and lets nobody in until everyone had time to be back', async () => {
  const queue = await emptied()
  const serving = queue.seen.serving
  const { snapshot, quiet } = await queue.advance()
  expect(snapshot).toMatchObject({ epoch: 2, state: 'recovering', waiting: 0, serving })
  expect(quiet).toBe(false)
  expect(statuses(await queue.enter(500))).toEqual(['wait'])

  await queue.joinWithProof(...range(3, 17))
  await queue.elapse(RECOVERY_MS - 2_000)
  expect((await queue.advance()).snapshot).toMatchObject({ state: 'recovering', called: 0, waiting: 17 })
  await queue.elapse(2_000)
  expect((await queue.advance()).snapshot).toMatchObject({ epoch: 2, state: 'open', called: 2, waiting: 15 })
  await queue.expectCountsToHold()
})

it('an emptied store puts everyone back at their own place, newcomers behind', async () => {
  const queue = await emptied()
  await queue.join(100)
  const places = new Map(queue.places)
  for (const n of range(3, 17).toReversed()) await queue.joinWithProof(n)
  await queue.joinWithProof(...range(3, 17))

  expect(await queue.members('queue')).toEqual([...range(3, 17), 100])
  expect(queue.places).toEqual(places)
  await queue.expectCountsToHold()
})

it('those who had been called return to the front, once', async () => {
  const queue = await emptied()
  await queue.joinWithProof(...range(3, 17))
  expect(statuses(await queue.joinWithProof(0, 0))).toEqual(['waiting', 'waiting'])
  await queue.elapse(RECOVERY_MS)
  await queue.advance()
  expect(await queue.members('called')).toEqual([0, 3])
  await queue.elapse(30_000)
  await queue.advance()
  expect(statuses(await queue.joinWithProof(0))).toEqual(['missed'])
})

it('the late return after a loss ends with the grace period', async () => {
  const queue = await emptied()
  await queue.advance()
  await queue.elapse(RECOVERY_MS + 120_000)
  expect(statuses(await queue.joinWithProof(0, 5))).toEqual(['missed', 'waiting'])
})

it('isolates that saw more teach the store during the recovery, without another epoch', async () => {
  const queue = await emptied()
  const before = queue.seen
  await servers.store.advance(queue.room, {
    ...NOTHING_SEEN,
    epoch: 1,
    place: before.place - 5,
    serving: queue.placeOf(0),
  })
  const { snapshot } = await servers.store.advance(queue.room, before)
  expect(snapshot.epoch).toBe(2)
  expect(await servers.connection.hmget(queue.keys.state, 'epoch', 'last', 'serving')).toEqual([
    '2',
    String(before.place),
    String(before.serving),
  ])
})

// js-redis-server has no DUMP and RESTORE.
it.skipIf(FASTEST !== 'redis-server')(
  'an older copy of the store gives no place twice and puts back those whom it forgot',
  async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...range(0, 10))
    const copies = await Promise.all(
      Object.values(queue.keys).map(async (key) => ({ key, dump: await servers.connection.dumpBuffer(key) })),
    )
    await queue.join(...range(10, 10))
    await queue.advance()
    await servers.connection.del(...copies.map(({ key }) => key))
    for (const { key, dump } of copies) if (dump !== null) await servers.connection.restore(key, 0, dump)

    const given = new Set(queue.places.values())
    await queue.join(200, 201)
    expect(given.has(queue.placeOf(200)) || given.has(queue.placeOf(201))).toBe(false)
    expect((await queue.advance()).snapshot).toMatchObject({ epoch: 2, state: 'recovering', called: 0 })
    await queue.joinWithProof(...range(10, 10))
    expect((await queue.members('queue')).filter((n) => n >= 3)).toEqual([...range(3, 17), 200, 201])
    await queue.expectCountsToHold()
  },
)

it('control: an older copy that nobody notices stays in its epoch', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 10))
  await queue.advance()
  queue.seen = NOTHING_SEEN
  expect((await queue.advance()).snapshot).toMatchObject({ epoch: 1, state: 'open' })
})

it('a state lost alone is rebuilt from the sets', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 10))
  await queue.advance()
  await queue.claim(0)
  await servers.connection.del(queue.keys.state)
  expect((await queue.advance()).snapshot).toMatchObject({ epoch: 2, waiting: 7, called: 2, sessions: 1 })
  await queue.expectCountsToHold()
})

it('a place below the floor of the sale is refused, and one from the future is worth nothing', async () => {
  const queue = new QueueUnderTest(servers, { sale: { name: 'a', floor: '2026-01-01T00:00:00Z' } })
  await queue.join(1)
  queue.places.set(2, queue.room.floorPlace - 1)
  expect(await queue.joinWithProof(2)).toEqual([{ status: 'refused', reason: 'below_floor' }])
  queue.places.set(3, queue.placeOf(1) + 3_600_000_000)
  expect(await queue.joinWithProof(3)).toMatchObject([{ status: 'waiting', ahead: 1 }])
  expect(queue.placeOf(3)).toBeLessThan(queue.placeOf(1) + 3_600_000_000)
})

it('another sale begins with an empty queue, and the one before it can not come back', async () => {
  const queue = new QueueUnderTest(servers, { ...SETTINGS, sale: { name: 'friday' } })
  await queue.join(...range(0, 10))
  await queue.advance()
  await queue.claim(0)
  const friday = queue.room
  queue.room = { ...friday, sale: { ...friday.sale, name: 'saturday' } }

  const { snapshot } = await queue.advance()
  expect(snapshot).toMatchObject({ sale: 'saturday', epoch: 2, state: 'open' })
  expect(snapshot).toMatchObject({ waiting: 0, called: 0, sessions: 0, calledTotal: 0, leftTotal: 0 })
  const before = queue.placeOf(9)
  await queue.join(50)
  expect(queue.placeOf(50)).toBeGreaterThan(before)

  // A Worker of the version before, during a rolling deploy: refused, and the new queue stays.
  const entry = { visitor: visitorOf(60) }
  await expect(servers.store.join(friday, [entry], NOTHING_SEEN)).rejects.toThrow(/"friday".*"saturday"/)
  // The bucket goes on over the change: Friday's three calls emptied it, one more comes in 20 s.
  await queue.elapse(20_000)
  expect((await queue.advance()).snapshot).toMatchObject({ sale: 'saturday', epoch: 2, called: 1 })
  await queue.expectCountsToHold()
})
