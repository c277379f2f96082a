// The settings of a room: one set of names for `[vars.ROOMS.<room>]` in wrangler.toml and for the admin API.
// Those that Cloudflare Waiting Room has carry its names. Every setting has a default that suits a small sale.

import { z } from 'zod'
import { parseRoomId, type RoomId } from '../ids.ts'
import { minutesToMs, msToPlace, secondsToMs } from '../time.ts'
import { ConfigError, describeIssues } from './fault.ts'

const wholeNumber = (least: number, most: number) =>
  z
    .number(`must be a whole number from ${least} to ${most}`)
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be ${least} or more`)
    .max(most, `must be ${most} or less`)
const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`)
const flag = z.boolean('must be true or false')
const instant = z.iso.datetime({
  offset: true,
  error: 'must be an RFC 3339 time such as "2026-12-01T09:00:00Z"',
})

/** A request that matches every given member of one rule goes to the origin without passing the queue. */
export const bypassRule = z
  .strictObject({
    /** Path pattern; `*` stands for any run of characters. */
    path: z.string().startsWith('/', 'must begin with "/"').optional(),
    /** HTTP methods, upper case. */
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be an upper-case HTTP method'))
      .min(1)
      .optional(),
  })
  .refine((rule) => rule.path !== undefined || rule.methods !== undefined, 'must name a path or methods')

/** What may be changed while the sale runs, by the admin API. Same names, same limits. */
export const liveSettings = z.strictObject({
  total_active_users: wholeNumber(1, 10_000_000),
  new_users_per_minute: wholeNumber(1, 10_000_000),
  /** Calls that may happen at once after a lull; 0 stands for two seconds of the rate, at least 2. */
  burst: wholeNumber(0, 1_000_000),
  paused: flag,
  suspended: flag,
  queue_all: flag,
  message: z.string().max(500, 'must be at most 500 characters'),
})

export const roomSchema = z.strictObject({
  /** Shown as the page's heading. */
  title: z.string().min(1).max(120).default('You are in line'),
  message: liveSettings.shape.message.default(''),
  /** Host names, or "*" for any; a leading "*." matches subdomains. */
  hosts: z.array(z.string().min(1)).min(1).default(['*']),
  /** Path patterns; `*` stands for any run of characters. */
  paths: z.array(z.string().startsWith('/', 'must begin with "/"')).min(1).default(['/*']),
  /** Where admitted requests go: "ORIGIN" is the service binding. Other origins by URL come with later releases. */
  origin: choice(['ORIGIN']).default('ORIGIN'),
  /** Sessions at the origin at once. */
  total_active_users: liveSettings.shape.total_active_users.default(200),
  /** Calls per minute. */
  new_users_per_minute: liveSettings.shape.new_users_per_minute.default(200),
  burst: liveSettings.shape.burst.default(0),
  pacing: choice(['fixed']).default('fixed'),
  /** Minutes without a request after which a session ends. */
  session_duration: wholeNumber(1, 1_440).default(10),
  /** Minutes after which a session ends whatever the visitor does. */
  session_max_duration: wholeNumber(1, 1_440).default(60),
  disable_session_renewal: flag.default(false),
  /** Seconds that a called visitor has to enter. */
  claim_window: wholeNumber(5, 600).default(30),
  /** Seconds after a missed call in which the visitor may return to the front, once. */
  late_grace: wholeNumber(0, 7_200).default(600),
  /** Seconds that an admission token lives; the gate renews it. */
  admission_token_ttl: wholeNumber(10, 3_600).default(60),
  /** Name of the sale, and the time before which no place of it can have been given. */
  sale: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,40}$/, 'must be 1 to 40 letters, digits, ".", "_" or "-"')
        .default('default'),
      floor: instant.default('2020-01-01T00:00:00Z'),
    })
    .prefault({}),
  queueing_method: choice(['fifo', 'passthrough', 'reject']).default('fifo'),
  queue_all: flag.default(false),
  suspended: flag.default(false),
  paused: flag.default(false),
  /** Status of the queue page. */
  queueing_status_code: z
    .union([z.literal(200), z.literal(202), z.literal(429), z.literal(503)], 'must be 200, 202, 429 or 503')
    .default(200),
  /** What the gate does with newcomers when Redis cannot be asked. */
  on_store_failure: choice(['closed', 'open']).default('closed'),
  bypass: z.array(bypassRule).default([]),
})

export type LiveSettings = Partial<z.infer<typeof liveSettings>>
type ParsedRoom = z.infer<typeof roomSchema>

/** A room as the code sees it: the settings under their public names, and what follows from them in script units. */
export interface Room extends Readonly<ParsedRoom> {
  readonly id: RoomId
  /** Lowest place that this sale can have given (microseconds). */
  readonly floorPlace: number
  readonly claimWindowMs: number
  readonly lateGraceMs: number
  readonly sessionMs: number
  readonly sessionMaxMs: number
  readonly admissionTokenTtlMs: number
}

/** Parses `ROOMS`; throws one `ConfigError` that names every fault. */
export function parseRooms(input: unknown): ReadonlyMap<RoomId, Room> {
  const faults: string[] = []
  const rooms = new Map<RoomId, Room>()
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new ConfigError(['ROOMS must be a table of rooms: [vars.ROOMS.<room>] in wrangler.toml'])
  }
  for (const [name, settings] of Object.entries(input)) {
    const id = parseRoomId(name)
    if (id === undefined)
      faults.push(`ROOMS.${name}: a room's name is 1 to 63 of a-z, 0-9 and "-", not beginning with "-"`)
    const parsed = roomSchema.safeParse(settings)
    if (!parsed.success) faults.push(...describeIssues(`ROOMS.${name}`, settings, parsed.error))
    if (id === undefined || !parsed.success) continue
    if (parsed.data.session_max_duration < parsed.data.session_duration) {
      faults.push(
        `ROOMS.${name}.session_max_duration = ${parsed.data.session_max_duration}: must be at least session_duration (${parsed.data.session_duration})`,
      )
    }
    rooms.set(id, roomFrom(id, parsed.data))
  }
  if (rooms.size === 0 && faults.length === 0)
    faults.push('ROOMS has no room: add [vars.ROOMS.<room>] to wrangler.toml')
  if (faults.length > 0) throw new ConfigError(faults)
  return rooms
}

function roomFrom(id: RoomId, settings: ParsedRoom): Room {
  return Object.freeze({
    ...settings,
    id,
    floorPlace: msToPlace(Date.parse(settings.sale.floor)),
    claimWindowMs: secondsToMs(settings.claim_window),
    lateGraceMs: secondsToMs(settings.late_grace),
    sessionMs: minutesToMs(settings.session_duration),
    sessionMaxMs: minutesToMs(settings.session_max_duration),
    admissionTokenTtlMs: secondsToMs(settings.admission_token_ttl),
  })
}
