// The decision to give money back, as one transaction: seats for sale again, tickets void, the refund's row, the outbox and
// the stored answer of the Idempotency-Key. Called by the operators' route; the provider hears of it in `refund-send.ts`.
// Refunds of one order take turns on its row, so no seat is given back twice and never more money than was taken.

import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../src/db/client.ts'
import { Problem } from '../../src/problem.ts'
import type { Parts } from '../env.ts'
import { line } from '../plain-text.ts'
import type { KeyClaim } from './idempotency.ts'
import type { Order } from './order.ts'
import { tellFreed } from './outbox-rows.ts'

export const refundRequest = z.strictObject({
  /** Ids of seats; without it, every seat that the order still has. */
  seats: z
    .array(z.string().min(1).max(100))
    .min(1, 'must name at least one seat')
    .max(100, 'must name at most 100 seats')
    .refine((ids) => new Set(ids).size === ids.length, 'must name each seat once')
    .optional(),
  reason: line.trim().min(1, 'must not be empty').max(200, 'must be at most 200 characters'),
  /** False keeps the fees. */
  fees: z.boolean().default(true),
  /** True refunds tickets that have been used at the door as well. */
  used: z.boolean().default(false),
})
export type RefundRequest = z.infer<typeof refundRequest>

interface Verdict extends Record<string, unknown> {
  readonly made: string | null
  readonly status: Order['status'] | null
  readonly claimed: boolean
  /** Ordinals. */
  readonly chosen: readonly number[]
  readonly used: readonly number[]
}

/** The id of the refund. Throws the Problems `order_conflict`, `tickets_used`, `validation_failed`, `idempotency_in_progress`. */
export async function requestRefund(
  parts: Parts,
  order: Order,
  { request, claim }: { request: RefundRequest; claim: KeyClaim },
): Promise<string> {
  const ordinals = request.seats === undefined ? null : ordinalsOf(order, request.seats)
  const capturedMinor = order.status === 'stuck' ? await capturedElsewhere(parts, order, ordinals) : 0
  const verdict = await decide(parts.db, order, { request, claim, ordinals, capturedMinor })
  if (verdict.made !== null) return verdict.made
  throw refusalOf(order, verdict, ordinals)
}

function ordinalsOf(order: Order, ids: readonly string[]): number[] {
  const ordinals = new Map(order.seats.map(({ seat, ordinal }) => [seat, ordinal]))
  const unknown = ids.filter((id) => !ordinals.has(id))
  if (unknown.length === 0) return ids.flatMap((id) => ordinals.get(id) ?? [])
  throw new Problem('validation_failed', {
    detail: `The order has no seat ${unknown.join(', ')}.`,
    errors: unknown.map((id) => ({
      field: `/seats/${ids.indexOf(id)}`,
      message: `"${id}" is not a seat of this order`,
    })),
  })
}

/** What the provider took for an order that waits for a person: given back as a whole or not at all. */
async function capturedElsewhere(
  { payments }: Parts,
  order: Order,
  ordinals: readonly number[] | null,
): Promise<number> {
  if (ordinals !== null) throw conflict(order, 'is stuck: it can be refunded as a whole, or resumed first.')
  const intent =
    order.paymentIntent === null ? undefined : await payments.paymentIntents.retrieve(order.paymentIntent)
  if (intent === undefined || intent.amount_received === 0) {
    throw conflict(order, 'is stuck and nothing was captured: void it.')
  }
  return intent.amount_received
}

async function decide(
  db: Database,
  order: Order,
  {
    request,
    claim,
    ordinals,
    capturedMinor,
  }: { request: RefundRequest; claim: KeyClaim; ordinals: readonly number[] | null; capturedMinor: number },
): Promise<Verdict> {
  const asked =
    ordinals === null
      ? sql`true`
      : sql`seat_ordinal in (${sql.join(
          ordinals.map((one) => sql`${one}`),
          sql`, `,
        )})`
  const [, , answered] = await db.batch([
    // Locks, in statements of their own: the last one must see what they waited for. A door that scans waits as well.
    db.execute(sql`
      update orders set captured_minor = greatest(captured_minor, case when status = 'stuck' then ${capturedMinor} else 0 end)
      where id = ${order.id}`),
    db.execute(sql`select 1 from tickets where order_id = ${order.id} order by seat_ordinal for update`),
    db.execute<Verdict>(sql`
      with claimed as (
        select 1 from idempotency_keys
        where scope = ${claim.scope} and key = ${claim.key} and claim = ${claim.claim} and response is null
      ), target as (
        select orders.*, captured_minor - (select coalesce(sum(amount_minor), 0)::int from refunds
          where order_id = orders.id) as left_minor
        from orders where id = ${order.id} and status in ('paid', 'stuck')
      ), chosen as (
        select seat_ordinal, price_minor + case when ${request.fees} then fee_minor else 0 end as amount,
          exists (select 1 from tickets where tickets.order_id = order_items.order_id
            and tickets.seat_ordinal = order_items.seat_ordinal and used_at is not null) as used
        from order_items where order_id = ${order.id} and live and ${asked}
      ), made as (
        insert into refunds (order_id, amount_minor, seats, reason)
        select id, case when status = 'stuck' then left_minor
            else least(left_minor, (select sum(amount) from chosen)::int) end,
          coalesce((select jsonb_agg(seat_ordinal order by seat_ordinal) from chosen), '[]'::jsonb), ${request.reason}
        from target
        where exists (select 1 from claimed)
          and (${request.used} or not exists (select 1 from chosen where used))
          and case when status = 'stuck' then left_minor > 0
            else (select count(*) from chosen) = ${ordinals?.length ?? sql`greatest(1, (select count(*) from chosen))`} end
        returning id, order_id
      ), moved as (
        select target.* from target join made on made.order_id = target.id
      ), freed as (
        update order_items set live = false from made
        where order_items.order_id = made.order_id and seat_ordinal in (select seat_ordinal from chosen)
        returning seat_ordinal
      ), voided as (
        update tickets set voided_at = now() from made
        where tickets.order_id = made.order_id and seat_ordinal in (select seat_ordinal from chosen) and voided_at is null
      ), told as (${tellFreed}), answered as (
        update idempotency_keys set response = jsonb_build_object('refundId', made.id) from made
        where scope = ${claim.scope} and key = ${claim.key} and claim = ${claim.claim}
      )
      select (select id from made) as made, (select status from target) as status,
        exists (select 1 from claimed) as claimed,
        coalesce((select jsonb_agg(seat_ordinal order by seat_ordinal) from chosen), '[]'::jsonb) as chosen,
        coalesce((select jsonb_agg(seat_ordinal order by seat_ordinal) from chosen where used), '[]'::jsonb) as used`),
  ])
  const [verdict] = answered.rows
  if (verdict === undefined) throw new Error('the statement that refunds answered nothing')
  return verdict
}

function refusalOf(order: Order, verdict: Verdict, ordinals: readonly number[] | null): Problem {
  const name = (ordinal: number) =>
    order.seats.find((seat) => seat.ordinal === ordinal)?.seat ?? `#${ordinal}`
  if (!verdict.claimed) {
    return new Problem('idempotency_in_progress', {
      detail: 'Another request with this Idempotency-Key has taken over; repeat it in a moment.',
      retryAfterSeconds: 1,
    })
  }
  if (verdict.status === null) {
    return conflict(order, 'cannot be refunded: only what was paid can. An order that is not paid is voided.')
  }
  if (verdict.used.length > 0) {
    return new Problem('tickets_used', {
      detail: 'Some of these tickets have been used at the door; to refund them as well, send "used": true.',
      extensions: { seats: verdict.used.map(name) },
    })
  }
  const gone = (ordinals ?? []).filter((ordinal) => !verdict.chosen.includes(ordinal)).map(name)
  return conflict(
    order,
    gone.length === 0 ? 'has nothing left to refund.' : `gave back ${gone.join(', ')} before.`,
  )
}

const conflict = ({ number, status }: Order, what: string): Problem =>
  new Problem('order_conflict', { detail: `Order ${number} ${what}`, extensions: { orderStatus: status } })
