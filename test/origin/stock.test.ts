// What a room is told while orders are paid, cancelled and given back, and when a buyer's session is over.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import originWorker from '../../origin/index.ts'
import { advanceOrder } from '../../origin/orders/advance.ts'
import { parseRoomId } from '../../src/ids.ts'
import { roomKeys } from '../../src/redis/keys.ts'
import { hold, order, payOnPage, place, statusOf } from './buyer.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

const room = parseRoomId('demo')
if (room === undefined) throw new Error('a valid room id')
const STATE = roomKeys(room).state
const COMMAND = 'waiting-room-command'
const ROWS = {
  front: ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'A-1-5', 'A-2-1', 'A-2-2', 'A-2-3'],
  middle: ['A-2-4', 'A-2-5', 'B-1-1', 'B-1-2', 'B-1-3', 'B-1-4', 'B-1-5', 'B-1-6'],
  back: ['B-1-7', 'B-1-8', 'B-1-9'],
}

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())
beforeEach(async () => {
  origin.payments.faults.clear()
  origin.payments.settings.holdWebhooks = false
  await origin.settled()
  await origin.database.query('truncate orders, order_items, tickets, outbox, idempotency_keys cascade')
  await origin.parts.redis.flushdb()
  await origin.importEvent(smallEvent())
  await origin.settled()
})

async function stock() {
  const text = await origin.parts.redis.hget<string>(STATE, `stock:${PERFORMANCE}`)
  const [left, held, holders, taken, atMs] = (text ?? '').split(',').map(Number)
  return { left, held, holders, taken, atMs }
}
const told = (what: object) =>
  vi.waitFor(async () => expect(await stock()).toMatchObject(what), { timeout: 10_000 })

async function buy(seats: readonly string[]) {
  const placed = await place(origin, seats)
  await payOnPage(origin, placed.orderId)
  await vi.waitFor(async () => expect(await statusOf(origin, placed.orderId)).toBe('paid'), {
    timeout: 10_000,
  })
  return placed
}

test('the room hears of holds, of orders being paid, and that the last seat is sold', async () => {
  await buy(ROWS.front)
  await buy(ROWS.middle)
  await told({ left: 3, held: 0, holders: 0, taken: 16 })
  const { orderId } = await place(origin, ROWS.back)
  await told({ left: 0, held: 3, holders: 1, taken: 19 })
  await payOnPage(origin, orderId)
  await told({ left: 0, held: 0, holders: 0, taken: 19 })
  const [sold] = await origin.database.query(
    `select extract(epoch from created_at) * 1000 as at from outbox where order_id = $1 and topic = 'seats.sold'`,
    [orderId],
  )
  const { atMs = 0 } = await stock()
  console.log(`from the commit of the last seat to the report: ${Math.round(atMs - Number(sold?.['at']))} ms`)
  expect(atMs).toBeGreaterThanOrEqual(Math.floor(Number(sold?.['at'])))
})

test('that seats are sold is told while the provider still takes the money', async () => {
  const { orderId } = await place(origin, ['A-1-1'])
  await told({ held: 1 })
  origin.payments.settings.holdWebhooks = true
  await payOnPage(origin, orderId)
  origin.payments.faults.set({ kind: 'delay', ms: 5_000 }, /POST .*\/capture$/)
  const carriedOn = advanceOrder(origin.parts, orderId)
  await told({ left: 18, held: 0, holders: 0, taken: 1 })
  expect(await statusOf(origin, orderId)).toBe('capturing')
  expect(await carriedOn).toMatchObject({ status: 'paid' })
})

test('seats of a cancelled order and of one whose payment lapsed come back to the room', async () => {
  const cancelled = await place(origin, ['A-1-1', 'A-1-2'])
  await told({ left: 17, held: 2 })
  await origin.request(`/api/orders/${cancelled.orderId}/cancel`, { method: 'POST' })
  await told({ left: 19, held: 0 })

  origin.payments.settings.holdWebhooks = true
  const lapsed = await place(origin, ['A-1-1', 'A-1-2'])
  await payOnPage(origin, lapsed.orderId)
  await advanceOrder(origin.parts, lapsed.orderId, { steps: 3 })
  await told({ left: 17, held: 0, taken: 2 })
  const intent = origin.payments.intents.all().find(({ metadata }) => metadata['order'] === lapsed.orderId)
  await origin.payments.intents.expire(String(intent?.id))
  await advanceOrder(origin.parts, lapsed.orderId)
  await told({ left: 19, held: 0, taken: 0 })
})

test('cron reports, and its sweep and its report do not depend on each other', async () => {
  await origin.parts.redis.del(STATE)
  origin.database.gateway.faults.set({ kind: 'status', status: 503 }, 'idempotency_keys')
  const waitUntil = () => {}
  await expect(originWorker.scheduled({}, origin.env, { waitUntil })).rejects.toThrow()
  origin.database.gateway.faults.clear()
  expect(await stock()).toMatchObject({ left: 19, held: 0 })
})

describe('the buyer’s session', () => {
  const look = (orderId: string, headers: Record<string, string> = {}) =>
    origin.request(`/api/orders/${orderId}`, { headers })

  test('ends with the first answer that tells its owner that the order is paid, and with no earlier one', async () => {
    const { orderId, visitor, answer } = await place(origin, ['A-1-1'])
    expect(answer.headers.get(COMMAND)).toBeNull()
    expect((await look(orderId, visitor)).headers.get(COMMAND)).toBeNull()
    const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST', headers: visitor })
    expect(begun.headers.get(COMMAND)).toMatch(/^extend-session/)
    await payOnPage(origin, orderId)
    await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
    expect((await look(orderId, visitor)).headers.get(COMMAND)).toBe('end-session')
    const again = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST', headers: visitor })
    expect(again.body['status']).toBe('paid')
    expect(again.headers.get(COMMAND)).toBe('end-session')
  })

  test('goes on after an order that was cancelled, and while the money of one is still being taken', async () => {
    const { orderId, visitor } = await place(origin, ['A-1-1'])
    const cancelled = await origin.request(`/api/orders/${orderId}/cancel`, {
      method: 'POST',
      headers: visitor,
    })
    expect(cancelled.headers.get(COMMAND)).toBeNull()
    expect((await look(orderId, visitor)).headers.get(COMMAND)).toBeNull()

    origin.payments.settings.holdWebhooks = true
    const other = await place(origin, ['A-1-1'])
    await payOnPage(origin, other.orderId)
    await advanceOrder(origin.parts, other.orderId, { steps: 3 })
    const seen = await look(other.orderId, other.visitor)
    expect(seen.body['status']).toBe('capturing')
    expect(seen.headers.get(COMMAND)).toBeNull()
  })

  test('ends for a buyer whose token grew old on the provider’s page', async () => {
    const { orderId, visitor } = await buy(['A-1-1'])
    const { headers } = await look(orderId, await origin.outdated(visitor))
    expect(headers.get(COMMAND)).toBe('end-session')
  })

  test('of others who open the order’s link goes on, and the order opens without any', async () => {
    const { orderId } = await buy(['A-1-1'])
    for (const headers of [
      {},
      await origin.admit(),
      await origin.admit('another-room'),
      { 'waiting-room-token': 'x.y.z' },
    ]) {
      const seen = await look(orderId, headers)
      expect(seen).toMatchObject({ status: 200, body: { status: 'paid' } })
      expect(seen.headers.get(COMMAND)).toBeNull()
    }
    expect((await origin.request(`/api/orders/${orderId}/tickets`)).status).toBe(200)
  })

  test('lives while it holds other seats, and ends with the order for those', async () => {
    const first = await place(origin, ['A-1-1'])
    const holdId = await hold(origin, ['A-1-2'], first.visitor)
    await payOnPage(origin, first.orderId)
    await vi.waitFor(async () => expect(await statusOf(origin, first.orderId)).toBe('paid'))
    expect((await look(first.orderId, first.visitor)).headers.get(COMMAND)).toBeNull()
    const second = await order(origin, { holdId, visitor: first.visitor })
    const secondId = String(second.body['orderId'])
    await payOnPage(origin, secondId)
    await vi.waitFor(async () => expect(await statusOf(origin, secondId)).toBe('paid'))
    expect((await look(secondId, first.visitor)).headers.get(COMMAND)).toBe('end-session')
  })

  test('is left to run out where Redis cannot be asked, and the order is shown', async () => {
    const { orderId, visitor } = await buy(['A-1-1'])
    const logged = vi.spyOn(console, 'error').mockReturnValue()
    origin.redis.faults.set({ kind: 'status', status: 503 })
    const seen = await look(orderId, visitor)
    origin.redis.faults.clear()
    expect(seen).toMatchObject({ status: 200, body: { status: 'paid' } })
    expect(seen.headers.get(COMMAND)).toBeNull()
    expect(logged).toHaveBeenCalled()
    logged.mockRestore()
  })
})
