// The format in which an event comes in: event, performances with prices, and a hall as rows of seats.
// `docs/event-import.md` describes it for operators. Pure: one schema whose issues name every fault by its path.

import { z } from 'zod'
import { SECTION_KINDS } from '../../src/db/halls.ts'
import { parseRoomId } from '../../src/ids.ts'
import { line, paragraphs } from '../plain-text.ts'

export const SEATS_LIMIT = 100_000

const name = line.trim().min(1, 'must not be empty').max(120, 'must be at most 120 characters')
const key = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and "-", not beginning with "-"')
// Part of seat ids, which stand in addresses and on tickets.
const mark = z.string().regex(/^[A-Za-z0-9]{1,12}$/, 'must be 1 to 12 letters or digits')
const seatId = z.string().regex(/^[A-Za-z0-9]+-[A-Za-z0-9]+-\d+$/, 'must be a seat id: section-row-number')
const seatList = z.array(seatId).max(SEATS_LIMIT).default([])
const minorUnits = z
  .int('must be a whole number of minor units')
  .min(0, 'must be 0 or more')
  .max(100_000_000, 'must be at most 100000000')
const length = z.number().min(-100_000).max(100_000)
const degrees = z.number().min(-360).max(360)

const tier = z.strictObject({ id: key, name, price: minorUnits, fee: minorUnits.default(0) })

const performance = z.strictObject({
  id: key,
  name,
  startsAt: z.iso.datetime({
    offset: true,
    error: 'must be an RFC 3339 time such as "2026-12-01T19:30:00Z"',
  }),
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
    currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as "EUR"'),
  }),
  performances: z.array(performance).min(1, 'must have at least one performance').max(200),
  hall,
})

export type EventFile = z.infer<typeof shape>
export type HallPlan = EventFile['hall']
export type SectionPlan = HallPlan['sections'][number]
export type Row = z.infer<typeof row>

/** The whole file; what the parts must have in common is checked once each part is well formed. */
export const eventFile = shape.superRefine((file, context) => {
  const fault = (path: (string | number)[], message: string) => {
    context.addIssue({ code: 'custom', path, message })
  }
  const once = (ids: readonly string[], path: (index: number) => (string | number)[], what: string) => {
    const seen = new Set<string>()
    for (const [index, id] of ids.entries()) {
      if (seen.has(id)) fault(path(index), `${what} "${id}" stands here a second time`)
      seen.add(id)
    }
  }
  const count = file.hall.sections.reduce((sum, part) => sum + placeCount(part), 0)
  if (count > SEATS_LIMIT) {
    fault(['hall', 'sections'], `${count} seats: at most ${SEATS_LIMIT} are accepted`)
    return
  }
  const seatIds = file.hall.sections.flatMap((part) => placesOf(part).map(({ id }) => id))
  const known = new Set(seatIds)
  if (known.size < seatIds.length) {
    once(seatIds, () => ['hall', 'sections'], 'seat')
  }
  once(
    file.hall.sections.map(({ id }) => id),
    (i) => ['hall', 'sections', i, 'id'],
    'section',
  )
  for (const [i, id] of file.hall.accessible.entries()) {
    if (!known.has(id)) fault(['hall', 'accessible', i], `the hall has no seat "${id}"`)
  }
  once(
    file.performances.map(({ id }) => id),
    (i) => ['performances', i, 'id'],
    'performance',
  )
  for (const [p, { tiers, blocked, house }] of file.performances.entries()) {
    once(
      tiers.map(({ id }) => id),
      (i) => ['performances', p, 'tiers', i, 'id'],
      'tier',
    )
    for (const [list, ids] of Object.entries({ blocked, house })) {
      once(ids, (i) => ['performances', p, list, i], 'seat')
      for (const [i, id] of ids.entries()) {
        if (!known.has(id)) fault(['performances', p, list, i], `the hall has no seat "${id}"`)
      }
    }
    const taken = new Set(blocked)
    for (const [i, id] of house.entries()) {
      if (taken.has(id))
        fault(['performances', p, 'house', i], `seat "${id}" is blocked: it cannot be the house's`)
    }
    const priced = new Set(tiers.map(({ id }) => id))
    for (const [s, part] of file.hall.sections.entries()) {
      if (!priced.has(part.tier)) {
        fault(
          ['hall', 'sections', s, 'tier'],
          `performance "${file.performances[p]?.id}" has no tier "${part.tier}"`,
        )
      }
      for (const [r, run] of part.rows.entries()) {
        if (run.tier !== undefined && !priced.has(run.tier)) {
          fault(
            ['hall', 'sections', s, 'rows', r, 'tier'],
            `performance "${file.performances[p]?.id}" has no tier "${run.tier}"`,
          )
        }
      }
    }
  }
})

/** Row label of the places of an area: they have none to look for. */
const AREA_ROW = 'GA'

/** A seat, or a place of an area, before it has an ordinal. `at`: its index within `run`. */
export interface Place {
  readonly id: string
  readonly row: string
  readonly number: number
  readonly run: Row | undefined
  readonly at: number
}

const placeCount = (part: SectionPlan): number =>
  part.capacity ?? part.rows.reduce((sum, { count }) => sum + count, 0)

/** The seats of a section in the order of their ordinals. */
export function placesOf(part: SectionPlan): Place[] {
  const place = (row: string, number: number, run: Row | undefined, at: number): Place => ({
    id: `${part.id}-${row}-${number}`,
    row,
    number,
    run,
    at,
  })
  if (part.kind === 'general') {
    return Array.from({ length: part.capacity ?? 0 }, (_, at) => place(AREA_ROW, at + 1, undefined, at))
  }
  return part.rows.flatMap((run) =>
    Array.from({ length: run.count }, (_, at) => place(run.label, run.first + at, run, at)),
  )
}
