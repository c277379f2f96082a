// What an operator can do about an order that does not move by itself: let it try again, or decide not to sell it. Called by
// the operators' routes. Each is a compare-and-set on the state, so it may be repeated, also at once, also after a lost reply.

import { and, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { orders } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import type { Parts } from '../env.ts'
import { line } from '../plain-text.ts'
import { advanceOrder } from './advance.ts'
import { giveBackSeats } from './commit.ts'
import { later, LEFT_BEHIND_SECONDS } from './move.ts'
import type { Order } from './order.ts'
import { resumeRefunds } from './refund-move.ts'
import { carryOnRefund } from './refund-send.ts'
import { trySyncRefunds } from './refund-sync.ts'
import { refundsOf } from './refund.ts'

export const voidRequest = z.strictObject({
  reason: line.trim().min(1, 'must not be empty').max(200, 'must be at most 200 characters'),
})

/**
 * Back to the step at which the order got stuck, and on from there; its stuck refunds likewise. One that got stuck while it
 * was given up becomes `voided`, whatever it was given up for: the reason stays.
 */
export async function resumeOrder(parts: Parts, { id }: Order): Promise<void> {
  await parts.db
    .update(orders)
    .set({
      status: sql`${orders.nextStatus}`,
      nextStatus: sql`case when ${orders.nextStatus} = 'voiding' then 'voided' end`,
      attempts: 0,
      retryAt: later(LEFT_BEHIND_SECONDS),
      updatedAt: sql`now()`,
    })
    .where(
      and(
        eq(orders.id, id),
        eq(orders.status, 'stuck'),
        sql`${orders.nextStatus} is not null`,
        // One whose money is on its way back ends with that.
        sql`not exists (select 1 from refunds where order_id = ${orders.id} and status <> 'succeeded')`,
      ),
    )
  const after = await advanceOrder(parts, id)
  // What the provider knows and we do not is found only now, so that it stays to be seen and is not resumed unseen.
  if ((await resumeRefunds(parts.db, id)) > 0 && after !== undefined) await trySyncRefunds(parts, after)
  for (const { id: refund } of await refundsOf(parts.db, id)) await carryOnRefund(parts, refund)
}

/** Throws the Problem `order_conflict` where money was captured: what was paid is refunded. */
export async function voidOrder(parts: Parts, order: Order, reason: string): Promise<void> {
  switch (order.status) {
    case 'awaiting_payment':
    case 'authorised':
    case 'committing':
    case 'stuck':
      if (await isCaptured(parts, order)) throw captured(order)
      await giveBackSeats(parts.db, order.id, {
        from: order.status,
        to: 'voiding',
        reason,
        failure: 'voided_by_operator',
      })
      break
    case 'capturing':
      throw new Problem('order_conflict', {
        detail: `Order ${order.number} is being captured: refund it when it is paid, or void it when it is stuck.`,
        extensions: { orderStatus: order.status },
      })
    case 'paid':
    case 'refunded':
      throw captured(order)
    case 'voiding':
    case 'voided':
    case 'cancelled':
    case 'expired':
    case 'failed':
      break
  }
  await advanceOrder(parts, order.id)
}

async function isCaptured({ payments }: Parts, { paymentIntent }: Order): Promise<boolean> {
  if (paymentIntent === null) return false
  return (await payments.paymentIntents.retrieve(paymentIntent)).amount_received > 0
}

const captured = ({ number, status }: Order): Problem =>
  new Problem('order_conflict', {
    detail: `Money was captured for order ${number}: give it back with POST /api/admin/orders/${number}/refunds.`,
    extensions: { orderStatus: status },
  })
