// Places an order for held seats: prices from Postgres, the limit per person, and the stored answer of the Idempotency-Key
// in one transaction. Called by `POST /api/orders`. Sells nothing yet: that is the commit, after the payment. An order that
// costs nothing has no payment and begins as `authorised`.

import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { violatedConstraint, type Database } from '../../src/db/client.ts'
import { orders, type OrderedSeat } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import type { HeldSeats } from '../../src/redis/seats.ts'
import { describeSeats, type Performance } from '../catalogue.ts'
import { line } from '../plain-text.ts'
import type { KeyClaim } from './idempotency.ts'
import { newOrderId, newOrderNumber, showOrder } from './order.ts'

export const orderRequest = z
  .strictObject({
    holdId: z
      .string('must be the id of a hold')
      .regex(/^[A-Za-z0-9-]+\.[A-Za-z0-9_-]{16,64}$/, 'must be the id of a hold'),
    buyer: z.strictObject({
      name: line.trim().min(1, 'must not be empty').max(100, 'must be at most 100 characters'),
      email: z.email('must be an email address').max(254, 'must be at most 254 characters'),
    }),
    /** What a browser believes the price to be is accepted and ignored: prices come from Postgres. */
    price: z.unknown().optional(),
    total: z.unknown().optional(),
  })
  .transform(({ holdId, buyer }) => ({ holdId, buyer }))

export type OrderRequest = z.infer<typeof orderRequest>

const NUMBER_TRIES = 3

/** The answer of the 201. Throws the Problems `order_conflict` (the hold has its order) and `validation_failed` (limit). */
export async function placeOrder(
  db: Database,
  {
    request,
    hold,
    performance,
    claim,
    seatsPerBuyer,
  }: {
    request: OrderRequest
    hold: HeldSeats
    performance: Performance
    claim: KeyClaim
    seatsPerBuyer: number
  },
): Promise<ReturnType<typeof showOrder>> {
  const seats = await priceSeats(db, performance, hold.ordinals)
  const totalMinor = seats.reduce((sum, seat) => sum + seat.price + seat.fee, 0)
  const order = {
    id: newOrderId(),
    status: totalMinor === 0 ? ('authorised' as const) : ('awaiting_payment' as const),
    seats,
    totalMinor,
    refundedMinor: 0,
    currency: performance.currency,
    payBy: new Date(hold.expiresAtMs),
    failure: null,
  }
  for (let tries = 1; ; tries += 1) {
    try {
      const placed = { ...order, number: newOrderNumber() }
      const response = showOrder(placed, performance)
      const owned = await insertOrder(db, {
        ...placed,
        request,
        hold,
        performance,
        claim,
        seatsPerBuyer,
        response,
      })
      if (owned === undefined) return response
      throw new Problem('validation_failed', {
        detail: `One person may have ${seatsPerBuyer} seats of this performance; this one has ${owned} and asked for ${seats.length} more.`,
        errors: [{ field: '/holdId', message: `would exceed ${seatsPerBuyer} seats per buyer` }],
      })
    } catch (error) {
      const constraint = violatedConstraint(error)
      if (constraint === 'orders_number_unique' && tries < NUMBER_TRIES) continue
      if (constraint === 'orders_open_hold') {
        throw new Problem('order_conflict', {
          detail: 'There is an order for this hold already; pay or cancel it.',
        })
      }
      throw error
    }
  }
}

async function priceSeats(
  db: Database,
  performance: Performance,
  ordinals: readonly number[],
): Promise<OrderedSeat[]> {
  const described = await describeSeats(db, performance.id, ordinals)
  if (described.length !== ordinals.length) {
    throw new Error(`a hold at ${performance.id} names seats that the hall does not have`)
  }
  return described.map(({ id, ...seat }) => ({ ...seat, seat: id }))
}

/** `undefined` when placed; otherwise the seats that the person has already, by address or session, and nothing was written. */
async function insertOrder(
  db: Database,
  order: {
    id: string
    number: string
    status: 'awaiting_payment' | 'authorised'
    seats: readonly OrderedSeat[]
    totalMinor: number
    currency: string
    payBy: Date
    request: OrderRequest
    hold: HeldSeats
    performance: Performance
    claim: KeyClaim
    seatsPerBuyer: number
    response: object
  },
): Promise<number | undefined> {
  const { claim, hold, performance, request, seats } = order
  const buyerKey = normalizeEmail(request.buyer.email)
  const payBy = order.payBy.toISOString()
  const turns = [`${performance.id} ${buyerKey}`, `${performance.id} session ${hold.session}`]
  const [, counted] = await db.batch([
    // Orders of one person take turns, by address and by session; both in one order, so that no two wait for each other.
    // A statement of its own: the next one must see what the locks waited for.
    db.execute(sql`select pg_advisory_xact_lock(turn) from (
      select hashtextextended(name, 0) as turn from jsonb_array_elements_text(${JSON.stringify(turns)}::jsonb) as name
      order by 1) as turns`),
    db.execute<{ owned: number; placed: number }>(sql`
      with owned as (
        select coalesce(sum(seat_count - (select count(*) from order_items
          where order_id = theirs.id and not live)), 0)::int as seats from ${orders} as theirs
        where performance_id = ${performance.id} and (buyer_key = ${buyerKey} or session = ${hold.session})
          and (status in ('authorised', 'committing', 'capturing', 'paid', 'stuck')
            or (status = 'awaiting_payment' and (pay_by > now() or payment_intent is not null)))
      ), answered as (
        update idempotency_keys set response = ${JSON.stringify(order.response)}::jsonb
        where scope = ${claim.scope} and key = ${claim.key} and claim = ${claim.claim} and response is null
          and (select owned.seats from owned) + ${seats.length} <= ${order.seatsPerBuyer}
        returning 1
      ), placed as (
        insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, status,
          seats, seat_count, total_minor, currency, pay_by, retry_at, authorised_at)
        select ${order.id}, ${order.number}, ${performance.id}, ${hold.holdId}, ${hold.session},
          ${request.buyer.name}, ${request.buyer.email}, ${buyerKey}, ${order.status}, ${JSON.stringify(seats)}::jsonb,
          ${seats.length}, ${order.totalMinor}, ${order.currency}, ${payBy}::timestamptz,
          ${order.status === 'authorised' ? sql`now()` : sql`${payBy}::timestamptz`},
          ${order.status === 'authorised' ? sql`now()` : null}
        from answered
        returning 1
      )
      select owned.seats as owned, (select count(*)::int from placed) as placed from owned`),
  ])
  const [row] = counted.rows
  if (row === undefined) throw new Error('the statement that places an order answered nothing')
  if (row.placed === 1) return undefined
  if (row.owned + seats.length > order.seatsPerBuyer) return row.owned
  // The key was claimed by a repeat while this request slept past its lock; that one answers.
  throw new Problem('idempotency_in_progress', {
    detail: 'Another request with this Idempotency-Key has taken over; repeat it in a moment.',
    retryAfterSeconds: 1,
  })
}

/** One person, one key: case, a "+tag" and full-width spellings do not make another buyer. */
export function normalizeEmail(email: string): string {
  return email
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/\+[^@]*@/, '@')
}
