// The cron floor of the origin: carries on orders that were left mid-way or whose time to pay is over, nudges the
// outbox, forgets old keys and events. Called by `scheduled`; every run is bounded, and a second run at once does no harm.

import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm'
import { orders } from '../../src/db/orders.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { forgetHandled } from '../outbox/forget.ts'
import { countRepairs, type Repairs } from '../reconcile/repairs.ts'
import { advanceOrder } from './advance.ts'
import { tellOthers } from './tell-others.ts'

const ORDERS_A_RUN = 100
/** Workers have 6 outgoing connections at once. */
const AT_ONCE = 4
const FORGET_ROWS = 1_000
const UNFINISHED = ['awaiting_payment', 'authorised', 'committing', 'capturing', 'voiding'] as const

/** The number of orders looked at. One that fails is logged and does not stop the others. */
export async function sweep(parts: Parts): Promise<number> {
  const due = await parts.db
    .select({ id: orders.id, number: orders.number, status: orders.status })
    .from(orders)
    .where(and(inArray(orders.status, [...UNFINISHED]), lte(orders.retryAt, sql`now()`)))
    .orderBy(asc(orders.retryAt))
    .limit(ORDERS_A_RUN)
  const queue = due.values()
  const found = { order_carried_on: 0, payment_found: 0 } satisfies Repairs
  const worker = async () => {
    for (const { id, number, status } of queue) {
      try {
        const after = await advanceOrder(parts, id, { quiet: true })
        if (after === undefined || after.status === status) continue
        if (status !== 'awaiting_payment') found.order_carried_on += 1
        // No event and no return has told of it. One that nobody has paid ends here by right.
        else if (after.authorisedAt !== null) found.payment_found += 1
      } catch (error) {
        logError('an order could not be carried on', error, { order: number })
        await setAside(parts, id)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  tellOthers(parts)
  await countRepairs(parts.db, found)
  await forget(parts)
  return due.length
}

/** An order that fails in an unforeseen way must not hold up the head of every run. */
async function setAside({ db }: Parts, id: string): Promise<void> {
  await db
    .update(orders)
    .set({ retryAt: sql`greatest(${orders.retryAt}, now() + interval '1 minute')` })
    .where(eq(orders.id, id))
}

/** Keys after two days, the provider's events after thirty: it repeats them for three. */
async function forget({ db }: Parts): Promise<void> {
  await db.execute(sql`
    delete from idempotency_keys where ctid in (
      select ctid from idempotency_keys where created_at < now() - interval '2 days' limit ${FORGET_ROWS})`)
  await db.execute(sql`
    delete from webhook_events where ctid in (
      select ctid from webhook_events where received_at < now() - interval '30 days' limit ${FORGET_ROWS})`)
  await forgetHandled(db)
}
