// The report of what can still be sold, on the real server: which of two stands, what is forgotten, what it costs.

import { randomUUID } from 'node:crypto'
import { Redis as RawRedis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startRedis } from '../../local/redis.ts'
import { startUpstashGateway } from '../../local/upstash/gateway.ts'
import { parseRoomId, type RoomId } from '../../src/ids.ts'
import { createRedis } from '../../src/redis/client.ts'
import { roomKeys } from '../../src/redis/keys.ts'
import { createStockStore, type StockReport, type StockStore } from '../../src/redis/stock.ts'
import { KINDS } from './kinds.ts'

const TOKEN = 'a-token-for-tests'

describe.each(KINDS)('on %s', (kind) => {
  let raw: RawRedis
  let stock: StockStore
  let room: RoomId
  let stop = async () => {}
  beforeAll(async () => {
    const redis = await startRedis({ kind })
    const gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
    raw = new RawRedis(redis.url)
    stock = createStockStore(createRedis({ url: gateway.url, token: TOKEN }))
    stop = async () => {
      raw.disconnect()
      await gateway.stop()
      await redis.stop()
    }
  })
  beforeEach(() => {
    const id = parseRoomId(`room-${randomUUID()}`)
    if (id === undefined) throw new Error('a valid room id')
    room = id
  })
  afterAll(() => stop())

  const state = () => raw.hgetall(roomKeys(room).state)
  const reportOf = (performance: string, version: number, left = 7): StockReport => ({
    performance,
    version,
    left,
    held: 2,
    holders: 1,
    taken: 13,
  })

  test('a report is one field a performance, with the time of Redis, beside what the queue keeps', async () => {
    await raw.hset(roomKeys(room).state, 'epoch', '3')
    const [seconds] = await raw.time()
    await stock.report(room, [reportOf('tonight', 5), reportOf('tomorrow', 6, 0)])
    const { epoch, 'stock:tonight': tonight, 'stock:tomorrow': tomorrow } = await state()
    expect(epoch).toBe('3')
    expect(tonight).toMatch(/^7,2,1,13,\d{13},5$/)
    expect(tomorrow).toMatch(/^0,2,1,13,\d{13},6$/)
    expect(Number(tonight?.split(',')[4])).toBeGreaterThanOrEqual(Number(seconds) * 1_000)
    expect((await stock.reported(room)).toSorted()).toEqual(['tomorrow', 'tonight'])
  })

  test('an older report never replaces a newer one, in whatever order they arrive, and a repeat changes nothing but the time', async () => {
    await stock.report(room, [reportOf('p', 1_000_000_000_009, 4)])
    await stock.report(room, [reportOf('p', 999_999_999_999, 9)])
    const { 'stock:p': kept = '' } = await state()
    expect(kept).toMatch(/^4,/)
    await stock.report(room, [reportOf('p', 1_000_000_000_009, 4)])
    const { 'stock:p': repeated = '' } = await state()
    expect(repeated.split(',').toSpliced(4, 1)).toEqual(kept.split(',').toSpliced(4, 1))
    await stock.report(room, [reportOf('p', 1_000_000_000_010, 3)])
    expect((await state())['stock:p']).toMatch(/^3,/)
  })

  test('a performance that is no longer on sale is forgotten, also when it is told twice, and others stay', async () => {
    await stock.report(room, [reportOf('over', 5), reportOf('on', 5)])
    await stock.withdraw(room, ['over', 'never-there'])
    await stock.withdraw(room, ['over'])
    expect(Object.keys(await state())).toEqual(['stock:on'])
    await stock.withdraw(room, ['on'])
    expect(await raw.exists(roomKeys(room).state)).toBe(0)
  })

  test('nothing to report is no call, and a thousand performances are told in order', async () => {
    await stock.report(room, [])
    await stock.withdraw(room, [])
    const many = Array.from({ length: 1_000 }, (_, at) => reportOf(`p-${at}`, 1, at))
    await stock.report(room, many)
    const fields = await state()
    expect(Object.keys(fields)).toHaveLength(1_000)
    expect(fields['stock:p-999']).toMatch(/^999,/)
  })
})
