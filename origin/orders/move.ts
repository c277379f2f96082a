// Transitions of an order: compare-and-set in Postgres, so that of two who decide at once exactly one has decided.
// Called by the saga; tells nobody. Each returns whether this call moved the order; a repeat after a lost reply does not.

import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { orders, type OrderStatus } from '../../src/db/orders.ts'
import type { Order } from './order.ts'

/** A moved order that nobody carries on by itself is found by cron after this time. */
const LEFT_BEHIND_SECONDS = 30
/** First wait after a failed step; doubles up to the longest. */
const RETRY_SECONDS = 30
const RETRY_MOST_SECONDS = 3_600
/** About five hours of failures; then a person is asked. */
const ATTEMPTS_LIMIT = 12

const later = (seconds: number) => sql`now() + ${seconds} * interval '1 second'`

type Changes = Partial<Pick<Order, 'failure' | 'nextStatus'>>

export async function moveOrder(
  db: Database,
  { id, from, to }: { id: string; from: OrderStatus; to: OrderStatus },
  changes: Changes = {},
): Promise<boolean> {
  const moved = await db
    .update(orders)
    .set({
      ...changes,
      status: to,
      attempts: 0,
      retryAt: later(LEFT_BEHIND_SECONDS),
      updatedAt: sql`now()`,
    })
    .where(and(eq(orders.id, id), eq(orders.status, from)))
    .returning({ id: orders.id })
  return moved.length === 1
}

/**
 * Gives up an order that nobody has paid: at once where no payment was ever begun, through `voiding` otherwise, since
 * the provider may be authorising it at this moment.
 */
export async function closeUnpaid(
  db: Database,
  id: string,
  to: 'expired' | 'cancelled' | 'failed',
): Promise<boolean> {
  const closed = await db
    .update(orders)
    .set({
      status: sql`case when ${orders.paymentIntent} is null then ${to} else 'voiding' end`,
      nextStatus: to,
      attempts: 0,
      retryAt: later(LEFT_BEHIND_SECONDS),
      updatedAt: sql`now()`,
    })
    .where(and(eq(orders.id, id), eq(orders.status, 'awaiting_payment')))
    .returning({ id: orders.id })
  return closed.length === 1
}

/** Looked at again by cron after some seconds; nothing else changes. */
export async function restOrder(db: Database, order: Order, seconds: number): Promise<void> {
  await db
    .update(orders)
    .set({ retryAt: later(seconds) })
    .where(and(eq(orders.id, order.id), eq(orders.status, order.status)))
}

/** Counts a failed step and sets the next try; at the limit the order is `stuck` and waits for a person. */
export async function recordFailure(db: Database, order: Order): Promise<void> {
  const attempts = order.attempts + 1
  const stuck = attempts >= ATTEMPTS_LIMIT
  await db
    .update(orders)
    .set({
      attempts,
      retryAt: later(Math.min(RETRY_SECONDS * 2 ** order.attempts, RETRY_MOST_SECONDS)),
      updatedAt: sql`now()`,
      ...(stuck && { status: 'stuck' as const, nextStatus: order.status }),
    })
    .where(and(eq(orders.id, order.id), eq(orders.status, order.status), eq(orders.attempts, order.attempts)))
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
