// Tables of what is on sale: halls with their seats, events, performances, prices. Written by the import alone.
// Money is whole minor units; times are timestamptz. drizzle-kit makes `migrations/` from these files.

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

/** Seats that are not for sale at a performance. */
export const blockedSeats = pgTable(
  'blocked_seats',
  {
    performanceId: text('performance_id')
      .notNull()
      .references(() => performances.id),
    seatOrdinal: integer('seat_ordinal').notNull(),
  },
  (t) => [primaryKey({ columns: [t.performanceId, t.seatOrdinal] })],
)

/** One row a run of the import. */
export const imports = pgTable('imports', {
  id: uuid('id').primaryKey().defaultRandom(),
  eventId: text('event_id').notNull(),
  status: text('status', { enum: ['running', 'done'] }).notNull(),
  seatsTotal: integer('seats_total').notNull(),
  seatsDone: integer('seats_done').notNull().default(0),
  detail: jsonb('detail').$type<Readonly<Record<string, number>>>(),
  startedAt: instant('started_at').notNull().defaultNow(),
  finishedAt: instant('finished_at'),
})
