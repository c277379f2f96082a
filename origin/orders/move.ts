// Transitions of an order: compare-and-set in Postgres, so that of two who decide at once exactly one has decided.
// Called by the saga, by `pay`, `cancel` and operators. Each returns whether this call moved the order; a repeat after a
// lost reply does not. An order that comes to rest without a sale tells so in the same statement.

import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { orders, type OrderStatus } from '../../src/db/orders.ts'
import type { Order } from './order.ts'
import { tellClosed } from './outbox-rows.ts'

/** A moved order that nobody carries on by itself is found by cron after this time. */
export const LEFT_BEHIND_SECONDS = 30
/** First wait after a failed step; doubles up to the longest. */
const RETRY_SECONDS = 30
const RETRY_MOST_SECONDS = 3_600
/** About five hours of failures; then a person is asked. */
export const ATTEMPTS_LIMIT = 12

export const later = (seconds: number) => sql`now() + ${seconds} * interval '1 second'`

/** Seconds until a step that has failed `attempts` times before is tried again. */
export const retrySeconds = (attempts: number): number =>
  Math.min(RETRY_SECONDS * 2 ** attempts, RETRY_MOST_SECONDS)

/** States in which nothing is left to do, told to others by the statement that reaches them. */
type Rest = 'paid' | 'refunded' | 'voided' | 'cancelled' | 'expired' | 'failed'

/** What is left out stays as it was. `reason`: why there will be no sale. */
type Changes = Partial<Pick<Order, 'failure' | 'nextStatus' | 'reason' | 'authorisedAt'>>

/** From one state of work to another: the order as this call moved it, `undefined` where another call was first. */
export async function moveOrder(
  db: Database,
  { id, from, to }: { id: string; from: OrderStatus; to: Exclude<OrderStatus, Rest> },
  changes: Changes = {},
): Promise<Order | undefined> {
  const [moved] = await db
    .update(orders)
    .set({ ...changes, status: to, attempts: 0, retryAt: later(LEFT_BEHIND_SECONDS), updatedAt: sql`now()` })
    .where(and(eq(orders.id, id), eq(orders.status, from)))
    .returning()
  return moved
}

/** To rest without a sale, which it tells. Answers whether this call did it. */
export async function closeOrder(
  db: Database,
  { id, from, to }: { id: string; from: OrderStatus; to: OrderStatus },
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = ${to}, attempts = 0, updated_at = now(),
        retry_at = now() + ${LEFT_BEHIND_SECONDS} * interval '1 second'
      where id = ${id} and status = ${from}
      returning id, number, performance_id, status, reason
    ), told as (${tellClosed})
    select id from moved`)
  return rows.length === 1
}

/**
 * Gives up an order that nobody has paid: at once where no payment was ever begun, through `voiding` otherwise, since
 * the provider may be authorising it at this moment.
 */
export async function closeUnpaid(
  db: Database,
  id: string,
  { to, reason }: { to: 'expired' | 'cancelled' | 'failed'; reason: string },
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = case when payment_intent is null then ${to} else 'voiding' end,
        next_status = ${to}, reason = ${reason}, attempts = 0, updated_at = now(),
        retry_at = now() + ${LEFT_BEHIND_SECONDS} * interval '1 second'
      where id = ${id} and status = 'awaiting_payment'
      returning id, number, performance_id, status, reason
    ), told as (${tellClosed})
    select id from moved`)
  return rows.length === 1
}

/** Looked at again by cron after some seconds; nothing else changes. */
export async function restOrder(db: Database, order: Order, seconds: number): Promise<void> {
  await db
    .update(orders)
    .set({ retryAt: later(seconds) })
    .where(and(eq(orders.id, order.id), eq(orders.status, order.status)))
}

/**
 * Counts a failed step and sets the next try, after `seconds` or by the usual schedule; at the limit the order is `stuck`
 * and waits for a person.
 */
export async function recordFailure(
  db: Database,
  order: Order,
  { seconds = retrySeconds(order.attempts) }: { seconds?: number } = {},
): Promise<'again' | 'stuck'> {
  const attempts = order.attempts + 1
  const stuck = attempts >= ATTEMPTS_LIMIT
  await db
    .update(orders)
    .set({
      attempts,
      retryAt: later(seconds),
      updatedAt: sql`now()`,
      ...(stuck && { status: 'stuck' as const, nextStatus: order.status }),
    })
    .where(and(eq(orders.id, order.id), eq(orders.status, order.status), eq(orders.attempts, order.attempts)))
  return stuck ? 'stuck' : 'again'
}

/** Keeps what the bank said for the buyer to read; `newIntent` forgets an intent that is past use. */
export async function noteAttempt(
  db: Database,
  order: Order,
  failure: string | null,
  { newIntent = false }: { newIntent?: boolean } = {},
): Promise<void> {
  if (!newIntent && failure === order.failure) return
  await db
    .update(orders)
    .set({
      failure,
      updatedAt: sql`now()`,
      ...(newIntent && {
        paymentIntent: null,
        paymentAttempt: order.paymentAttempt + 1,
        retryAt: order.payBy,
      }),
    })
    .where(
      and(
        eq(orders.id, order.id),
        eq(orders.status, 'awaiting_payment'),
        eq(orders.paymentAttempt, order.paymentAttempt),
      ),
    )
}
