// A hold that takes the place of another: what happens to an order that is open for the other. Called around the taking.
//
// The script comes between the two steps, and the cancelling last: where the new seats cannot be had, hold and order stay as
// they were. Whoever pays at that very moment gets what they pay for or their money back, as after any hold that has ended.
// A repeat after a lost reply finds the new hold and cancels again.

import { and, eq, inArray } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { orders } from '../src/db/orders.ts'
import { Problem } from '../src/problem.ts'
import { performanceOfHold } from './admission.ts'
import type { Parts } from './env.ts'
import { cancelOrderOfHold } from './orders/cancel.ts'

interface Replaced {
  readonly holdId: string
  readonly session: string
}

/** The money is on its way: the seats are the order's. One that is paid has none of them as a hold any more. */
const BEING_PAID = ['authorised', 'committing', 'capturing', 'stuck'] as const

/** Throws the Problem `order_conflict` where the seats of the earlier hold are being paid for. */
export async function refuseWhilePaid(db: Database, { holdId, session }: Replaced): Promise<void> {
  const [order] = await db
    .select({ status: orders.status })
    .from(orders)
    .where(
      and(eq(orders.holdId, holdId), eq(orders.session, session), inArray(orders.status, [...BEING_PAID])),
    )
  if (order === undefined) return
  throw new Problem('order_conflict', {
    detail: `The order for the earlier hold is ${order.status}; its seats cannot be exchanged now.`,
    extensions: { orderStatus: order.status },
  })
}

/** Cancels the order that awaits its payment. One that was paid meanwhile goes its own way. */
export async function cancelReplaced(parts: Parts, replaced: Replaced): Promise<void> {
  try {
    await cancelOrderOfHold(parts, replaced)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'order_conflict') throw error
  }
}

/** Throws the Problem `validation_failed` for what is no id of a hold of this performance. */
export function checkReplaces(performanceId: string, holdId: string): void {
  if (performanceOfHold(holdId) === performanceId) return
  throw new Problem('validation_failed', {
    detail: 'Only a hold of the same performance can be replaced.',
    errors: [{ field: '/replaces', message: 'must be the id of a hold of this performance' }],
  })
}
