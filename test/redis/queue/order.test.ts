// Who comes first is called first, once: on both servers that the embedded stack may run.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LONGEST_POLL_MS, positionFrom } from '../../../src/queue/position.ts'
import { KINDS } from '../kinds.ts'
import { QueueUnderTest, range, startServers, statuses, visitorOf, type Servers } from './support.ts'

describe.each(KINDS)('the queue on %s', (kind) => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startServers(kind)
  })
  afterAll(() => servers.stop())

  it('gives unique places in batch order, with the exact number ahead', async () => {
    const queue = new QueueUnderTest(servers)
    const outcomes = [...(await queue.join(...range(0, 100))), ...(await queue.join(...range(100, 100)))]

    expect(outcomes.map((outcome) => ('ahead' in outcome ? outcome.ahead : -1))).toEqual(range(0, 200))
    const places = range(0, 200).map((n) => queue.placeOf(n))
    expect(new Set(places).size).toBe(200)
    expect(places.toSorted((a, b) => a - b)).toEqual(places)
    expect(await queue.members('queue')).toEqual(range(0, 200))
    await queue.expectCountsToHold()
  })

  it('keeps one place for a visitor who joins again, in the same batch or later', async () => {
    const queue = new QueueUnderTest(servers)
    const [first, again] = await queue.join(1, 1)
    await queue.join(2)
    const [later] = await queue.join(1)

    expect(again).toEqual(first)
    expect(later).toEqual(first)
    expect(await queue.members('queue')).toEqual([1, 2])
    await queue.expectCountsToHold()
  })

  it('calls in the order of places and tells the called where they stand', async () => {
    const queue = new QueueUnderTest(servers, { burst: 3, new_users_per_minute: 1 })
    await queue.join(...range(0, 5))
    const { snapshot } = await queue.advance()

    expect(await queue.members('called')).toEqual([0, 1, 2])
    expect(snapshot).toMatchObject({ waiting: 2, called: 3, calledTotal: 3, serving: queue.placeOf(2) })
    expect(snapshot.front).toEqual([queue.placeOf(3), queue.placeOf(4)])
    expect(await queue.join(1, 3)).toMatchObject([
      { status: 'called', place: queue.placeOf(1), ahead: 0 },
      { status: 'waiting', place: queue.placeOf(3), ahead: 0 },
    ])
    await queue.expectCountsToHold()
  })

  it('turns a call into one session, however often it is claimed', async () => {
    const queue = new QueueUnderTest(servers, { burst: 2, new_users_per_minute: 1 })
    await queue.join(1, 2, 3)
    await queue.advance()
    const [first, twin, waiting] = await queue.claim(1, 1, 3)
    const [again] = await queue.claim(1)

    expect(first).toMatchObject({ status: 'admitted' })
    expect(twin).toEqual(first)
    expect(again).toEqual(first)
    expect(waiting).toEqual({ status: 'waiting' })
    expect(statuses(await queue.join(1))).toEqual(['admitted'])
    expect(await servers.connection.zcard(queue.keys.sessions)).toBe(1)
    await queue.expectCountsToHold()
  })

  it('shows every position exactly while nobody leaves, beyond the listed front as well', async () => {
    const queue = new QueueUnderTest(servers, { burst: 7, new_users_per_minute: 1, total_active_users: 500 })
    const outcomes = await queue.join(...range(0, 120))
    const { snapshot } = await queue.advance()

    for (const [n, proof] of outcomes.entries()) {
      if (proof.status !== 'waiting') throw new Error('a newcomer waits')
      const expected = n < 7 ? { called: true } : { called: false, position: n - 6, exact: true }
      expect(positionFrom(proof, snapshot)).toMatchObject(expected)
    }
  })

  it('stores the snapshot so that another isolate reads it by one GET', async () => {
    const queue = new QueueUnderTest(servers, { message: 'Doors "open" at 9\n' })
    expect(await servers.store.readSnapshot(queue.room)).toBeUndefined()
    const document = await queue.advance()

    expect(await servers.store.readSnapshot(queue.room)).toEqual(document)
    expect(document.snapshot.message).toBe('Doors "open" at 9\n')
    expect(await servers.connection.pttl(queue.keys.snapshot)).toBeGreaterThan(LONGEST_POLL_MS)
  })

  it('does the work of two callers at once only once', async () => {
    const queue = new QueueUnderTest(servers, { burst: 5, new_users_per_minute: 1 })
    await queue.join(...range(0, 20))
    const documents = await Promise.all(range(0, 8).map(() => servers.store.advance(queue.room, queue.seen)))

    expect(documents.map(({ snapshot }) => snapshot.calledTotal)).toEqual(range(0, 8).map(() => 5))
    expect(await queue.members('called')).toEqual(range(0, 5))
  })

  it('serves a thousand at once', async () => {
    const queue = new QueueUnderTest(servers, { burst: 2_000, total_active_users: 5_000 })
    await queue.join(...range(0, 1_500))
    const { snapshot } = await queue.advance()
    expect(snapshot).toMatchObject({ called: 1_500, waiting: 0 })
    expect(new Set(statuses(await queue.claim(...range(0, 1_500))))).toEqual(new Set(['admitted']))
    await queue.expectCountsToHold()
  })

  it('refuses newcomers of a closed room and keeps those who wait', async () => {
    const queue = new QueueUnderTest(servers)
    await queue.join(1)
    queue.room = { ...queue.room, queueing_method: 'reject' }
    expect(await queue.join(1, 2)).toMatchObject([
      { status: 'waiting' },
      { status: 'refused', reason: 'closed' },
    ])
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'closed', waiting: 1, called: 0 })
  })

  it('makes places that order visitors even when the clock stands still', async () => {
    const queue = new QueueUnderTest(servers)
    await queue.join(1)
    // As after a failover to a server whose clock is an hour behind.
    const ahead = queue.placeOf(1) + 3_600_000_000
    await servers.connection.hset(queue.keys.state, 'last', String(ahead))
    await queue.join(2, 3)
    expect([queue.placeOf(2), queue.placeOf(3)]).toEqual([ahead + 1, ahead + 2])
    expect(await servers.connection.zscore(queue.keys.queue, visitorOf(3))).toBe(String(ahead + 2))
  })
})
