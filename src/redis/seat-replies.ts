// What the seat scripts answer, read from text into the types of seats.ts, which alone calls this. An answer of another
// shape is a bug (a script and its reader went apart) and throws; nothing here talks to Redis.

import { z } from 'zod'
import { SEAT_MARKS, SEAT_STATES, type SeatMark } from './seat-marks.ts'
import type {
  Availability,
  ExtendOutcome,
  HoldAreasOutcome,
  HoldBestOutcome,
  HoldLookup,
  HoldOutcome,
  RebuildOutcome,
  SeatAudit,
  SeatCounts,
} from './seats.ts'

const whole = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)
const ordinals = z.string().transform((text) => (text === '' ? [] : text.split(',').map(Number)))
const marked = z.string().transform((text) => Array.from(text.matchAll(/(\d+)([fahsb])/g), toMark))

function toMark([, ordinal = '', mark = '']: RegExpExecArray): { ordinal: string; mark: SeatMark } {
  return { ordinal, mark: z.enum(SEAT_MARKS).parse(mark) }
}

const conflicts = marked.transform((seats) =>
  seats.map(({ ordinal, mark }) => ({ ordinal: Number(ordinal), state: SEAT_STATES[mark] })),
)

/** `<version>:<ordinal+mark>,...`, oldest first. */
const logEntries = z.string().transform((text) =>
  Array.from(text.matchAll(/(\d+):(\S*)/g), ([, version = '', marks = '']) => ({
    version: whole.parse(version),
    marks: marked.parse(marks),
  })),
)

const unloaded = z
  .tuple([z.literal('unloaded'), whole])
  .transform(([status, version]) => ({ status, version }))

const chosenReply = z.union([
  z
    .tuple([z.literal('held'), whole, whole, whole, ordinals, conflicts])
    .transform(([status, expiresAtMs, lastsUntilMs, extensionsLeft, seats, others]) => ({
      status,
      expiresAtMs,
      lastsUntilMs,
      extensionsLeft,
      ordinals: seats,
      conflicts: others,
    })),
  z.tuple([z.literal('limit'), whole]).transform(([status, seatsHeld]) => ({ status, seatsHeld })),
  z.tuple([z.enum(['gone', 'reused', 'session_ended'])]).transform(([status]) => ({ status })),
  unloaded,
])

export const holdReply: z.ZodType<HoldOutcome> = z.union([
  chosenReply,
  z
    .tuple([z.literal('conflict'), conflicts])
    .transform(([status, others]) => ({ status, conflicts: others })),
])

export const holdBestReply: z.ZodType<HoldBestOutcome> = z.union([
  chosenReply,
  z.tuple([z.literal('none'), whole]).transform(([status, free]) => ({ status, free })),
])

const areasLeft = z.string().transform((text) =>
  Array.from(text.matchAll(/([^ ,]+) (\d+)/g), ([, section = '', free]) => ({
    section,
    free: Number(free),
  })),
)

export const holdAreasReply: z.ZodType<HoldAreasOutcome> = z.union([
  chosenReply,
  z.tuple([z.literal('short'), areasLeft]).transform(([status, areas]) => ({ status, areas })),
])

export const readReply = (holdId: string): z.ZodType<HoldLookup> =>
  z.union([
    z
      .tuple([z.literal('live'), z.string(), whole, whole, whole, ordinals])
      .transform(([status, session, expiresAtMs, lastsUntilMs, extensionsLeft, seats]) => ({
        status,
        hold: { holdId, session, expiresAtMs, lastsUntilMs, extensionsLeft, ordinals: seats },
      })),
    z
      .tuple([z.literal('ended'), z.string(), z.enum(['released', 'expired', 'sold', 'lost'])])
      .transform(([status, session, how]) => ({ status, session, how })),
    z.tuple([z.literal('unknown')]).transform(([status]) => ({ status })),
  ])

export const extendReply: z.ZodType<ExtendOutcome> = z.union([
  z
    .tuple([z.enum(['extended', 'at_limit', 'none_left']), whole, whole, whole])
    .transform(([status, expiresAtMs, lastsUntilMs, extensionsLeft]) => ({
      status,
      expiresAtMs,
      lastsUntilMs,
      extensionsLeft,
    })),
  z
    .tuple([z.literal('gone'), z.enum(['0', '1'])])
    .transform(([status, owned]) => ({ status, owned: owned === '1' })),
])

export const availabilityReply: z.ZodType<Availability> = z.union([
  z
    .tuple([z.literal('full'), whole, z.string()])
    .transform(([status, version, map]) => ({ status, version, map })),
  z.tuple([z.literal('delta'), whole, logEntries]).transform(([status, version, entries]) => ({
    status,
    version,
    // In order, so that the last of two changes of one seat stands.
    changes: Object.fromEntries(
      entries.flatMap(({ marks }) => marks.map(({ ordinal, mark }) => [ordinal, mark])),
    ),
    steps: entries.map((entry) => ({
      version: entry.version,
      ordinals: entry.marks.map(({ ordinal }) => Number(ordinal)),
    })),
  })),
  unloaded,
])

export const countsReply: z.ZodType<SeatCounts> = z.union([
  z
    .tuple([z.literal('counted'), whole, whole, whole, whole, whole, whole, z.enum(['0', '1'])])
    .transform(([status, version, free, accessible, held, sold, sessions, moreDue]) => ({
      status,
      version,
      free,
      accessible,
      held,
      sold,
      sessions,
      moreDue: moreDue === '1',
    })),
  unloaded,
])

export const rebuildReply: z.ZodType<RebuildOutcome> = z
  .tuple([z.enum(['rebuilt', 'stale']), whole])
  .transform(([status, version]) => ({ status, version }))

/** Ids of holds. */
export const listReply = z.array(z.string())

/** `release`, `confirm`, `free` and `change` answer "1" or "0". */
export const yesReply = z.enum(['0', '1']).transform((text) => text === '1')

const auditedHolds = z
  .string()
  .transform((text) => (text === '' ? [] : text.split(' ')))
  .pipe(z.array(z.enum(['live', 'released', 'expired', 'sold', 'lost', 'unknown'])))

export const auditReply: z.ZodType<SeatAudit> = z.union([
  z
    .tuple([z.literal('audited'), whole, z.string(), z.string(), ordinals, auditedHolds])
    .transform(([status, version, map, base, heldByNobody, holds]) => ({
      status,
      version,
      map,
      base,
      heldByNobody,
      holds,
    })),
  unloaded,
])
