// The shapes of answers as the API promises them, in zod, for `openapi.ts` and for the tests that hold answers against them.
// Requests are described by the schemas that parse them.

import { z } from 'zod'
import { SECTION_KINDS } from '../src/db/halls.ts'
import { IMPORT_STATUSES } from '../src/db/halls.ts'
import { ORDER_STATUSES } from '../src/db/orders.ts'
import { SEAT_STATES } from '../src/redis/seat-marks.ts'

const instant = z.iso.datetime().describe('RFC 3339, UTC')
const minor = z.int().min(0).describe('whole minor units of the currency')
const currency = z.string().length(3).describe('ISO 4217')

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('stable; what programs switch on'),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    orderStatus: z.enum(ORDER_STATUSES).optional().describe('with `order_conflict`'),
  })
  .describe('RFC 9457')

export const event = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  venue: z.string(),
  currency,
})
export const performance = z.object({
  id: z.string(),
  eventId: z.string(),
  eventName: z.string(),
  name: z.string(),
  startsAt: instant,
  room: z.string().describe('the waiting room that admits to it'),
  currency,
  seats: z.int().describe('seats of the hall; ordinals run from 0 to one less'),
})
const section = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(SECTION_KINDS).describe('`general`: places without numbers, asked for by quantity'),
  tier: z.string(),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  outline: z.array(z.tuple([z.number(), z.number()])),
  firstOrdinal: z.int(),
  count: z.int(),
})
export const overview = z.object({
  performance,
  version: z.string(),
  tiers: z.array(z.object({ id: z.string(), name: z.string(), price: minor, fee: minor, currency })),
  sections: z.array(section),
})
export const sectionSeats = z.object({
  version: z.string(),
  section,
  seats: z.array(
    z.object({
      ordinal: z.int(),
      id: z.string(),
      row: z.string(),
      label: z.string(),
      x: z.number(),
      y: z.number(),
      tier: z.string(),
      accessible: z.boolean(),
    }),
  ),
})
const holdEnds = {
  expiresAt: instant,
  expiresInSeconds: z.int().min(0).describe('rounded down'),
  lastsUntil: instant.describe('the end that no extension passes'),
  extensionsLeft: z.int().min(0).describe('how often the visitor may still extend it'),
}
export const hold = z.object({
  holdId: z.string(),
  performance: z.string(),
  seats: z.array(
    z.object({
      id: z.string(),
      section: z.string(),
      row: z.string(),
      label: z.string(),
      tier: z.string(),
      price: minor,
      fee: minor,
    }),
  ),
  total: minor,
  currency,
  ...holdEnds,
  conflicts: z
    .array(z.object({ seat: z.string(), state: z.enum(Object.values(SEAT_STATES)) }))
    .describe('of a partial hold: what it did not get')
    .optional(),
})
export const holdTimes = z.object({ holdId: z.string(), ...holdEnds })
const version = z.int().min(0).describe('send it as `since` with the next request; a later one can be lower')
const wholeAvailability = z.object({
  version,
  seats: z.int().describe('how many; ordinals run from 0 to one less'),
  packed: z
    .base64()
    .describe(
      'two bits a seat by ordinal, four seats a byte from its lowest bits up: 0 free, 1 accessible, 2 held, 3 not for sale',
    ),
})
const changedAvailability = z.object({
  version,
  changes: z
    .record(z.string(), z.enum(['f', 'a', 'h', 'x']))
    .describe('ordinal → mark of now: f free, a accessible, h held, x not for sale'),
})
/** The whole where `since` is missing or not covered any more: it then takes the place of all that was known. */
export const availability = z.union([wholeAvailability, changedAvailability])
export const order = z.object({
  orderId: z.string().describe('unguessable: whoever has it may see the order'),
  number: z.string(),
  status: z.enum(ORDER_STATUSES),
  items: z.array(
    z.object({
      seat: z.string(),
      section: z.string(),
      row: z.string(),
      label: z.string(),
      tier: z.string(),
      price: minor,
      fee: minor,
    }),
  ),
  total: minor,
  refunded: minor.describe('given back so far'),
  currency,
  payBy: instant,
  failure: z.string().nullable().describe('why the last payment failed, or why the order ended'),
  performance: z.object({
    id: z.string(),
    name: z.string(),
    startsAt: instant,
    eventId: z.string(),
    eventName: z.string(),
  }),
})
export const paymentStart = z.object({ status: z.enum(ORDER_STATUSES), redirectUrl: z.url() })
export const tickets = z.object({
  tickets: z.array(
    z.object({
      id: z.uuid(),
      seat: z.string(),
      section: z.string(),
      row: z.string(),
      label: z.string(),
      tier: z.string(),
      usedAt: instant.nullable(),
      code: z.string().describe('compact JWS, EdDSA, typ ticket+jwt'),
      qr: z.string().describe('SVG image of the code'),
    }),
  ),
})
export const entry = z.object({
  valid: z.boolean(),
  reason: z
    .enum(['used', 'revoked', 'other_performance', 'forged', 'unknown'])
    .optional()
    .describe('`revoked`: ours and refunded; `other_performance`: good for another, and not used up'),
  usedAt: instant.optional().describe('the first entry'),
  usedBy: z.string().optional().describe('the door of the first entry, in its own words'),
  seat: z
    .object({
      performance: z.string(),
      id: z.string(),
      section: z.string(),
      row: z.string(),
      label: z.string(),
    })
    .optional(),
})
export const revocations = z.object({
  performance: z.string(),
  version: z.int().min(0).describe('number of tickets in the list, which only grows'),
  at: instant,
  revocations: z.string().describe('compact JWS, EdDSA, typ revocations+jwt; claims prf, ver, rvk, iat'),
})
export const publicKeys = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).describe('RFC 7517')
const importStatus = z.enum(IMPORT_STATUSES)
export const importAccepted = z.object({
  importId: z.uuid(),
  event: z.string(),
  status: importStatus,
  seatsTotal: z.int(),
  statusUrl: z.string(),
})
export const importProgress = z.object({
  importId: z.uuid(),
  event: z.string(),
  status: importStatus,
  seatsDone: z.int().describe('only rises'),
  seatsTotal: z.int(),
  startedAt: instant,
  finishedAt: instant.nullable(),
  error: z.string().nullable().describe('why it failed'),
})
export const health = z.object({
  status: z.enum(['ok', 'down']),
  configuration: z.literal('ok'),
  redis: z.enum(['ok', 'down']),
  postgres: z.enum(['ok', 'down']),
})
export const eventReceipt = z.object({
  received: z.literal(true),
  outcome: z.enum(['handled', 'duplicate', 'ignored']),
})
