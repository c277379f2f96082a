// What the seat scripts answer, read from text into the types of seats.ts, which alone calls this. An answer of another
// shape is a bug (a script and its reader went apart) and throws; nothing here talks to Redis.

import { z } from 'zod'
import { SEAT_MARKS, SEAT_STATES, type SeatMark } from './seat-marks.ts'
import type {
  Availability,
  ExtendOutcome,
  HoldLookup,
  HoldOutcome,
  RebuildOutcome,
  SeatCounts,
} from './seats.ts'

const whole = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)
const ordinals = z.string().transform((text) => (text === '' ? [] : text.split(',').map(Number)))
const marked = z.string().transform((text) => Array.from(text.matchAll(/(\d+)([fhsb])/g), toMark))

function toMark([, ordinal = '', mark = '']: RegExpExecArray): { ordinal: string; mark: SeatMark } {
  return { ordinal, mark: z.enum(SEAT_MARKS).parse(mark) }
}

const unloaded = z
  .tuple([z.literal('unloaded'), whole])
  .transform(([status, version]) => ({ status, version }))

export const holdReply: z.ZodType<HoldOutcome> = z.union([
  z
    .tuple([z.literal('held'), whole, whole, ordinals])
    .transform(([status, expiresAtMs, lastsUntilMs, seats]) => ({
      status,
      expiresAtMs,
      lastsUntilMs,
      ordinals: seats,
    })),
  z.tuple([z.literal('conflict'), marked]).transform(([status, seats]) => ({
    status,
    conflicts: seats.map(({ ordinal, mark }) => ({ ordinal: Number(ordinal), state: SEAT_STATES[mark] })),
  })),
  z.tuple([z.literal('limit'), whole]).transform(([status, seatsHeld]) => ({ status, seatsHeld })),
  z.tuple([z.literal('gone')]).transform(([status]) => ({ status })),
  unloaded,
])

export const readReply = (holdId: string): z.ZodType<HoldLookup> =>
  z.union([
    z
      .tuple([z.literal('live'), z.string(), whole, whole, ordinals])
      .transform(([status, session, expiresAtMs, lastsUntilMs, seats]) => ({
        status,
        hold: { holdId, session, expiresAtMs, lastsUntilMs, ordinals: seats },
      })),
    z
      .tuple([z.literal('ended'), z.string(), z.enum(['released', 'expired', 'sold', 'lost'])])
      .transform(([status, session, how]) => ({ status, session, how })),
    z.tuple([z.literal('unknown')]).transform(([status]) => ({ status })),
  ])

export const extendReply: z.ZodType<ExtendOutcome> = z.union([
  z
    .tuple([z.literal('extended'), whole, whole])
    .transform(([status, expiresAtMs, lastsUntilMs]) => ({ status, expiresAtMs, lastsUntilMs })),
  z.tuple([z.literal('at_limit'), whole]).transform(([status, expiresAtMs]) => ({ status, expiresAtMs })),
  z
    .tuple([z.literal('gone'), z.enum(['0', '1'])])
    .transform(([status, owned]) => ({ status, owned: owned === '1' })),
])

export const availabilityReply: z.ZodType<Availability> = z.union([
  z
    .tuple([z.literal('full'), whole, z.string()])
    .transform(([status, version, map]) => ({ status, version, map })),
  z.tuple([z.literal('delta'), whole, marked]).transform(([status, version, seats]) => ({
    status,
    version,
    // In order, so that the last of two changes of one seat stands.
    changes: Object.fromEntries(seats.map(({ ordinal, mark }) => [ordinal, mark])),
  })),
  unloaded,
])

export const countsReply: z.ZodType<SeatCounts> = z.union([
  z
    .tuple([z.literal('counted'), whole, whole, whole, whole, whole, z.enum(['0', '1'])])
    .transform(([status, version, free, held, sold, sessions, moreDue]) => ({
      status,
      version,
      free,
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

/** `release`, `confirm` and `free` answer "1" or "0". */
export const yesReply = z.enum(['0', '1']).transform((text) => text === '1')
