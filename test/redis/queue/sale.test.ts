// The course of a sale by Redis' clock: before the opening, in the pre-queue, open, ended; sold out by the operator's word.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QueueUnderTest, range, startServers, statuses, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const HOUR = 3_600_000

/** Times in ms from now, by the clock of Redis. */
async function saleAt(
  times: { prequeue?: number; start?: number; end?: number },
  settings: Record<string, unknown> = {},
): Promise<QueueUnderTest> {
  const [seconds] = await servers.connection.time()
  const at = (ms: number | undefined) =>
    ms === undefined ? undefined : new Date(Number(seconds) * 1_000 + ms).toISOString()
  const entries = Object.entries({
    prequeue_start_time: at(times.prequeue),
    event_start_time: at(times.start),
    event_end_time: at(times.end),
  }).filter(([, time]) => time !== undefined)
  return new QueueUnderTest(servers, { burst: 5, ...settings, ...Object.fromEntries(entries) })
}

describe('before the opening', () => {
  it('an idle room takes nobody, lets nobody in quietly, and tells its times', async () => {
    const queue = await saleAt({ prequeue: HOUR, start: 2 * HOUR, end: 3 * HOUR })
    expect(await queue.join(1)).toEqual([{ status: 'refused', reason: 'idle' }])
    expect(statuses(await queue.enter(2))).toEqual(['wait'])
    const { snapshot, quiet } = await queue.advance()
    expect(snapshot).toMatchObject({
      state: 'idle',
      waiting: 0,
      prequeueAt: queue.room.prequeueStartMs,
      startsAt: queue.room.eventStartMs,
      endsAt: queue.room.eventEndMs,
    })
    expect(quiet).toBe(false)
  })

  it('without a pre-queue nobody comes before the opening', async () => {
    const queue = await saleAt({ start: HOUR })
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'idle', prequeueAt: null, endsAt: null })
  })

  it('the pre-queue gives places by arrival and calls nobody until the opening', async () => {
    const queue = await saleAt({ prequeue: -HOUR, start: HOUR })
    expect(statuses(await queue.join(...range(0, 20)))).toEqual(range(0, 20).map(() => 'waiting'))
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'prequeue', waiting: 20, called: 0 })
    expect(statuses(await queue.enter(500))).toEqual(['wait'])

    queue.room = { ...queue.room, eventStartMs: (await queue.now()) - 1 }
    await queue.join(20)
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', waiting: 16, called: 5 })
    expect(await queue.members('called')).toEqual(range(0, 5))
  })

  it('an operator may move the opening while it is awaited', async () => {
    const queue = await saleAt({ prequeue: -HOUR, start: HOUR })
    await queue.join(...range(0, 3))
    const earlier = new Date((await queue.now()) - 1_000).toISOString()
    await servers.store.override(queue.room, { event_start_time: earlier })
    const { snapshot, live } = await queue.advance()
    expect(snapshot).toMatchObject({ state: 'open', called: 3 })
    expect(live).toEqual({ event_start_time: earlier })
  })
})

describe('the end', () => {
  it('takes and calls nobody any more, and turns away nobody who was called', async () => {
    const queue = await saleAt({ end: HOUR })
    await queue.join(...range(0, 10))
    await queue.advance()
    queue.room = { ...queue.room, eventEndMs: (await queue.now()) - 1 }
    await queue.elapse(10_000)
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'closed', called: 5, waiting: 5 })
    expect(await queue.join(50)).toEqual([{ status: 'refused', reason: 'closed' }])
    expect(statuses(await queue.claim(0, 5))).toEqual(['admitted', 'waiting'])
    expect(await queue.renew(0)).toMatchObject({ status: 'renewed' })
  })
})

describe('sold out by the operator', () => {
  it('acts at once on newcomers, calls nobody, keeps places, and ends when taken back', async () => {
    const queue = await saleAt({})
    await queue.join(...range(0, 10))
    await queue.advance()
    await servers.store.override(queue.room, { sold_out: true })
    expect(await queue.join(50)).toEqual([{ status: 'refused', reason: 'sold_out' }])
    await queue.elapse(10_000)
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'sold_out', waiting: 5, called: 5 })
    expect(statuses(await queue.join(7))).toEqual(['waiting'])
    expect(statuses(await queue.claim(0))).toEqual(['admitted'])

    await servers.store.override(queue.room, { sold_out: null })
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', waiting: 0 })
  })
})
