// The saga interrupted: between every two steps, by lost replies of Postgres and of the provider, by seats that are gone,
// by payments that come late. The provider's events are held back, so that each test decides who carries the order on.
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { advanceOrder } from '../../origin/orders/advance.ts'
import { commitOrder } from '../../origin/orders/commit.ts'
import { sweep } from '../../origin/orders/sweep.ts'
import { hold, payOnPage, place, statusOf } from './buyer.ts'
import { expectLedgerInOrder } from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())
afterEach(() => expectLedgerInOrder(origin))
beforeEach(async () => {
  origin.payments.faults.clear()
  origin.database.gateway.faults.clear()
  origin.redis.faults.clear()
  await origin.database.query('truncate orders, order_items, tickets, outbox, idempotency_keys cascade')
  // Every test begins with a hall in which nothing is sold or held, and nobody still writes.
  await origin.settled()
  const keys = await origin.parts.redis.keys('seats:*')
  if (keys.length > 0) await origin.parts.redis.del(...keys)
  await origin.importEvent(smallEvent())
})

/** An order whose money is authorised, about which nobody has been told. */
async function authorisedOrder(seats: readonly string[] = ['A-1-1', 'A-1-2']): Promise<string> {
  const { orderId } = await place(origin, seats)
  await payOnPage(origin, orderId)
  return orderId
}

const advance = (orderId: string, steps?: number) =>
  advanceOrder(origin.parts, orderId, steps === undefined ? {} : { steps })

const row = async (orderId: string) => {
  const [found] = await origin.database.query('select * from orders where id = $1', [orderId])
  if (found === undefined) throw new Error('the order is missing')
  return found
}
const intentOf = (orderId: string) =>
  origin.payments.intents.all().find(({ metadata }) => metadata['order'] === orderId)
const lookAtHold = (holdId: string) => origin.parts.seats.findHold(PERFORMANCE, holdId)
/** Lets the clock of a hold run out: its record and its score. */
async function expireHold(holdId: string): Promise<void> {
  const { redis } = origin.parts
  const keys = performanceKeys(PERFORMANCE)
  const record = String(await redis.hget(keys.holders, holdId)).split(' ')
  record[3] = '1'
  await redis.hset(keys.holders, { [holdId]: record.join(' ') })
  await redis.zadd(keys.holds, { score: 1, member: holdId })
}
const soldSeats = async () => (await origin.database.query('select 1 from order_items where live')).length

test('an order stopped after every single step is carried on to paid, and sells and captures once', async () => {
  const orderId = await authorisedOrder()
  const seen: string[] = []
  for (let step = 0; step < 5; step += 1) {
    const order = await advance(orderId, 1)
    seen.push(String(order?.status))
  }
  expect(seen).toEqual(['authorised', 'committing', 'capturing', 'paid', 'paid'])
  expect(intentOf(orderId)).toMatchObject({ status: 'succeeded', amountReceived: 10_500 })
  expect(await soldSeats()).toBe(2)
})

test('many who carry one order on at the same moment do it once', async () => {
  const orderId = await authorisedOrder()
  await Promise.all(Array.from({ length: 10 }, () => advance(orderId)))
  expect(await statusOf(origin, orderId)).toBe('paid')
  expect(await soldSeats()).toBe(2)
  expect(await origin.database.query(`select 1 from outbox where topic = 'order.paid'`)).toHaveLength(1)
  expect(await origin.database.query('select 1 from tickets')).toHaveLength(2)
})

describe.each([
  ['the payment is noted', 0],
  ['the sale is decided', 1],
  ['the seats are sold', 2],
  ['the order is completed', 3],
] as const)('Postgres does not answer when %s', (_name, stepsBefore) => {
  test('the next run carries the order on to paid', async () => {
    const orderId = await authorisedOrder()
    if (stepsBefore > 0) await advance(orderId, stepsBefore)
    const lost = origin.database.gateway.faults.next(/^(update|\s*with moved)/, { kind: 'drop-reply' })
    await expect(advance(orderId)).rejects.toThrow()
    await lost.fired
    await advance(orderId)
    expect(await statusOf(origin, orderId)).toBe('paid')
    expect(await soldSeats()).toBe(2)
    expect(await origin.database.query('select 1 from tickets')).toHaveLength(2)
  })
})

test('a provider that is down during capture leaves the seats sold, no tickets, and a later try that succeeds', async () => {
  const orderId = await authorisedOrder()
  origin.payments.faults.set({ kind: 'status', status: 503 }, /POST .*\/capture$/)
  await advance(orderId)
  expect(await row(orderId)).toMatchObject({ status: 'capturing', attempts: 1 })
  expect((await origin.request(`/api/orders/${orderId}/tickets`)).status).toBe(409)
  origin.payments.faults.clear()
  await origin.database.query(`update orders set retry_at = now() - interval '1 second'`)
  await sweep(origin.parts)
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test('a capture whose reply is lost is not taken twice', async () => {
  const orderId = await authorisedOrder()
  origin.payments.faults.next(/POST .*\/capture$/, { kind: 'drop-reply' })
  await advance(orderId)
  expect(await statusOf(origin, orderId)).toBe('paid')
  expect(intentOf(orderId)?.amountReceived).toBe(10_500)
})

test('an order that loses a seat is voided: the authorisation is released and nothing stays sold to it', async () => {
  const loser = await authorisedOrder(['A-1-1', 'A-1-2'])
  // The hold is bypassed: somebody else's order takes one of the seats in Postgres.
  await origin.database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, status, seats,
       seat_count, total_minor, currency, pay_by)
     select 'rival', 'rival', performance_id, 'rival', 's', 'n', 'e', 'e', 'committing', jsonb_build_array(seats -> 1),
       1, 0, 'EUR', now() from orders where id = $1`,
    [loser],
  )
  expect(await commitOrder(origin.parts.db, 'rival')).toBe('committed')
  const order = await advance(loser)
  expect(order).toMatchObject({ status: 'voided', failure: 'seat_lost' })
  expect(intentOf(loser)?.status).toBe('canceled')
  expect(await soldSeats()).toBe(1)
  expect((await origin.request(`/api/orders/${loser}/tickets`)).status).toBe(409)
})

test('a void whose reply is lost ends in voided all the same', async () => {
  const orderId = await authorisedOrder()
  await origin.database.query(
    `update orders set status = 'voiding', next_status = 'voided', reason = 'seat_lost' where id = $1`,
    [orderId],
  )
  origin.payments.faults.next(/POST .*\/cancel$/, { kind: 'drop-reply' })
  expect(await advance(orderId)).toMatchObject({ status: 'voided' })
  expect(intentOf(orderId)?.status).toBe('canceled')
})

test('a void of a payment that the provider has cancelled by itself ends in voided', async () => {
  const orderId = await authorisedOrder()
  await origin.database.query(
    `update orders set status = 'voiding', next_status = 'voided', reason = 'seat_lost' where id = $1`,
    [orderId],
  )
  await origin.payments.intents.expire(String(intentOf(orderId)?.id))
  expect(await advance(orderId)).toMatchObject({ status: 'voided', attempts: 0 })
})

test('an authorisation that lapsed before its capture gives the seats back', async () => {
  const orderId = await authorisedOrder()
  await advance(orderId, 3)
  const intent = intentOf(orderId)
  await origin.payments.intents.expire(String(intent?.id))
  expect(await advance(orderId)).toMatchObject({ status: 'failed', failure: 'authorisation_lapsed' })
  expect(await soldSeats()).toBe(0)
  await origin.settled()
  await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
})

test('a payment of another amount than the order is never captured and waits for a person', async () => {
  const orderId = await authorisedOrder()
  await origin.database.query('update orders set total_minor = total_minor + 1 where id = $1', [orderId])
  expect(await advance(orderId)).toMatchObject({ status: 'stuck' })
  expect(intentOf(orderId)?.status).toBe('requires_capture')
  expect(await soldSeats()).toBe(0)
})

test('an order whose time is over expires, with and without a begun payment, and its intent is cancelled', async () => {
  const idle = await place(origin, ['A-1-3'])
  const begun = await place(origin, ['A-1-4'])
  await origin.request(`/api/orders/${begun.orderId}/pay`, { method: 'POST' })
  await origin.database.query(
    `update orders set pay_by = now() - interval '1 second', retry_at = now() - interval '1 second'`,
  )
  await sweep(origin.parts)
  expect(await statusOf(origin, idle.orderId)).toBe('expired')
  expect(await statusOf(origin, begun.orderId)).toBe('expired')
  expect(intentOf(begun.orderId)?.status).toBe('canceled')
})

test('a payment that arrives late still gets its seats where Postgres has them', async () => {
  const { orderId, holdId } = await place(origin, ['A-1-5'])
  await payOnPage(origin, orderId)
  await expireHold(holdId)
  await origin.database.query(
    `update orders set pay_by = now() - interval '10 minutes', retry_at = now() - interval '1 second'`,
  )
  await sweep(origin.parts)
  expect(await statusOf(origin, orderId)).toBe('paid')
  await origin.settled()
  expect(await lookAtHold(holdId)).toMatchObject({ status: 'ended', how: 'sold' })
})

test('a payment that arrives late is voided where another holds the seats, whose hold lives', async () => {
  const { orderId, holdId } = await place(origin, ['A-1-4', 'A-1-5'])
  await payOnPage(origin, orderId)
  await expireHold(holdId)
  const next = await hold(origin, ['A-1-5'], await origin.admit())
  expect(await advance(orderId)).toMatchObject({ status: 'voided', failure: 'seat_lost' })
  expect(intentOf(orderId)?.status).toBe('canceled')
  expect(await lookAtHold(next)).toMatchObject({ status: 'live' })
  await hold(origin, ['A-1-4'], await origin.admit())
})

test('a late payment that was stopped after it took its seats again goes on with them', async () => {
  const { orderId, holdId } = await place(origin, ['A-1-5'])
  await payOnPage(origin, orderId)
  await expireHold(holdId)
  await advance(orderId, 1)
  origin.database.gateway.faults.next(/^update "orders" set "status"/, { kind: 'status', status: 503 })
  await expect(advance(orderId, 1)).rejects.toThrow()
  expect(await row(orderId)).toMatchObject({ status: 'authorised' })
  expect(await advance(orderId)).toMatchObject({ status: 'paid' })
})

test('an order whose lost hold cron makes again, just before the order takes its seats anew, does not lose to itself', async () => {
  const { orderId, holdId, visitor } = await place(origin, ['A-1-5'])
  await payOnPage(origin, orderId)
  expect(await advance(orderId, 1)).toMatchObject({ status: 'authorised' })
  const { holds, holders } = performanceKeys(PERFORMANCE)
  await origin.parts.redis.del(holds, holders)
  const { fired } = origin.redis.faults.next(`${holdId}:late`, { kind: 'delay', ms: 500 })
  const carriedOn = advance(orderId, 1)
  await fired
  const session = String(decodeJwt(visitor['waiting-room-token'] ?? '').jti)
  const [seat] = (await row(orderId))['seats'] as { ordinal: number }[]
  const request = { holdId, session, ordinals: [seat?.ordinal ?? -1], ttlMs: 60_000, maxLifeMs: 60_000 }
  expect(await origin.parts.seats.hold(PERFORMANCE, request)).toMatchObject({ status: 'held' })
  expect(await carriedOn).toMatchObject({ status: 'committing' })
})

describe('a hold that is given back', () => {
  const giveBack = (holdId: string, headers: Record<string, string>) =>
    origin.request(`/api/holds/${holdId}`, { method: 'DELETE', headers })

  test('cancels its order, also one whose payment was begun, so that the seats are the next holder’s', async () => {
    const { orderId, holdId, visitor } = await place(origin, ['A-1-1', 'A-1-2'])
    const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
    expect(begun.status).toBe(202)
    expect((await giveBack(holdId, visitor)).status).toBe(204)
    expect((await giveBack(holdId, visitor)).status).toBe(204)
    expect(await statusOf(origin, orderId)).toBe('cancelled')
    expect(intentOf(orderId)?.status).toBe('canceled')
    const next = await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
    expect(await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })).toMatchObject({
      status: 409,
      body: { code: 'order_conflict', status: 409, orderStatus: 'cancelled' },
    })
    await advance(orderId)
    expect(await lookAtHold(next)).toMatchObject({ status: 'live' })
  })

  test('is refused once its order is authorised, and that order is carried on', async () => {
    const { orderId, holdId, visitor } = await place(origin, ['A-1-1'])
    await payOnPage(origin, orderId)
    await advance(orderId, 1)
    expect(await giveBack(holdId, visitor)).toMatchObject({
      status: 409,
      body: { code: 'order_conflict', status: 409 },
    })
    expect(await statusOf(origin, orderId)).toBe('paid')
  })

  test('by somebody else cancels nothing', async () => {
    const { orderId, holdId } = await place(origin, ['A-1-1'])
    expect((await giveBack(holdId, await origin.admit())).status).toBe(404)
    expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
  })

  test('behind the order’s back makes it unpayable', async () => {
    const { orderId, holdId } = await place(origin, ['A-1-1'])
    const session = String((await row(orderId))['session'])
    await origin.parts.seats.release(PERFORMANCE, holdId, { session })
    expect((await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })).status).toBe(409)
    expect(await statusOf(origin, orderId)).toBe('cancelled')
    expect(intentOf(orderId)).toBeUndefined()
  })
})

test('Redis that is away at the commit hears of the sold seats from cron', async () => {
  const orderId = await authorisedOrder(['A-2-1'])
  origin.redis.faults.set({ kind: 'status', status: 503 })
  await advance(orderId)
  expect(
    (await origin.database.query('select 1 from outbox where published_at is null')).length,
  ).toBeGreaterThan(0)
  origin.redis.faults.clear()
  await sweep(origin.parts)
  expect(await origin.database.query('select 1 from outbox where published_at is null')).toHaveLength(0)
  expect(await statusOf(origin, orderId)).toBe('paid')
  expect(await origin.parts.redis.xlen('outbox')).toBeGreaterThanOrEqual(2)
})

test('a payment is begun once though the provider’s reply is lost', async () => {
  const { orderId } = await place(origin, ['A-2-2'])
  origin.payments.faults.next(/POST \/v1\/payment_intents$/, { kind: 'drop-reply' })
  const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  expect(begun.status).toBe(202)
  expect(origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)).toHaveLength(
    1,
  )
})

test('an order that fails again and again waits longer each time and at last for a person', async () => {
  const orderId = await authorisedOrder()
  await advance(orderId, 3)
  origin.payments.faults.set({ kind: 'status', status: 503 }, /POST .*\/capture$/)
  await origin.database.query('update orders set attempts = 11 where id = $1', [orderId])
  expect(await advance(orderId)).toMatchObject({ status: 'stuck', nextStatus: 'capturing' })
})

test('a look by the buyer carries on an order that was left mid-way', async () => {
  const orderId = await authorisedOrder()
  await advance(orderId, 2)
  await origin.database.query(`update orders set retry_at = now() - interval '1 second'`)
  await origin.request(`/api/orders/${orderId}`)
  await origin.settled()
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
})
