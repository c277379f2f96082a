// Payments that come late, with Redis there and away; commits and captures that are refused for good; orders that cost
// nothing; sessions that live as long as their payment.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sweep } from '../../origin/orders/sweep.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { hold, order, place } from './buyer.ts'
import {
  advance,
  asOperator,
  authorisedOrder,
  freshHall,
  intentOf,
  rowOf,
  told,
  expectLedgerInOrder,
} from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
})
afterAll(() => origin.stop())
afterEach(() => expectLedgerInOrder(origin))
beforeEach(() => freshHall(origin))

const away = () => origin.redis.faults.set({ kind: 'status', status: 503 })
/** Cron, when every wait is over. */
async function cron(): Promise<void> {
  await origin.database.query(`update orders set retry_at = now() - interval '1 second'`)
  await sweep(origin.parts)
}
/** As if the time to pay had ended that long before the payment, or (negative) after it. */
const payByBeforePayment = (orderId: string, seconds: number) =>
  origin.database.query(
    `update orders set pay_by = coalesce(authorised_at, now()) - make_interval(secs => $2) where id = $1`,
    [orderId, seconds],
  )
const sinceThePayment = (orderId: string, seconds: number) =>
  origin.database.query(
    `update orders set authorised_at = authorised_at - make_interval(secs => $2),
       pay_by = pay_by - make_interval(secs => $2) where id = $1`,
    [orderId, seconds],
  )
/** Lets the clock of a hold run out: its record and its score. */
async function expireHold(holdId: string): Promise<void> {
  const { redis } = origin.parts
  const keys = performanceKeys(PERFORMANCE)
  const record = String(await redis.hget(keys.holders, holdId)).split(' ')
  record[3] = '1'
  await redis.hset(keys.holders, { [holdId]: record.join(' ') })
  await redis.zadd(keys.holds, { score: 1, member: holdId })
}
const liveSeats = async (orderId: string) =>
  (await origin.database.query('select 1 from order_items where order_id = $1 and live', [orderId])).length

describe('Redis is away', () => {
  test('an order paid in time is sold by Postgres alone, however late we hear of the payment', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, orderId, 1)
    await payByBeforePayment(orderId, -5)
    await sinceThePayment(orderId, 600)
    away()
    expect(await advance(origin, orderId)).toMatchObject({ status: 'paid' })
  })

  test('an order paid late waits, and is voided within two minutes: it never takes the seats of another’s hold', async () => {
    const late = await authorisedOrder(origin, ['A-1-1'])
    await expireHold(late.holdId)
    const next = await hold(origin, ['A-1-1'], await origin.admit())
    await advance(origin, late.orderId, 1)
    await payByBeforePayment(late.orderId, 5)
    away()
    expect(await advance(origin, late.orderId)).toMatchObject({ status: 'authorised', attempts: 0 })
    await sinceThePayment(late.orderId, 30)
    await cron()
    expect(await rowOf(origin, late.orderId)).toMatchObject({ status: 'authorised' })
    await sinceThePayment(late.orderId, 31)
    await cron()
    expect(await rowOf(origin, late.orderId)).toMatchObject({ status: 'voided', reason: 'paid_too_late' })
    expect(intentOf(origin, late.orderId).status).toBe('canceled')
    expect(await liveSeats(late.orderId)).toBe(0)
    origin.redis.faults.clear()
    expect(await origin.parts.seats.findHold(PERFORMANCE, next)).toMatchObject({ status: 'live' })
  })

  test('an order paid late gets its seats where Redis comes back in time and they are free', async () => {
    const { orderId, holdId } = await authorisedOrder(origin, ['A-1-1'])
    await expireHold(holdId)
    await advance(origin, orderId, 1)
    await payByBeforePayment(orderId, 5)
    away()
    await advance(origin, orderId)
    origin.redis.faults.clear()
    await cron()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid' })
  })

  test('the wait looks again soon enough for two minutes in all, cron’s own minute included', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, orderId, 1)
    await payByBeforePayment(orderId, 5)
    away()
    await advance(origin, orderId)
    const [row] = await origin.database.query(
      `select retry_at - authorised_at < interval '60 seconds' as soon from orders where id = $1`,
      [orderId],
    )
    expect(row).toEqual({ soon: true })
  })
})

test('the time of a payment is the provider’s, not the time at which we look', async () => {
  const { orderId } = await authorisedOrder(origin, ['A-1-1'])
  const { latestCharge } = intentOf(origin, orderId)
  const charge = await origin.parts.payments.charges.retrieve(String(latestCharge))
  const order = await advance(origin, orderId, 1)
  expect(order.authorisedAt?.getTime()).toBe(charge.created * 1_000)
})

describe('a commit that Postgres refuses for what it is', () => {
  beforeEach(() => origin.database.query('alter table tickets add constraint none check (seat_ordinal < 0)'))

  test('ends in a void with its reason after three tries, and the seats are free again', async () => {
    const { orderId, number, holdId } = await authorisedOrder(origin, ['A-1-1', 'A-1-2'])
    expect(await advance(origin, orderId)).toMatchObject({ status: 'committing', attempts: 1 })
    await cron()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'committing', attempts: 2 })
    await cron()
    await origin.database.query('alter table tickets drop constraint none')
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'voided', reason: 'commit_refused' })
    expect(intentOf(origin, orderId).status).toBe('canceled')
    expect(await told(origin, orderId, 'order.closed')).toEqual([
      { number, event: 'tiny', outcome: 'voided', reason: 'commit_refused' },
    ])
    expect(await liveSeats(orderId)).toBe(0)
    expect(await origin.parts.seats.findHold(PERFORMANCE, holdId)).toMatchObject({ status: 'ended' })
    await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
  })

  test('goes on where the fault is mended before', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, orderId)
    await origin.database.query('alter table tickets drop constraint none')
    await cron()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid' })
  })
})

describe('a capture that the provider refuses', () => {
  const refuse = () =>
    origin.payments.faults.set(
      {
        kind: 'error-body',
        status: 400,
        body: {
          error: {
            type: 'invalid_request_error',
            code: 'capture_charge_authorization_expired',
            message: 'No.',
          },
        },
      },
      /POST .*\/capture$/,
    )

  test('ends in a void after three tries: tickets void, seats free, money released', async () => {
    const { orderId, number } = await authorisedOrder(origin, ['A-1-1'])
    refuse()
    expect(await advance(origin, orderId)).toMatchObject({ status: 'capturing', attempts: 1 })
    await cron()
    await cron()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'voided', reason: 'capture_refused' })
    expect(intentOf(origin, orderId)).toMatchObject({ status: 'canceled', amountReceived: 0 })
    expect(await liveSeats(orderId)).toBe(0)
    expect(await origin.database.query('select 1 from tickets where voided_at is null')).toHaveLength(0)
    expect(await told(origin, orderId, 'seats.freed')).toEqual([{ ordinals: [0] }])
    expect(await told(origin, orderId, 'order.closed')).toEqual([
      { number, event: 'tiny', outcome: 'voided', reason: 'capture_refused' },
    ])
    await origin.settled()
    await hold(origin, ['A-1-1'], await origin.admit())
  })

  test('is not taken for a refusal where the money was captured all the same', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, orderId, 3)
    await origin.parts.payments.paymentIntents.capture(intentOf(origin, orderId).id)
    refuse()
    expect(await advance(origin, orderId)).toMatchObject({ status: 'paid', capturedMinor: 5_250 })
  })
})

describe('an order that costs nothing', () => {
  beforeEach(() => {
    const event = smallEvent()
    const [performance] = event.performances
    if (performance === undefined) throw new Error('the event has no performance')
    performance.tiers = [
      { id: 'near', name: 'Near', price: 0 },
      { id: 'far', name: 'Far', price: 2_000, fee: 100 },
    ]
    return origin.importEvent(event)
  })

  test('needs no payment: it is paid at once, with tickets, and the provider hears nothing', async () => {
    const intents = origin.payments.intents.all().length
    const { orderId, answer, visitor } = await place(origin, ['A-1-1', 'A-1-2'])
    expect(answer.body).toMatchObject({ status: 'authorised', total: 0 })
    await origin.settled()
    expect(await rowOf(origin, orderId)).toMatchObject({
      status: 'paid',
      payment_intent: null,
      captured_minor: 0,
    })
    const { body } = await origin.request(`/api/orders/${orderId}/tickets`)
    expect(body['tickets']).toHaveLength(2)
    const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST', headers: visitor })
    expect(begun.body).toMatchObject({ status: 'paid' })
    expect(String(begun.body['redirectUrl'])).toMatch(new RegExp(`/orders/${orderId}$`))
    expect(origin.payments.intents.all()).toHaveLength(intents)
    expect(await told(origin, orderId, 'order.paid')).toMatchObject([{ total: 0, currency: 'EUR' }])
  })

  test('is carried on by cron where its request died', async () => {
    // The decision to sell.
    origin.database.gateway.faults.set({ kind: 'status', status: 503 }, /^update "orders" set "status"/)
    const { orderId } = await place(origin, ['A-1-1'])
    await origin.settled()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'authorised' })
    origin.database.gateway.faults.clear()
    await cron()
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid' })
  })

  test('is given back without the provider', async () => {
    const { orderId, answer } = await place(origin, ['A-1-1'])
    await origin.settled()
    const given = await asOperator(origin, `/${String(answer.body['number'])}/refunds`, {
      headers: { 'idempotency-key': 'a-key-of-sixteen-characters' },
      body: { reason: 'Rain' },
    })
    expect(given.body).toMatchObject({ amount: 0, status: 'succeeded' })
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 0 })
  })

  test('with a seat that costs something is paid as any other', async () => {
    const { answer } = await place(origin, ['A-1-1', 'B-1-1'])
    expect(answer.body).toMatchObject({ status: 'awaiting_payment', total: 2_100 })
  })
})

describe('the session of a buyer who pays', () => {
  const pay = (orderId: string, headers: Record<string, string> = {}) =>
    origin.request(`/api/orders/${orderId}/pay`, { method: 'POST', headers })
  const command = (answer: Awaited<ReturnType<typeof pay>>) => answer.headers.get('waiting-room-command')

  async function orderOf(visitor: Record<string, string>, seat: string): Promise<string> {
    const holdId = await hold(origin, [seat], visitor)
    return String((await order(origin, { holdId, visitor })).body['orderId'])
  }

  test('is asked to live until the time to pay ends, ten minutes at most', async () => {
    const visitor = await origin.admit('demo', { sessionEndsInMs: 60_000 })
    const orderId = await orderOf(visitor, 'A-1-1')
    const before = Date.now()
    const text = command(await pay(orderId, visitor)) ?? ''
    expect(text).toMatch(/^extend-session; until=\d+$/)
    const until = Number(text.split('=')[1])
    const payBy = (await rowOf(origin, orderId))['pay_by'] as Date
    expect(until).toBeLessThanOrEqual(payBy.getTime())
    expect(until).toBeGreaterThan(before + 590_000)
    expect(until).toBeLessThanOrEqual(Date.now() + 600_000)
    const [row] = await origin.database.query(
      `select pay_by <= now() + interval '10 minutes' as bounded from orders`,
    )
    expect(row).toEqual({ bounded: true })
  })

  test('is left alone where it was extended before, or is another’s', async () => {
    const extended = await origin.admit('demo', { sessionEndsInMs: 60_000, extendedByMs: 1_200_000 })
    expect(command(await pay(await orderOf(extended, 'A-1-2'), extended))).toBeNull()
    const owner = await origin.admit('demo', { sessionEndsInMs: 60_000 })
    const orderId = await orderOf(owner, 'A-1-3')
    const other = await origin.admit('demo', { sessionEndsInMs: 60_000 })
    expect(command(await pay(orderId, other))).toBeNull()
    expect(command(await pay(orderId))).toBeNull()
    await vi.waitFor(async () => expect(command(await pay(orderId, owner))).not.toBeNull())
  })
})
