// What becomes of a refund in Postgres: succeeded, tried later, stuck, or failed after it had succeeded. Called by
// `refund-send.ts`, `refund-sync.ts` and operators. Each is guarded by the state that it changes, so a repeat changes nothing.

import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { refunds } from '../../src/db/orders.ts'
import { ATTEMPTS_LIMIT, later, retrySeconds } from './move.ts'
import type { Refund } from './refund.ts'

/** Answers of the provider against a refund; an outage is waited for longer. */
const REFUSALS_LIMIT = 3

const lockOrder = (db: Database, orderId: string) =>
  db.execute(sql`select 1 from orders where id = ${orderId} for no key update`)

/**
 * The money is on its way: counted at the order, told to others, and the order is `refunded` once nothing of it is left.
 * In a statement after the lock, so that of two refunds that end at once the later sees the earlier.
 */
export async function completeRefund(
  db: Database,
  refund: Refund,
  { providerRefund }: { providerRefund: string | null },
): Promise<boolean> {
  const [, completed] = await db.batch([
    lockOrder(db, refund.orderId),
    db.execute(sql`
      with done as (
        update refunds set status = 'succeeded', provider_refund = coalesce(${providerRefund}, provider_refund),
          failure = case when amount_minor = 0 then failure end, attempts = 0, updated_at = now()
        where id = ${refund.id} and status <> 'succeeded'
        returning id, order_id, amount_minor, seats, reason
      ), rest as (
        select exists (select 1 from order_items where order_id = ${refund.orderId} and live)
          or exists (select 1 from refunds where order_id = ${refund.orderId} and id <> ${refund.id}
            and status <> 'succeeded') as left_over
      ), moved as (
        update orders set refunded_minor = refunded_minor + done.amount_minor, updated_at = now(),
          status = case when rest.left_over then status else 'refunded' end,
          attempts = case when rest.left_over then attempts else 0 end
        from done, rest where orders.id = done.order_id
        returning orders.id, number, orders.performance_id, currency, not rest.left_over as whole,
          done.id as refund, done.amount_minor, done.seats, done.reason
      ), told as (
        insert into outbox (topic, order_id, performance_id, payload)
        select 'order.refunded', moved.id, moved.performance_id, jsonb_build_object('number', moved.number,
          'event', performances.event_id, 'amount', moved.amount_minor, 'currency', moved.currency,
          'seats', moved.seats, 'refund', moved.refund, 'reason', moved.reason, 'whole', moved.whole)
        from moved join performances on performances.id = moved.performance_id
      )
      select id from moved`),
  ])
  return completed.rows.length === 1
}

/** The provider has it and the bank is slow; looked at again after some seconds. */
export async function restRefund(
  db: Database,
  refund: Refund,
  { providerRefund, seconds }: { providerRefund: string; seconds: number },
): Promise<void> {
  await db
    .update(refunds)
    .set({ providerRefund, attempts: 0, failure: null, retryAt: later(seconds), updatedAt: sql`now()` })
    .where(and(eq(refunds.id, refund.id), eq(refunds.status, 'requested')))
}

/** The provider could not be asked. At the limit the refund waits for a person. */
export async function noteOutage(db: Database, refund: Refund, failure: string): Promise<void> {
  const attempts = refund.attempts + 1
  await db
    .update(refunds)
    .set({
      attempts,
      failure,
      retryAt: later(retrySeconds(refund.attempts)),
      updatedAt: sql`now()`,
      ...(attempts >= ATTEMPTS_LIMIT && { status: 'stuck' as const }),
    })
    .where(unchanged(refund))
}

/** The provider answered that it will not: the next try is another request to it, under another key. */
export async function noteRefusal(db: Database, refund: Refund, failure: string): Promise<void> {
  const refusals = refund.refusals + 1
  await db
    .update(refunds)
    .set({
      refusals,
      failure,
      providerRefund: null,
      retryAt: later(retrySeconds(refund.refusals)),
      updatedAt: sql`now()`,
      ...(refusals % REFUSALS_LIMIT === 0 && { status: 'stuck' as const }),
    })
    .where(unchanged(refund))
}

/**
 * Where all refunds of the order, ours and others', together are more than was captured, this one becomes what is left, down
 * to 0, and may be tried at once under another key. False where it fits, or has moved meanwhile.
 */
export async function cutRefund(db: Database, refund: Refund, failure: string): Promise<boolean> {
  const [, cut] = await db.batch([
    lockOrder(db, refund.orderId),
    db.execute(sql`
      with rest as (
        select greatest(0, captured_minor - (select coalesce(sum(amount_minor), 0)::int from refunds
          where order_id = orders.id and id <> ${refund.id})) as left_minor
        from orders where id = ${refund.orderId}
      )
      update refunds set amount_minor = rest.left_minor, refusals = refusals + 1, failure = ${failure},
        provider_refund = null, retry_at = now(), updated_at = now()
      from rest where refunds.id = ${refund.id} and status = 'requested' and attempts = ${refund.attempts}
        and refusals = ${refund.refusals} and amount_minor > rest.left_minor
      returning refunds.id`),
  ])
  return cut.rows.length === 1
}

const unchanged = ({ id, attempts, refusals }: Refund) =>
  and(
    eq(refunds.id, id),
    eq(refunds.status, 'requested'),
    eq(refunds.attempts, attempts),
    eq(refunds.refusals, refusals),
  )

/** The bank sent the money back after all (a closed card, say): it is not with the buyer, and a person is asked. */
export async function reopenRefund(db: Database, refund: Refund, failure: string): Promise<boolean> {
  const [, opened] = await db.batch([
    lockOrder(db, refund.orderId),
    db.execute(sql`
      with opened as (
        update refunds set status = 'stuck', failure = ${failure}, refusals = refusals + 1, provider_refund = null,
          updated_at = now()
        where id = ${refund.id} and status = 'succeeded'
        returning order_id, amount_minor
      )
      update orders set refunded_minor = refunded_minor - opened.amount_minor, updated_at = now()
      from opened where orders.id = opened.order_id returning orders.id`),
  ])
  return opened.rows.length === 1
}

/** One that was not ours and failed: the money never left, so the row stays to be seen and counts nothing. */
export async function forgetRefund(db: Database, refund: Refund): Promise<void> {
  await db.batch([
    lockOrder(db, refund.orderId),
    db.execute(sql`
      with before as (
        select id, order_id, case when status = 'succeeded' then amount_minor else 0 end as counted
        from refunds where id = ${refund.id} and amount_minor > 0
      ), forgotten as (
        update refunds set amount_minor = 0, status = 'succeeded', failure = 'failed_at_provider', updated_at = now()
        from before where refunds.id = before.id
      )
      update orders set refunded_minor = refunded_minor - before.counted, updated_at = now()
      from before where orders.id = before.order_id`),
  ])
}

/** Lets the stuck refunds of an order be tried again; the number of them. */
export async function resumeRefunds(db: Database, orderId: string): Promise<number> {
  const resumed = await db
    .update(refunds)
    .set({ status: 'requested', attempts: 0, retryAt: sql`now()`, updatedAt: sql`now()` })
    .where(and(eq(refunds.orderId, orderId), eq(refunds.status, 'stuck')))
    .returning({ id: refunds.id })
  return resumed.length
}
