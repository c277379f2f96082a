// Streams on the real server: groups that are missing, messages that nobody acknowledged, and what is lost with the store.

import { randomUUID } from 'node:crypto'
import { Redis as RawRedis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startRedis } from '../../local/redis.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { createRedis, StoreUnavailable } from '../../src/redis/client.ts'
import { createStreams, type StreamMessage, type Streams } from '../../src/redis/streams.ts'
import { KINDS } from './kinds.ts'

const TOKEN = 'a-token-for-tests'
const DAY_MS = 86_400_000

describe.each(KINDS)('on %s', (kind) => {
  let raw: RawRedis
  let gateway: UpstashGateway
  let streams: Streams
  let stream: string
  let stop = async () => {}
  beforeAll(async () => {
    const redis = await startRedis({ kind })
    gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
    raw = new RawRedis(redis.url)
    streams = createStreams(createRedis({ url: gateway.url, token: TOKEN, timeoutMs: 20_000 }))
    stop = async () => {
      raw.disconnect()
      await gateway.stop()
      await redis.stop()
    }
  })
  beforeEach(() => {
    stream = `stream-${randomUUID()}`
    gateway.faults.clear()
  })
  afterAll(() => stop())

  /** `idleMs: 0` takes everything that is pending at once, so that no test waits. */
  const read = (group: string, { consumer = 'one', count = 10, idleMs = DAY_MS } = {}) =>
    streams.read(stream, group, { consumer, count, idleMs })
  const names = (messages: readonly StreamMessage[]) => messages.map(({ fields }) => String(fields['name']))
  const lastIds = async (count: number) =>
    (await raw.xrevrange(stream, '+', '-', 'COUNT', count)).map(([id]) => id)
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `m${n}` }))

  test('what is appended is read in order by each group, once', async () => {
    const ids = await streams.append(stream, numbered(3))
    expect(ids.toSorted()).toEqual(ids)
    expect(names(await read('left'))).toEqual(['m0', 'm1', 'm2'])
    expect(await read('left')).toEqual([])
    const again = await read('right', { count: 2 })
    expect(again).toEqual([
      { id: ids[0], fields: { name: 'm0' }, deliveries: 1 },
      { id: ids[1], fields: { name: 'm1' }, deliveries: 1 },
    ])
    expect(names(await read('right'))).toEqual(['m2'])
  })

  test('values come back as they went in', async () => {
    const fields = {
      digits: '0042',
      json: '{"a":[1,"é"]}',
      empty: '',
      long: '9007199254740993',
      truth: 'true',
    }
    await streams.append(stream, [fields])
    expect((await read('g'))[0]?.fields).toEqual(fields)
  })

  test('a group reads a stream that begins after it, and one that began long before', async () => {
    expect(await read('early')).toEqual([])
    await streams.append(stream, numbered(1))
    expect(names(await read('early'))).toEqual(['m0'])
    expect(names(await read('late'))).toEqual(['m0'])
  })

  test('what was not acknowledged is delivered again, to another consumer too, and counted', async () => {
    await streams.append(stream, numbered(2))
    await read('g')
    expect(await read('g', { idleMs: DAY_MS })).toEqual([])
    const second = await read('g', { consumer: 'two', idleMs: 0 })
    expect(second.map(({ deliveries }) => deliveries)).toEqual([2, 2])
    await streams.acknowledge(stream, 'g', [second[0]?.id ?? ''])
    const third = await read('g', { consumer: 'two', idleMs: 0 })
    expect(names(third)).toEqual(['m1'])
    expect(third[0]?.deliveries).toBe(3)
  })

  test('messages that are being worked on do not hide those behind them that nobody has', async () => {
    await streams.append(stream, numbered(30))
    await read('g', { count: 30 })
    const claimed: string[] = []
    for (let n = 0; n < 4; n += 1) {
      // The first twenty are not idle, and one call looks at ten.
      const busy = await raw.xrange(stream, '-', '+', 'COUNT', 20)
      await raw.xclaim(stream, 'g', 'two', 0, ...busy.map(([id]) => id), 'JUSTID')
      await raw.xclaim(stream, 'g', 'two', 0, ...(await lastIds(10)), 'IDLE', 2 * DAY_MS, 'JUSTID')
      claimed.push(...names(await read('g', { count: 1, idleMs: DAY_MS })))
    }
    expect(claimed).toContain('m20')
  })

  test('without an idle time only new messages come', async () => {
    await streams.append(stream, numbered(1))
    await read('g')
    await streams.append(stream, [{ name: 'new' }])
    expect(names(await streams.read(stream, 'g', { consumer: 'one', count: 10 }))).toEqual(['new'])
  })

  test('several groups are read in one request, and acknowledged in one', async () => {
    await streams.append(stream, numbered(1))
    await streams.readEach(stream, ['a', 'b', 'c'], { consumer: 'one', count: 5 })
    await streams.append(stream, numbered(2))
    let requests = 0
    gateway.faults.set({ kind: 'duplicate' }, () => (requests += 1) < 0)
    const found = await streams.readEach(stream, ['a', 'b', 'c'], {
      consumer: 'one',
      count: 5,
      idleMs: DAY_MS,
    })
    expect([...found.values()].map((messages) => messages.length)).toEqual([2, 2, 2])
    const ids = [...found].map(([group, messages]) => [group, messages.map(({ id }) => id)] as const)
    await streams.acknowledgeEach(stream, new Map(ids))
    expect(requests).toBe(2)
    expect((await streams.state(stream, 'b')).pending).toBe(1)
  })

  test('nothing to append or to acknowledge asks nothing', async () => {
    let requests = 0
    gateway.faults.set({ kind: 'duplicate' }, () => (requests += 1) < 0)
    await streams.acknowledge(stream, 'g', [])
    expect(await streams.append(stream, [])).toEqual([])
    expect(requests).toBe(0)
  })

  test('an entry that was deleted while it was pending comes back to nobody', async () => {
    const [first = ''] = await streams.append(stream, numbered(2))
    await read('g')
    await raw.xdel(stream, first)
    expect(names(await read('g', { idleMs: 0 }))).toEqual(['m1'])
    expect(await streams.present(stream, [first])).toEqual(new Set())
  })

  test('a stream that was lost is begun again by whoever comes first', async () => {
    await streams.append(stream, numbered(1))
    await read('g')
    await raw.flushall()
    expect(await read('g', { idleMs: 0 })).toEqual([])
    await streams.append(stream, [{ name: 'after' }])
    expect(names(await read('g', { idleMs: 0 }))).toEqual(['after'])
  })

  test('a group that alone was lost reads the whole stream again', async () => {
    await streams.append(stream, numbered(2))
    await read('g')
    await raw.xgroup('DESTROY', stream, 'g')
    expect(names(await read('g'))).toEqual(['m0', 'm1'])
  })

  test('two readers of a missing group at once both get an answer, and each message comes once', async () => {
    await streams.append(stream, numbered(4))
    const both = await Promise.all([
      read('g', { consumer: 'one', count: 2 }),
      read('g', { consumer: 'two', count: 2 }),
    ])
    expect(names(both.flat()).toSorted((a, b) => a.localeCompare(b))).toEqual(['m0', 'm1', 'm2', 'm3'])
  })

  test('a lost reply of read delays its messages, and loses none', async () => {
    await read('g')
    await streams.append(stream, numbered(1))
    gateway.faults.next('XREADGROUP', { kind: 'drop-reply' })
    expect(await read('g')).toEqual([])
    expect(names(await read('g', { idleMs: 0 }))).toEqual(['m0'])
  })

  test('a lost reply of append appends twice: consumers drop the second', async () => {
    gateway.faults.next('XADD', { kind: 'drop-reply' })
    await streams.append(stream, [{ name: 'twice', id: '7' }])
    expect(names(await read('g'))).toEqual(['twice', 'twice'])
  })

  test('a stream keeps about as many entries as asked', async () => {
    await streams.append(stream, numbered(400), { keep: 100 })
    const { length } = await streams.state(stream, 'g')
    expect(length).toBeGreaterThanOrEqual(100)
    expect(length).toBeLessThan(300)
  })

  test('operators see length, pending and lag', async () => {
    expect(await streams.state(stream, 'g')).toEqual({ length: 0, pending: 0, lag: 0 })
    await streams.append(stream, numbered(3))
    await read('g', { count: 1 })
    const { length, pending, lag } = await streams.state(stream, 'g')
    expect({ length, pending }).toEqual({ length: 3, pending: 1 })
    if (kind === 'redis-server') expect(lag).toBe(2)
  })

  test('a store that refuses is unavailable, not empty', async () => {
    await read('g')
    gateway.faults.set({ kind: 'status', status: 503 })
    await expect(read('g')).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(streams.append(stream, numbered(1))).rejects.toBeInstanceOf(StoreUnavailable)
    gateway.faults.clear()
    await raw.set(stream, 'not a stream')
    await expect(read('g')).rejects.toBeInstanceOf(StoreUnavailable)
  })
})
