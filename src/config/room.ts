// The settings of a room: one set of names for `[vars.ROOMS.<room>]` in wrangler.toml and for the admin API.
// Those that Cloudflare Waiting Room has carry its names. Every setting has a default that suits a small sale.

import { z } from 'zod'
import { parseRoomId, type RoomId } from '../ids.ts'
import { minutesToMs, msToPlace, secondsToMs } from '../time.ts'
import { bypassRule } from './bypass.ts'
import { findBeaconFaults } from './draw-beacon.ts'
import { ConfigError, describeIssues } from './fault.ts'
import { hostsSetting } from './hosts.ts'
import { originSetting } from './origin.ts'
import { pageSettings } from './page.ts'
import { findTimeFaults, OWN_FLOOR } from './sale-times.ts'

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

/** A public randomness beacon that speaks drand's HTTP API. Its round follows from the opening of the sale. */
export const drawBeacon = z.strictObject({
  /** Address of the chain, without a slash at the end: `<url>/public/<round>` answers `{round, randomness}`. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be the http(s) address of a beacon chain' })
    // It stands as it is in the header of the draw, whose parts are divided by spaces.
    .regex(/^[^\s"\\]+$/, 'must have no blanks, quotes or backslashes')
    .regex(/[^/]$/, 'must not end with "/"'),
  /** When round 1 was published (seconds since 1970). */
  genesis: wholeNumber(0, 4_000_000_000),
  /** Seconds between rounds. */
  period: wholeNumber(1, 86_400),
})

/** What may be changed while the sale runs, by the admin API. Same names, same limits. */
export const liveSettings = z.strictObject({
  total_active_users: wholeNumber(1, 10_000_000),
  new_users_per_minute: wholeNumber(1, 10_000_000),
  /** Calls that may happen at once after a lull; 0 stands for two seconds of the rate, at least 3. */
  burst: wholeNumber(0, 1_000_000),
  /** `fixed`: calls flow at new_users_per_minute; `headroom`: by what is free, the two settings below. */
  pacing: choice(['fixed', 'headroom']),
  /** Calls a second that headroom pacing never goes below. */
  headroom_min: wholeNumber(1, 100_000),
  /** Percent of the free capacity that headroom pacing calls in a second. */
  headroom_share: wholeNumber(1, 100),
  /** The sale begins; before it nobody is called. Replaces the time of the configuration. */
  event_start_time: instant,
  /** The sale ends; from then on nobody joins and nobody is called. */
  event_end_time: instant,
  paused: flag,
  /** The operator's word that nothing is left: nobody joins, nobody is called, everyone who waits is told. */
  sold_out: flag,
  suspended: flag,
  queue_all: flag,
  message: z.string().max(500, 'must be at most 500 characters'),
})

/** Where none is set, the page says this in the visitor's language. */
export const OWN_TITLE = 'You are in line'

export const roomSchema = z.strictObject({
  /** Shown as the page's heading. */
  title: z.string().min(1).max(120).default(OWN_TITLE),
  message: liveSettings.shape.message.default(''),
  /** Host names, or "*" for any; a leading "*." matches subdomains. */
  hosts: hostsSetting,
  /** Path patterns; `*` stands for any run of characters. */
  paths: z.array(z.string().startsWith('/', 'must begin with "/"')).min(1).default(['/*']),
  /** Where admitted requests go: "ORIGIN" is the service binding, an address any other web site. */
  origin: originSetting,
  /** Sessions at the origin at once. */
  total_active_users: liveSettings.shape.total_active_users.default(200),
  /** Calls per minute. */
  new_users_per_minute: liveSettings.shape.new_users_per_minute.default(200),
  burst: liveSettings.shape.burst.default(0),
  pacing: liveSettings.shape.pacing.default('fixed'),
  headroom_min: liveSettings.shape.headroom_min.default(10),
  headroom_share: liveSettings.shape.headroom_share.default(10),
  /** From this time visitors may come and wait for the opening. */
  prequeue_start_time: instant.optional(),
  event_start_time: liveSettings.shape.event_start_time.optional(),
  event_end_time: liveSettings.shape.event_end_time.optional(),
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
      floor: instant.default(OWN_FLOOR),
    })
    .prefault({}),
  queueing_method: choice(['fifo', 'lottery', 'passthrough', 'reject']).default('fifo'),
  /** Public randomness for the lottery; without it the operator could have known the outcome, and the page says so. */
  draw_beacon: drawBeacon.optional(),
  queue_all: flag.default(false),
  suspended: flag.default(false),
  paused: flag.default(false),
  sold_out: flag.default(false),
  /** Status of the queue page. */
  queueing_status_code: z
    .union([z.literal(200), z.literal(202), z.literal(429), z.literal(503)], 'must be 200, 202, 429 or 503')
    .default(200),
  /** Languages, colours and own words of the queue page. */
  page: pageSettings.prefault({}),
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
  /** Times of the sale (ms since 1970); 0 where there is none. */
  readonly prequeueStartMs: number
  readonly eventStartMs: number
  readonly eventEndMs: number
}

/** The live settings as deployed: what clearing an override returns to. */
export function baselineOf(room: Room): LiveSettings {
  return Object.fromEntries(Object.entries(room).filter(([name]) => name in liveSettings.shape))
}

/** Parses `ROOMS`; throws one `ConfigError` that names every fault. The clock only finds floors that lie far ahead. */
export function parseRooms(
  input: unknown,
  { nowMs = Date.now() }: { readonly nowMs?: number } = {},
): ReadonlyMap<RoomId, Room> {
  const faults: string[] = []
  const rooms = new Map<RoomId, Room>()
  if (!isTable(input)) {
    throw new ConfigError(['ROOMS must be a table of rooms: [vars.ROOMS.<room>] in wrangler.toml'])
  }
  for (const [name, settings] of Object.entries(input)) {
    if (!isTable(settings)) {
      faults.push(
        `ROOMS.${name} = ${JSON.stringify(settings)}: a room is a table; put its settings under [vars.ROOMS.<room>]`,
      )
      continue
    }
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
    const further = [...findTimeFaults(parsed.data, { nowMs }), ...findBeaconFaults(parsed.data)]
    for (const { setting, value, message } of further) {
      faults.push(`ROOMS.${name}.${setting} = ${JSON.stringify(value)}: ${message}`)
    }
    rooms.set(id, roomFrom(id, parsed.data))
  }
  if (rooms.size === 0 && faults.length === 0)
    faults.push('ROOMS has no room: add [vars.ROOMS.<room>] to wrangler.toml')
  if (faults.length > 0) throw new ConfigError(faults)
  return rooms
}

const isTable = (input: unknown): input is object =>
  input !== null && typeof input === 'object' && !Array.isArray(input)

const timeOf = (instantText: string | undefined): number =>
  instantText === undefined ? 0 : Date.parse(instantText)

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
    prequeueStartMs: timeOf(settings.prequeue_start_time),
    eventStartMs: timeOf(settings.event_start_time),
    eventEndMs: timeOf(settings.event_end_time),
  })
}
