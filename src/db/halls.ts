// Tables of what is on sale: halls with their seats, events, performances, prices. Written by the import alone.
// Money is whole minor units; times are timestamptz. drizzle-kit makes `migrations/` from these files.

import { sql } from 'drizzle-orm'
import {
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

export const halls = pgTable('halls', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  seatCount: integer('seat_count').notNull(),
  /** Digest of the sequence of seat ids: ordinals of sold seats must keep their meaning. */
  layout: text('layout').notNull(),
})

export const SECTION_KINDS = ['seated', 'general'] as const

/** A row, or the part of one between two aisles. */
export interface SeatRun {
  readonly row: string
  readonly tier: string
  readonly firstOrdinal: number
  readonly count: number
  /** Distance of its middle from the stage, in the units of the hall: less is better. */
  readonly distance: number
}

/** A part of a hall whose seats have consecutive ordinals; `x, y, width, height` is its box on the map. */
export const sections = pgTable(
  'sections',
  {
    hallId: text('hall_id')
      .notNull()
      .references(() => halls.id),
    id: text('id').notNull(),
    name: text('name').notNull(),
    tierId: text('tier_id').notNull(),
    x: real('x').notNull(),
    y: real('y').notNull(),
    width: real('width').notNull(),
    height: real('height').notNull(),
    /** Corners of its shape, in order: [[x, y], …]. */
    outline: jsonb('outline').$type<readonly (readonly [number, number])[]>().notNull(),
    firstOrdinal: integer('first_ordinal').notNull(),
    seatCount: integer('seat_count').notNull(),
    /** `general`: places without numbers, sold by quantity; each still has an ordinal and a row in `seats`. */
    kind: text('kind', { enum: SECTION_KINDS }).notNull().default('seated'),
    /** Seats that stand side by side, in order of their ordinals. Empty for general admission. */
    runs: jsonb('runs').$type<readonly SeatRun[]>().notNull().default([]),
  },
  (t) => [primaryKey({ columns: [t.hallId, t.id] })],
)

/** `ordinal` is 0-based within the hall and is the seat's index in Redis and on the wire. */
export const seats = pgTable(
  'seats',
  {
    hallId: text('hall_id')
      .notNull()
      .references(() => halls.id),
    ordinal: integer('ordinal').notNull(),
    id: text('id').notNull(),
    sectionId: text('section_id').notNull(),
    row: text('row').notNull(),
    label: text('label').notNull(),
    tierId: text('tier_id').notNull(),
    x: real('x').notNull(),
    y: real('y').notNull(),
    accessible: boolean('accessible').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.hallId, t.ordinal] }),
    unique('seats_id').on(t.hallId, t.id),
    index('seats_section').on(t.hallId, t.sectionId),
  ],
)

export const events = pgTable('events', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  description: text('description').notNull(),
  venue: text('venue').notNull(),
  currency: text('currency').notNull(),
})

export const performances = pgTable(
  'performances',
  {
    id: text('id').primaryKey(),
    eventId: text('event_id')
      .notNull()
      .references(() => events.id),
    hallId: text('hall_id')
      .notNull()
      .references(() => halls.id),
    name: text('name').notNull(),
    startsAt: instant('starts_at').notNull(),
    /** The waiting room whose admission tokens are good for this performance. */
    room: text('room').notNull(),
    currency: text('currency').notNull(),
    /** Changes with whatever the seat map shows: layout, prices, names. */
    version: text('version').notNull(),
    /**
     * Ordinal → why it is not for general sale, as the last import's file said it: the next import applies what its own file
     * says otherwise, and leaves what an operator has set since. Null before the first import that knew it.
     */
    marks: jsonb('marks').$type<Readonly<Record<string, BlockReason>>>(),
  },
  (t) => [index('performances_event').on(t.eventId), index('performances_hall').on(t.hallId)],
)

export const priceTiers = pgTable(
  'price_tiers',
  {
    performanceId: text('performance_id')
      .notNull()
      .references(() => performances.id),
    id: text('id').notNull(),
    position: integer('position').notNull(),
    name: text('name').notNull(),
    priceMinor: integer('price_minor').notNull(),
    feeMinor: integer('fee_minor').notNull(),
  },
  (t) => [primaryKey({ columns: [t.performanceId, t.id] })],
)

export const BLOCK_REASONS = ['blocked', 'house', 'accessible'] as const
export type BlockReason = (typeof BLOCK_REASONS)[number]

/**
 * Seats that are not for general sale at a performance: `blocked` (no seat there that evening), `house` (the house's own),
 * `accessible` (only for those who say that they need it, until an operator releases them).
 */
export const blockedSeats = pgTable(
  'blocked_seats',
  {
    performanceId: text('performance_id')
      .notNull()
      .references(() => performances.id),
    seatOrdinal: integer('seat_ordinal').notNull(),
    reason: text('reason', { enum: BLOCK_REASONS }).notNull().default('blocked'),
  },
  (t) => [primaryKey({ columns: [t.performanceId, t.seatOrdinal] })],
)

export const IMPORT_STATUSES = ['queued', 'running', 'done', 'failed'] as const

/** One row an import. It runs in batches through a stream; `failed` waits for an operator to drive it again. */
export const imports = pgTable(
  'imports',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    eventId: text('event_id').notNull(),
    status: text('status', { enum: IMPORT_STATUSES }).notNull().default('queued'),
    /** The event file as it was accepted; null once the import is done. */
    file: jsonb('file').$type<Readonly<Record<string, unknown>>>(),
    /** Digest of the file: the same file again finds the import that is under way. */
    fileHash: text('file_hash').notNull().default(''),
    seatsTotal: integer('seats_total').notNull(),
    seatsDone: integer('seats_done').notNull().default(0),
    /** Why it failed, for the operator. */
    error: text('error'),
    detail: jsonb('detail').$type<Readonly<Record<string, number>>>(),
    startedAt: instant('started_at').notNull().defaultNow(),
    /** Moves with every batch: an import that stands still is carried on by cron. */
    touchedAt: instant('touched_at').notNull().defaultNow(),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    uniqueIndex('imports_open_file')
      .on(t.fileHash)
      .where(sql`status in ('queued', 'running')`),
    index('imports_unfinished')
      .on(t.touchedAt)
      .where(sql`status in ('queued', 'running')`),
  ],
)

/** Part of an import: so many seats from an ordinal on. Its seats and `doneAt` are written by one statement. */
export const importBatches = pgTable(
  'import_batches',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    batch: integer('batch').notNull(),
    firstOrdinal: integer('first_ordinal').notNull(),
    seatCount: integer('seat_count').notNull(),
    doneAt: instant('done_at'),
  },
  (t) => [primaryKey({ columns: [t.importId, t.batch] })],
)

/** Seats of an import that is under way; the last step moves them to `seats` in one transaction. */
export const importSeats = pgTable(
  'import_seats',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    ordinal: integer('ordinal').notNull(),
    id: text('id').notNull(),
    sectionId: text('section_id').notNull(),
    row: text('row').notNull(),
    label: text('label').notNull(),
    tierId: text('tier_id').notNull(),
    x: real('x').notNull(),
    y: real('y').notNull(),
    accessible: boolean('accessible').notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.ordinal] })],
)
