// Cron compares the seats and holds in Redis with Postgres: damage is done by hand, cron repairs it once and counts it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { findPerformance } from '../../origin/catalogue.ts'
import { pump } from '../../origin/outbox/pump.ts'
import { reconcile } from '../../origin/reconcile/reconcile.ts'
import { hold, place, statusOf } from './buyer.ts'
import { advance, expectLedgerInOrder, intentOf, paidOrder, refund } from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import {
  audit,
  bringHall,
  cron,
  expectMapAgrees,
  fresh,
  KEYS,
  mapOf,
  repairs,
  whileNothingMoves,
} from './reconcile-setup.ts'
import { PERFORMANCE } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await bringHall(origin)
})
afterAll(() => origin.stop())
beforeEach(() => fresh(origin))
afterEach(() => expectLedgerInOrder(origin))

const setMark = (ordinal: number, mark: string) => origin.parts.redis.setrange(KEYS.map, ordinal, mark)
const performance = async () => {
  const found = await findPerformance(origin.parts.db, PERFORMANCE)
  if (found === undefined) throw new Error('the performance is missing')
  return found
}

test('a healthy sale gives cron nothing to repair, at any stage of an order', async () => {
  const { orderId, holdId } = await place(origin, ['A-1-1', 'A-1-2'])
  await hold(origin, ['B-1-1'], await origin.admit())
  expect(await reconcile(origin.parts)).toEqual({})
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  expect(await reconcile(origin.parts)).toEqual({})
  const sold = await paidOrder(origin, ['A-1-3'])
  expect(await reconcile(origin.parts)).toEqual({})
  await whileNothingMoves(origin)
  expect(await reconcile(origin.parts)).toEqual({})
  await origin.request(`/api/orders/${orderId}/cancel`, { method: 'POST' })
  expect(await reconcile(origin.parts)).toEqual({})
  expect((await audit(origin, [holdId, sold.holdId])).holds).toEqual(['released', 'sold'])
  await cron(origin)
  expect(await repairs(origin)).toEqual({})
})

test('a sale of which the map has not heard yet is not damage', async () => {
  const seats = origin.redis.faults
  seats.set({ kind: 'status', status: 503 }, 'XADD')
  await paidOrder(origin, ['A-1-1'])
  expect((await mapOf(origin))[0]).toBe('h')
  expect(await reconcile(origin.parts)).toEqual({})
})

test('seats that Postgres has sold and the map shows otherwise are sold again, and counted once', async () => {
  const { orderId } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
  await whileNothingMoves(origin)
  await setMark(0, 'f')
  await setMark(1, 'a')
  expect(await reconcile(origin.parts)).toEqual({ seat_not_sold: 2 })
  await expectMapAgrees(origin)
  expect(await reconcile(origin.parts)).toEqual({})
  expect(await repairs(origin)).toEqual({ seat_not_sold: 2 })
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test('another’s hold on a seat that is sold loses it, and keeps its others', async () => {
  await paidOrder(origin, ['A-1-1'])
  await whileNothingMoves(origin)
  await setMark(0, 'f')
  const holdId = await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
  expect(await reconcile(origin.parts)).toEqual({ seat_not_sold: 1 })
  await expectMapAgrees(origin)
  expect(await origin.parts.seats.findHold(PERFORMANCE, holdId)).toMatchObject({
    status: 'live',
    hold: { ordinals: [1] },
  })
})

test('seats that the map shows sold and nobody has bought are for sale again', async () => {
  await setMark(3, 's')
  await setMark(4, 's')
  expect(await reconcile(origin.parts)).toEqual({ seat_not_freed: 2 })
  await expectMapAgrees(origin)
  await hold(origin, ['A-1-4', 'A-1-5'], await origin.admit())
})

test('blocked and accessible seats are what Postgres says, on the map and beneath holds', async () => {
  await origin.database.query(
    `insert into blocked_seats (performance_id, seat_ordinal, reason) values ($1, 2, 'house'), ($1, 3, 'accessible')`,
    [PERFORMANCE],
  )
  await setMark(19, 'f')
  await hold(origin, ['A-1-1'], await origin.admit())
  await origin.parts.redis.setrange(KEYS.base, 5, 'b')
  expect(await reconcile(origin.parts)).toEqual({ seat_base: 4 })
  await expectMapAgrees(origin)
  expect(await mapOf(origin)).toBe('hfbaf' + 'f'.repeat(14) + 'b')
  await origin.database.query('delete from blocked_seats where seat_ordinal in (2, 3)')
})

test('a map of another length than the hall is written anew', async () => {
  await origin.parts.redis.append(KEYS.map, 'ff')
  expect(await reconcile(origin.parts)).toEqual({ seat_base: 1 })
  await expectMapAgrees(origin)
})

describe('seats that are held by nobody', () => {
  test('come back, where no hold is known and where it has ended', async () => {
    const holdId = await hold(origin, ['A-1-1'], await origin.admit())
    await setMark(1, 'h')
    await origin.parts.redis.hdel(KEYS.holders, holdId)
    expect(await reconcile(origin.parts)).toEqual({ seat_held_by_nobody: 2 })
    expect(await mapOf(origin)).toMatch(/^ff/)
    expect(await reconcile(origin.parts)).toEqual({})
    await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
  })

  test('of a hold that is due come back although the list of holds is lost', async () => {
    const due = await hold(origin, ['A-1-1'], await origin.admit())
    const other = await hold(origin, ['A-1-2'], await origin.admit())
    const record = String(await origin.parts.redis.hget(KEYS.holders, due)).split(' ')
    record[3] = '1'
    await origin.parts.redis.hset(KEYS.holders, { [due]: record.join(' ') })
    await origin.parts.redis.del(KEYS.holds)
    await reconcile(origin.parts)
    expect(await mapOf(origin)).toMatch(/^fh/)
    expect((await audit(origin, [due, other])).holds).toEqual(['expired', 'live'])
  })
})

describe('holds and their orders', () => {
  test('a hold that outlived its order is given back', async () => {
    const { orderId, holdId } = await place(origin, ['A-1-1'])
    await origin.database.query(
      `update orders set status = 'cancelled', reason = 'cancelled_by_buyer', updated_at = now() - interval '2 minutes'
       where id = $1`,
      [orderId],
    )
    await origin.database.query(
      `insert into outbox (topic, order_id, performance_id, payload, created_at)
       select 'order.closed', id, performance_id, jsonb_build_object('number', number, 'event', 'tiny',
         'outcome', 'cancelled', 'reason', reason), now() - interval '5 minutes' from orders`,
    )
    expect(await reconcile(origin.parts)).toEqual({ hold_left: 1 })
    expect((await audit(origin, [holdId])).holds).toEqual(['released'])
    await hold(origin, ['A-1-1'], await origin.admit())
    expect(await reconcile(origin.parts)).toEqual({})
  })

  test('a hold that has an order again, after an earlier one came to nothing, is its own', async () => {
    const { orderId, holdId, visitor } = await place(origin, ['A-1-1'])
    await origin.database.query(
      `update orders set status = 'expired', reason = 'not_paid_in_time', payment_intent = 'pi_past',
         updated_at = now() - interval '2 minutes' where id = $1`,
      [orderId],
    )
    await origin.database.query(
      `insert into orders select (jsonb_populate_record(orders, jsonb_build_object('id', 'second', 'number', 'second',
         'status', 'awaiting_payment', 'payment_intent', null, 'reason', null))).* from orders where id = $1`,
      [orderId],
    )
    expect(await reconcile(origin.parts)).toEqual({})
    expect((await audit(origin, [holdId])).holds).toEqual(['live'])
    expect((await origin.request(`/api/holds/${holdId}`, { headers: visitor })).status).toBe(200)
    await origin.database.query('delete from orders')
  })

  test('Redis emptied in the middle of a sale: orders have their holds again before others come', async () => {
    const first = await place(origin, ['A-1-1', 'A-1-2'])
    const second = await place(origin, ['A-1-3'])
    await origin.request(`/api/orders/${second.orderId}/pay`, { method: 'POST' })
    await origin.parts.redis.flushdb()
    expect(await reconcile(origin.parts)).toEqual({ hold_lost: 2 })
    expect(await mapOf(origin)).toMatch(/^hhhf/)
    expect(await reconcile(origin.parts)).toEqual({})
    const shown = await origin.request(`/api/holds/${first.holdId}`, { headers: first.visitor })
    expect(shown.body).toMatchObject({ holdId: first.holdId, seats: [{ id: 'A-1-1' }, { id: 'A-1-2' }] })
    const refused = await origin.request(`/api/performances/${PERFORMANCE}/holds`, {
      headers: await origin.admit(),
      body: { seats: ['A-1-1'] },
    })
    expect(refused.status).toBe(409)
  })

  test('Redis emptied, and others were faster: an order that nobody has begun to pay is closed, the other waits', async () => {
    const idle = await place(origin, ['A-1-1'])
    const begun = await place(origin, ['A-1-2'])
    await origin.request(`/api/orders/${begun.orderId}/pay`, { method: 'POST' })
    await origin.parts.redis.flushdb()
    const next = await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
    expect(await reconcile(origin.parts)).toEqual({ order_without_hold: 1 })
    expect(await statusOf(origin, idle.orderId)).toBe('cancelled')
    expect(await statusOf(origin, begun.orderId)).toBe('awaiting_payment')
    expect((await audit(origin, [next])).holds).toEqual(['live'])
  })

  test('an order whose hold was given back behind it is closed, and its payment with it', async () => {
    const { orderId, holdId } = await place(origin, ['A-1-1'])
    await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
    const [row] = await origin.database.query('select session from orders')
    await origin.parts.seats.release(PERFORMANCE, holdId, { session: String(row?.['session']) })
    expect(await reconcile(origin.parts)).toEqual({ order_without_hold: 1 })
    expect(await advance(origin, orderId)).toMatchObject({ status: 'cancelled', reason: 'hold_given_back' })
    expect(intentOf(origin, orderId).status).toBe('canceled')
  })
})

test('cron that runs again and again beside buyers who hold, pay, cancel and are refunded finds nothing to repair', async () => {
  const buy = async (seat: string) => {
    const { orderId, number } = await paidOrder(origin, [seat])
    await statusOf(origin, orderId)
    return number
  }
  const buyers = ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4'].map(async (seat, at) => {
    for (let round = 0; round < 3; round += 1) {
      if (at % 2 === 0) {
        expect((await refund(origin, await buy(seat))).status).toBeLessThan(300)
        await vi.waitFor(async () => {
          await pump(origin.parts, { idleMs: 0 })
          expect((await mapOf(origin))[at]).toBe('f')
        })
        continue
      }
      const { orderId, holdId, visitor } = await place(origin, [seat])
      await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
      const given = await origin.request(`/api/holds/${holdId}`, { method: 'DELETE', headers: visitor })
      expect(given.status).toBe(204)
    }
  })
  const done = new AbortController()
  const all = Promise.all(buyers).finally(() => done.abort())
  let runs = 0
  for (; !done.signal.aborted; runs += 1) expect(await reconcile(origin.parts)).toEqual({})
  await all
  expect(runs).toBeGreaterThan(3)
  await whileNothingMoves(origin)
  expect(await reconcile(origin.parts)).toEqual({})
  await expectMapAgrees(origin)
})

test('two runs at once repair once, and both end', async () => {
  await paidOrder(origin, ['A-1-1'])
  await whileNothingMoves(origin)
  await setMark(0, 'f')
  await setMark(5, 'h')
  await Promise.all([reconcile(origin.parts), reconcile(origin.parts)])
  await expectMapAgrees(origin)
  expect((await performance()).seats).toBe(20)
  expect(await reconcile(origin.parts)).toEqual({})
})
