// A refund as it is read from Postgres and as operators see it. Called by the refunds' other files and by the routes;
// changes nothing.

import { asc, eq } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { refunds } from '../../src/db/orders.ts'
import { msToRfc3339 } from '../../src/time.ts'
import type { Order } from './order.ts'

export type Refund = typeof refunds.$inferSelect

export async function findRefund(db: Database, id: string): Promise<Refund | undefined> {
  const [refund] = await db.select().from(refunds).where(eq(refunds.id, id))
  return refund
}

/** Oldest first. */
export const refundsOf = (db: Database, orderId: string): Promise<Refund[]> =>
  db.select().from(refunds).where(eq(refunds.orderId, orderId)).orderBy(asc(refunds.createdAt))

/** Amount in minor units; seats by their ids. */
export function showRefund(refund: Refund, order: Order) {
  const ids = new Map(order.seats.map(({ ordinal, seat }) => [ordinal, seat]))
  return {
    refundId: refund.id,
    number: order.number,
    amount: refund.amountMinor,
    currency: order.currency,
    seats: refund.seats.map((ordinal) => ids.get(ordinal) ?? `#${ordinal}`),
    reason: refund.reason,
    status: refund.status,
    failure: refund.failure,
    attempts: refund.attempts,
    providerRefund: refund.providerRefund,
    createdAt: msToRfc3339(refund.createdAt.getTime()),
    updatedAt: msToRfc3339(refund.updatedAt.getTime()),
  }
}
