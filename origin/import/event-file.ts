// The format in which an event comes in: event, performances with prices, and a hall as rows of seats.
// `docs/event-import.md` describes it for operators. Pure: one schema whose issues name every fault by its path.

import { z } from 'zod'
import { SECTION_KINDS } from '../../src/db/halls.ts'
import { parseRoomId } from '../../src/ids.ts'
import { line, paragraphs } from '../plain-text.ts'
import { checkParts, SEATS_LIMIT } from './check-parts.ts'

const name = line.trim().min(1, 'must not be empty').max(120, 'must be at most 120 characters')
const key = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and "-", not beginning with "-"')
// Part of seat ids, which stand in addresses and on tickets.
const mark = z.string().regex(/^[A-Za-z0-9]{1,12}$/, 'must be 1 to 12 letters or digits')
const seatId = z.string().regex(/^[A-Za-z0-9]+-[A-Za-z0-9]+-\d+$/, 'must be a seat id: section-row-number')
const seatList = z.array(seatId).max(SEATS_LIMIT).default([])
/** The most that the payment provider takes in one payment. */
const MOST_MINOR = 99_999_999
const minorUnits = z.int('must be a whole number of minor units').min(0, 'must be 0 or more')
const length = z.number().min(-100_000).max(100_000)
const degrees = z.number().min(-360).max(360)

const tier = z
  .strictObject({ id: key, name, price: minorUnits, fee: minorUnits.default(0) })
  .refine(({ price, fee }) => price + fee <= MOST_MINOR, {
    path: ['price'],
    error: `and fee must together be at most ${MOST_MINOR}`,
  })

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))
const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: 'must be an ISO 4217 code such as "EUR"', abort: true })
  .refine((code) => CURRENCIES.has(code), {
    error: ({ input }) =>
      `"${String(input)}" is not a known currency: must be an ISO 4217 code such as "EUR"`,
  })

const FIRST_YEAR = 2000
const LAST_YEAR = 2200
const instant = z.iso
  .datetime({ offset: true, abort: true, error: 'must be an RFC 3339 time such as "2026-12-01T19:30:00Z"' })
  .refine((text) => {
    const year = new Date(text).getUTCFullYear()
    return year >= FIRST_YEAR && year <= LAST_YEAR
  }, `must be in the years ${FIRST_YEAR} to ${LAST_YEAR} (UTC)`)

const performance = z.strictObject({
  id: key,
  name,
  startsAt: instant,
  room: z.string().refine((text) => parseRoomId(text) !== undefined, 'must be the name of a waiting room'),
  tiers: z.array(tier).min(1, 'must name at least one price tier').max(50),
  /** No seat there that evening. */
  blocked: seatList,
  /** The house's own: not for sale until an operator releases them. */
  house: seatList,
  /** Whether the hall's accessible seats are only for those who say that they need them, or for everybody. */
  accessible: z.enum(['kept', 'open'], 'must be "kept" or "open"').default('kept'),
})

/** A run of seats: the first stands at the line's start or the arc's `from`, the last at its end. */
const row = z
  .strictObject({
    label: mark,
    /** Number of the first seat. */
    first: z.int().min(0).max(100_000).default(1),
    count: z.int().min(1, 'must be 1 or more').max(2_000, 'must be 2000 or less'),
    /** Differs from the section's where a row is cheaper or dearer. */
    tier: key.optional(),
    line: z.strictObject({ x: length, y: length, dx: length, dy: length }).optional(),
    arc: z
      .strictObject({
        cx: length.default(0),
        cy: length.default(0),
        radius: z.number().positive('must be more than 0').max(100_000),
        fromDegrees: degrees,
        toDegrees: degrees,
      })
      .optional(),
  })
  .refine((run) => (run.line === undefined) !== (run.arc === undefined), 'must have either "line" or "arc"')

/** Rows of seats, or with `kind: "general"` so many places without numbers. */
const section = z
  .strictObject({
    id: mark,
    name,
    tier: key,
    kind: z.enum(SECTION_KINDS, 'must be "seated" or "general"').default('seated'),
    rows: z.array(row).max(1_000).default([]),
    capacity: z.int().min(1, 'must be 1 or more').max(SEATS_LIMIT).optional(),
    /** Where an area stands on the map; rows show their own place. */
    box: z
      .strictObject({ x: length, y: length, width: length.positive(), height: length.positive() })
      .optional(),
  })
  .superRefine((part, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (part.kind === 'seated') {
      if (part.rows.length === 0) fault('rows', 'must have at least one row')
      if (part.capacity !== undefined) fault('capacity', 'is only for a section of kind "general"')
      if (part.box !== undefined) fault('box', 'is only for a section of kind "general"')
    } else {
      if (part.rows.length > 0) fault('rows', 'must be left out: a section of kind "general" has a capacity')
      if (part.capacity === undefined) fault('capacity', 'must be given for a section of kind "general"')
    }
  })

const hall = z.strictObject({
  id: key,
  name,
  sections: z.array(section).min(1, 'must have at least one section').max(500),
  accessible: seatList,
  /** What people look at: the nearer a row's middle is to it, the better are its seats. */
  stage: z.strictObject({ x: length, y: length }).default({ x: 0, y: 0 }),
})

const shape = z.strictObject({
  format: z.literal('foyer-event/1', 'must be "foyer-event/1"'),
  event: z.strictObject({
    id: key,
    name,
    description: paragraphs.max(2_000).default(''),
    venue: line.max(200).default(''),
    currency,
  }),
  performances: z.array(performance).min(1, 'must have at least one performance').max(200),
  hall,
})

export type EventFile = z.infer<typeof shape>
export type HallPlan = EventFile['hall']
export type SectionPlan = HallPlan['sections'][number]
export type Row = z.infer<typeof row>

/** The whole file; what the parts must have in common is checked once each part is well formed. */
export const eventFile = shape.superRefine(checkParts)
