// Tables of what is sold: orders and their saga, sold seats, tickets, and the records that make steps repeatable
// (idempotency keys, provider events, outbox). The unique index `order_items_live_seat` is the last word on every seat.

import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { instant, performances } from './halls.ts'

export const ORDER_STATUSES = [
  'awaiting_payment',
  'authorised',
  'committing',
  'capturing',
  'paid',
  'voiding',
  'voided',
  'cancelled',
  'expired',
  'failed',
  'stuck',
] as const
export type OrderStatus = (typeof ORDER_STATUSES)[number]

/** A seat as it was offered when the order was placed; prices do not change afterwards. Minor units. */
export interface OrderedSeat {
  readonly ordinal: number
  readonly seat: string
  readonly section: string
  readonly row: string
  readonly label: string
  readonly tier: string
  readonly price: number
  readonly fee: number
}

export const orders = pgTable(
  'orders',
  {
    /** 160 random bits: whoever knows it may see the order. Never in a log. */
    id: text('id').primaryKey(),
    /** For people and bank statements; opens nothing. */
    number: text('number').notNull().unique(),
    performanceId: text('performance_id')
      .notNull()
      .references(() => performances.id),
    holdId: text('hold_id').notNull(),
    /** Admission session that placed the order and owns the hold. */
    session: text('session').notNull(),
    buyerName: text('buyer_name').notNull(),
    buyerEmail: text('buyer_email').notNull(),
    /** The address in the form by which limits per person count. */
    buyerKey: text('buyer_key').notNull(),
    status: text('status', { enum: ORDER_STATUSES }).notNull().default('awaiting_payment'),
    /** Sorted by ordinal. */
    seats: jsonb('seats').$type<readonly OrderedSeat[]>().notNull(),
    seatCount: integer('seat_count').notNull(),
    totalMinor: integer('total_minor').notNull(),
    currency: text('currency').notNull(),
    payBy: instant('pay_by').notNull(),
    paymentIntent: text('payment_intent').unique(),
    /** Part of the provider's idempotency key; rises when an intent is past use. */
    paymentAttempt: integer('payment_attempt').notNull().default(1),
    /** Code of the last refusal by the buyer's bank, for the buyer to read. */
    failure: text('failure'),
    /** Where `voiding` leads, or what `stuck` was doing. */
    nextStatus: text('next_status', { enum: ORDER_STATUSES }),
    /** Failures of the step that the order stands at; back to 0 when it moves. */
    attempts: integer('attempts').notNull().default(0),
    /** Not before this time by itself; webhooks and returns do not wait. */
    retryAt: instant('retry_at').notNull().defaultNow(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    // One order a hold, unless the earlier one came to nothing.
    uniqueIndex('orders_open_hold')
      .on(t.holdId)
      .where(sql`status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'paid', 'stuck')`),
    index('orders_buyer').on(t.performanceId, t.buyerKey),
    index('orders_unfinished')
      .on(t.retryAt)
      .where(sql`status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'voiding')`),
  ],
)

/** Sold seats. `live` is false once a seat has been given back. */
export const orderItems = pgTable(
  'order_items',
  {
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    performanceId: text('performance_id').notNull(),
    seatOrdinal: integer('seat_ordinal').notNull(),
    priceMinor: integer('price_minor').notNull(),
    feeMinor: integer('fee_minor').notNull(),
    live: boolean('live').notNull().default(true),
  },
  (t) => [
    primaryKey({ columns: [t.orderId, t.seatOrdinal] }),
    uniqueIndex('order_items_live_seat')
      .on(t.performanceId, t.seatOrdinal)
      .where(sql`live`),
  ],
)

export const tickets = pgTable(
  'tickets',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    performanceId: text('performance_id').notNull(),
    seatOrdinal: integer('seat_ordinal').notNull(),
    issuedAt: instant('issued_at').notNull().defaultNow(),
    /** Entry at the door; set once. */
    usedAt: instant('used_at'),
    /** No longer good for entry. */
    voidedAt: instant('voided_at'),
  },
  (t) => [uniqueIndex('tickets_order_seat').on(t.orderId, t.seatOrdinal)],
)

export const OUTBOX_TOPICS = ['seats.sold', 'seats.freed', 'order.paid'] as const

/** What the rest of the system must hear, written by the statement that made it true. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    topic: text('topic', { enum: OUTBOX_TOPICS }).notNull(),
    orderId: text('order_id').notNull(),
    performanceId: text('performance_id').notNull(),
    payload: jsonb('payload').$type<Readonly<Record<string, unknown>>>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    publishedAt: instant('published_at'),
  },
  (t) => [
    index('outbox_unpublished')
      .on(t.id)
      .where(sql`published_at is null`),
  ],
)

/** The provider's events, kept for longer than it repeats them (three days). */
export const webhookEvents = pgTable('webhook_events', {
  id: text('id').primaryKey(),
  type: text('type').notNull(),
  receivedAt: instant('received_at').notNull().defaultNow(),
  /** Null while it is being handled, or where handling failed: then the provider's repeat is handled again. */
  handledAt: instant('handled_at'),
})

/** An Idempotency-Key of one session, and the answer once there is one. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    scope: text('scope').notNull(),
    key: text('key').notNull(),
    requestHash: text('request_hash').notNull(),
    /** Whoever answers; a request that died is replaced after `lockedUntil`. */
    claim: uuid('claim').notNull(),
    lockedUntil: instant('locked_until').notNull(),
    response: jsonb('response').$type<Readonly<Record<string, unknown>>>(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.key] })],
)
