// Cancels an order that nobody has paid, and gives its seats back: asked for by its link, or by giving back its hold.
// Called by the routes of orders and holds. An order whose money is authorised is the saga's alone and is refused.

import { and, eq, notInArray } from 'drizzle-orm'
import { orders } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import type { Parts } from '../env.ts'
import { advanceOrder } from './advance.ts'
import { closeUnpaid } from './move.ts'
import { requireOrder, type Order } from './order.ts'
import { returnHold } from './return-hold.ts'
import { tellOthers } from './tell-others.ts'

/** Decided not to sell: nothing can be paid any more. */
const CLOSED = ['voiding', 'voided', 'cancelled', 'expired', 'failed', 'refunded'] as const

type Reason = 'cancelled_by_buyer' | 'hold_given_back'

/** The cancelled order, also when it was cancelled before. Throws the Problem `order_conflict` for any other state. */
export async function cancelOrder(
  parts: Parts,
  id: string,
  { reason = 'cancelled_by_buyer' }: { reason?: Reason } = {},
): Promise<Order> {
  const cancelled = await closeUnpaid(parts.db, id, { to: 'cancelled', reason })
  const order = (await advanceOrder(parts, id)) ?? (await requireOrder(parts.db, id))
  // An order without a payment is closed at once, so no step of the saga gives its seats back.
  if (cancelled) {
    await returnHold(parts, order)
    tellOthers(parts)
  }
  if (cancelled || order.status === 'cancelled') return order
  throw new Problem('order_conflict', {
    detail: `The order is ${order.status}; only an order that awaits its payment can be cancelled.`,
    extensions: { orderStatus: order.status },
  })
}

/** Cancels the open order of the session's hold, if there is one. Throws the Problem `order_conflict` as above. */
export async function cancelOrderOfHold(
  parts: Parts,
  { holdId, session }: { holdId: string; session: string },
): Promise<void> {
  const [open] = await parts.db
    .select({ id: orders.id })
    .from(orders)
    .where(
      and(eq(orders.holdId, holdId), eq(orders.session, session), notInArray(orders.status, [...CLOSED])),
    )
  if (open !== undefined) await cancelOrder(parts, open.id, { reason: 'hold_given_back' })
}
