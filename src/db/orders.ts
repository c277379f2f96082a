// Tables of what is sold: orders and their saga, sold seats, tickets, and the records that make steps repeatable
// (idempotency keys, provider events, outbox). The unique index `order_items_live_seat` is the last word on every seat.

import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
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
  'refunded',
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
    /** Why it ends without a sale: a code, or the operator's words. Not for the buyer. */
    reason: text('reason'),
    /** When the provider reserved the money, by the provider's clock. */
    authorisedAt: instant('authorised_at'),
    /** Taken by the provider for us. */
    capturedMinor: integer('captured_minor').notNull().default(0),
    /** Given back to the buyer so far, by refunds that succeeded. */
    refundedMinor: integer('refunded_minor').notNull().default(0),
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
    check('orders_refunded', sql`refunded_minor between 0 and captured_minor`),
    index('orders_buyer').on(t.performanceId, t.buyerKey),
    index('orders_session').on(t.performanceId, t.session),
    index('orders_latest').on(t.createdAt, t.number),
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
    /** The door that let it in, in the words of the scanner. */
    usedBy: text('used_by'),
    /** Idempotency-Key of that scan: its repeat, after a lost answer, is let in again. */
    usedKey: text('used_key'),
    /** No longer good for entry. */
    voidedAt: instant('voided_at'),
  },
  (t) => [uniqueIndex('tickets_order_seat').on(t.orderId, t.seatOrdinal)],
)

export const REFUND_STATUSES = ['requested', 'succeeded', 'stuck'] as const

/** Money on its way back to a buyer. Its seats and tickets are given up by the statement that writes the row. */
export const refunds = pgTable(
  'refunds',
  {
    /** Also the idempotency key at the provider, with `refusals` behind it once there was one. */
    id: uuid('id').primaryKey().defaultRandom(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    amountMinor: integer('amount_minor').notNull(),
    /** Ordinals of the seats that it gives up, sorted. */
    seats: jsonb('seats').$type<readonly number[]>().notNull(),
    /** Why, in the operator's words. */
    reason: text('reason').notNull(),
    status: text('status', { enum: REFUND_STATUSES }).notNull().default('requested'),
    /** The provider's id of it. */
    providerRefund: text('provider_refund').unique(),
    /** Last refusal of the provider. */
    failure: text('failure'),
    /** Refusals of the provider so far: it repeats its answer under one idempotency key. */
    refusals: integer('refusals').notNull().default(0),
    attempts: integer('attempts').notNull().default(0),
    retryAt: instant('retry_at').notNull().defaultNow(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    index('refunds_order').on(t.orderId),
    index('refunds_unfinished')
      .on(t.retryAt)
      .where(sql`status = 'requested'`),
  ],
)

export const OUTBOX_TOPICS = [
  'seats.sold',
  'seats.freed',
  'seats.changed',
  'order.paid',
  'order.closed',
  'order.refunded',
] as const
export type OutboxTopic = (typeof OUTBOX_TOPICS)[number]

/** What the rest of the system must hear, written by the statement that made it true. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    topic: text('topic', { enum: OUTBOX_TOPICS }).notNull(),
    /** Empty for what is about no order. */
    orderId: text('order_id').notNull(),
    performanceId: text('performance_id').notNull(),
    payload: jsonb('payload').$type<Readonly<Record<string, unknown>>>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** When a relay last took it in hand: another takes it over after a while. */
    takenAt: instant('taken_at'),
    /** When Redis had it. */
    publishedAt: instant('published_at'),
    /** Id of its entry in the stream, by which cron sees whether the stream still has it. */
    entry: text('entry'),
    /** When every consumer has handled it; null with an old `publishedAt` is published again, since a stream can be lost. */
    handledAt: instant('handled_at'),
  },
  (t) => [
    index('outbox_unpublished')
      .on(t.id)
      .where(sql`published_at is null`),
    index('outbox_unhandled')
      .on(t.publishedAt)
      .where(sql`handled_at is null`),
    index('outbox_handled_at').on(t.handledAt),
  ],
)

/** A consumer that is done with a row of the outbox: what makes redelivery harmless. */
export const outboxHandled = pgTable(
  'outbox_handled',
  {
    outboxId: bigint('outbox_id', { mode: 'number' })
      .notNull()
      .references(() => outbox.id, { onDelete: 'cascade' }),
    consumer: text('consumer').notNull(),
    handledAt: instant('handled_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.outboxId, t.consumer] })],
)

/** A message that a consumer failed on too often. Kept here and not in Redis, so that no loss of Redis forgets it. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    stream: text('stream').notNull(),
    consumer: text('consumer').notNull(),
    /** Names the message among those of its stream: the id of the outbox row, or import and batch. */
    message: text('message').notNull(),
    payload: jsonb('payload').$type<Readonly<Record<string, string>>>().notNull(),
    reason: text('reason').notNull(),
    attempts: integer('attempts').notNull(),
    deadAt: instant('dead_at').notNull().defaultNow(),
    /** Set when an operator had it delivered again. */
    redrivenAt: instant('redriven_at'),
  },
  (t) => [
    uniqueIndex('dead_letters_open')
      .on(t.stream, t.consumer, t.message)
      .where(sql`redriven_at is null`),
  ],
)

/** Totals that consumers and cron keep, such as orders by outcome. `name` is a Prometheus series without its labels' braces. */
export const totals = pgTable('totals', {
  name: text('name').primaryKey(),
  value: bigint('value', { mode: 'number' }).notNull(),
})

/** What cron remembers from one run to the next, such as how far it has looked. */
export const cronNotes = pgTable('cron_notes', {
  name: text('name').primaryKey(),
  value: jsonb('value').$type<Readonly<Record<string, unknown>>>().notNull(),
  writtenAt: instant('written_at').notNull().defaultNow(),
})

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
