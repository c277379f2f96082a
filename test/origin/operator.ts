// An operator at the origin, and orders in the states that they meet. Used by the tests of refunds and of stuck orders.
import { expect } from 'vitest'
import { advanceOrder } from '../../origin/orders/advance.ts'
import type { Order } from '../../origin/orders/order.ts'
import { payOnPage, place, type Placed } from './buyer.ts'
import { newKey, type Answer, type RequestOptions, type TestOrigin } from './origin.ts'
import { smallEvent } from './small-event.ts'

export function asOperator(
  origin: TestOrigin,
  path: string,
  { headers, ...options }: RequestOptions = {},
): Promise<Answer> {
  const authorization = `Bearer ${origin.env.ADMIN_TOKEN}`
  return origin.request(`/api/admin/orders${path}`, { headers: { authorization, ...headers }, ...options })
}

export function refund(
  origin: TestOrigin,
  number: string,
  {
    key = newKey(),
    ...body
  }: { key?: string; seats?: string[]; fees?: boolean; used?: boolean; reason?: string } = {},
): Promise<Answer> {
  return asOperator(origin, `/${number}/refunds`, {
    headers: { 'idempotency-key': key },
    body: { reason: 'The buyer fell ill', ...body },
  })
}

export async function advance(origin: TestOrigin, orderId: string, steps?: number): Promise<Order> {
  const order = await advanceOrder(origin.parts, orderId, steps === undefined ? {} : { steps })
  if (order === undefined) throw new Error('the order is missing')
  return order
}

/** An order whose money is authorised, about which nobody has been told. */
export async function authorisedOrder(
  origin: TestOrigin,
  seats: readonly string[],
): Promise<Placed & { number: string }> {
  const placed = await place(origin, seats)
  await payOnPage(origin, placed.orderId)
  return { ...placed, number: String(placed.answer.body['number']) }
}

export async function paidOrder(origin: TestOrigin, seats: readonly string[]) {
  const placed = await authorisedOrder(origin, seats)
  expect(await advance(origin, placed.orderId)).toMatchObject({ status: 'paid' })
  return placed
}

export function intentOf(origin: TestOrigin, orderId: string) {
  const intent = origin.payments.intents.all().findLast(({ metadata }) => metadata['order'] === orderId)
  if (intent === undefined) throw new Error('the order has no intent')
  return intent
}

export async function rowOf(origin: TestOrigin, orderId: string): Promise<Record<string, unknown>> {
  const [row] = await origin.database.query('select * from orders where id = $1', [orderId])
  if (row === undefined) throw new Error('the order is missing')
  return row
}

/** What the outbox says of an order, in order. */
export async function told(origin: TestOrigin, orderId: string, topic: string): Promise<unknown[]> {
  const rows = await origin.database.query(
    'select payload from outbox where order_id = $1 and topic = $2 order by id',
    [orderId, topic],
  )
  return rows.map(({ payload }) => payload)
}

/** What holds of all orders at every moment: each end is told once, with its reason, and money agrees with seats. */
export async function expectLedgerInOrder(origin: TestOrigin): Promise<void> {
  const wrong = await origin.database.query(`
    select o.number, o.status, o.reason, o.captured_minor, o.refunded_minor
    from orders as o, lateral (
      select o.status in ('voided', 'cancelled', 'expired', 'failed') as closed,
        (select count(*) from outbox where order_id = o.id and topic = 'order.closed') as closed_told,
        (select count(*) from outbox where order_id = o.id and topic = 'order.paid') as paid_told,
        (select count(*) from order_items where order_id = o.id and live) as live
    ) as seen
    where closed_told <> closed::int
      or (closed and (o.reason is null or o.captured_minor > 0))
      or exists (select 1 from outbox where order_id = o.id and topic = 'order.closed'
        and (payload ->> 'reason' is distinct from o.reason or payload ->> 'outcome' <> o.status))
      or (o.status = 'paid' and paid_told <> 1) or (o.status <> 'refunded' and o.status <> 'paid' and paid_told > 0)
      or (live > 0 and o.status not in ('capturing', 'paid', 'stuck'))
      or (o.status = 'capturing' and live <> o.seat_count)
      or exists (select 1 from order_items join tickets using (order_id, seat_ordinal)
        where order_id = o.id and order_items.live <> (voided_at is null))
      or o.refunded_minor <> (select coalesce(sum(amount_minor), 0) from refunds
        where order_id = o.id and refunds.status = 'succeeded')
      or o.captured_minor < (select coalesce(sum(amount_minor), 0) from refunds where order_id = o.id)`)
  expect(wrong).toEqual([])
}

/** Nothing sold, nothing held, no fault waiting: how every test of these files begins. */
export async function freshHall(origin: TestOrigin): Promise<void> {
  await origin.settled()
  origin.payments.faults.clear()
  origin.database.gateway.faults.clear()
  origin.redis.faults.clear()
  await origin.database.query(
    'truncate orders, order_items, tickets, refunds, outbox, idempotency_keys, webhook_events cascade',
  )
  const keys = await origin.parts.redis.keys('seats:*')
  if (keys.length > 0) await origin.parts.redis.del(...keys)
  await origin.importEvent(smallEvent())
}
