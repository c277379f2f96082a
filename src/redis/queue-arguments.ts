// What the queue scripts are given: names of keys and arguments as data, and their spelling as text.
// Used by queue.ts alone; a test compares the names with the header of each script.

import { baselineOf, type LiveSettings, type Room } from '../config/room.ts'
import { LONGEST_POLL_MS, SNAPSHOT_POLL_MS } from '../queue/position.ts'
import { roomKeys } from './keys.ts'
import type {
  ClaimEntry,
  DrawStep,
  EnterEntry,
  JoinEntry,
  LeaveEntry,
  RenewEntry,
  Seen,
  SnapshotDocument,
} from './queue.ts'

/** `KEYS` of every script that begins with room.lua, in order. */
export const ROOM_KEYS = [
  'state',
  'queue',
  'called',
  'missed',
  'sessions',
  'ended',
  'places',
  'snapshot',
  'log',
  'entries',
] as const
export const OVERRIDE_KEYS = ['state', 'snapshot', 'log'] as const
export const ARM_KEYS = ['state', 'snapshot'] as const

/** `ARGV` of every script that begins with room.lua, in order. */
export const ROOM_ARGUMENTS = [
  'sale',
  'floor',
  'seen_epoch',
  'seen_place',
  'seen_serving',
  'seen_settled',
  'seen_sessions',
  'recovery_ms',
  'total_active_users',
  'new_users_per_minute',
  'burst',
  'pacing',
  'headroom_min',
  'headroom_share',
  'prequeue_start_time',
  'event_start_time',
  'event_end_time',
  'paused',
  'sold_out',
  'queue_all',
  'queueing_method',
  'claim_window_ms',
  'late_grace_ms',
  'session_ms',
  'session_max_ms',
  'disable_session_renewal',
  'admission_token_ttl_ms',
  'reap_limit',
] as const

/** What follows the room's arguments: once for `advance`, repeated with every entry for the others. */
export const SCRIPT_ARGUMENTS = {
  join: ['room', 'commitment', 'beacon', 'genesis', 'period', 'visitor', 'proof', 'spent'],
  enter: ['visitor', 'session'],
  claim: ['visitor', 'session', 'place', 'spent'],
  renew: ['session', 'session_end', 'token_expires_at', 'extended_until'],
  leave: ['visitor', 'session', 'token_expires_at'],
  draw: ['runner', 'lease_ms', 'page_size', 'head', 'beacon', 'visitor', 'place'],
  advance: [
    'room',
    'message',
    'baseline',
    'seen_live_at',
    'seen_live',
    'seen_draw',
    'call_limit',
    'front_size',
    'fresh_ms',
    'snapshot_ttl_ms',
    'poll_after_ms',
    'hurry_ms',
    'log_limit',
  ],
} as const
export const OVERRIDE_ARGUMENTS = ['log_limit', 'setting', 'value'] as const
export const ARM_ARGUMENTS = ['sale'] as const

/** Every client has seen the new epoch once, even one whose poll had just gone when the store was lost. */
export const RECOVERY_MS = 2 * LONGEST_POLL_MS
/** Bounds one run: 200,000 at once take 57 ms of the single thread (measured). */
const REAP_LIMIT = 1_000
const CALL_LIMIT = 2_000
const FRONT_SIZE = 50
/** Two refreshes at once do the work once; far below the second between refreshes of one isolate. */
const FRESH_MS = 200
const SNAPSHOT_TTL_MS = 60_000
/** Where the last seats may go at any moment: with jitter and the snapshot's age, everyone knows within five seconds. */
const HURRY_MS = 2_500
const LOG_LIMIT = 200
/** A step of the draw takes about 4 ms of the single thread with a million entries (measured). */
const DRAW_PAGE = 500
/** Longer than a step with its computing and its way there and back; a runner that dies costs so long. */
const DRAW_LEASE_MS = 3_000

type Values<Names extends readonly string[]> = { readonly [K in Names[number]]: string | number | boolean }

/** Values in the order of their names. Whole numbers below 2^53 keep every digit. */
function spell<const Names extends readonly string[]>(names: Names, values: Values<Names>): string[] {
  const byName: Readonly<Record<string, string | number | boolean>> = values
  return names.map((name) => String(byName[name]))
}

export const roomKeyList = (room: Room): string[] => {
  const keys = roomKeys(room.id)
  return ROOM_KEYS.map((name) => keys[name])
}

export const overrideKeyList = (room: Room): string[] => {
  const keys = roomKeys(room.id)
  return OVERRIDE_KEYS.map((name) => keys[name])
}

export const armKeyList = (room: Room): string[] => {
  const keys = roomKeys(room.id)
  return ARM_KEYS.map((name) => keys[name])
}

export function roomArguments(room: Room, seen: Seen): string[] {
  return spell(ROOM_ARGUMENTS, {
    sale: room.sale.name,
    floor: room.floorPlace,
    seen_epoch: seen.epoch,
    seen_place: seen.place,
    seen_serving: seen.serving,
    seen_settled: seen.settled,
    seen_sessions: seen.sessions,
    recovery_ms: RECOVERY_MS,
    total_active_users: room.total_active_users,
    new_users_per_minute: room.new_users_per_minute,
    burst: room.burst,
    pacing: JSON.stringify(room.pacing),
    headroom_min: room.headroom_min,
    headroom_share: room.headroom_share,
    prequeue_start_time: room.prequeueStartMs,
    event_start_time: room.eventStartMs,
    event_end_time: room.eventEndMs,
    paused: room.paused,
    sold_out: room.sold_out,
    queue_all: room.queue_all,
    queueing_method: room.queueing_method,
    claim_window_ms: room.claimWindowMs,
    late_grace_ms: room.lateGraceMs,
    session_ms: room.sessionMs,
    session_max_ms: room.sessionMaxMs,
    disable_session_renewal: room.disable_session_renewal,
    admission_token_ttl_ms: room.admissionTokenTtlMs,
    reap_limit: REAP_LIMIT,
  })
}

/** `commitment`: to the secret of the draw, where the room draws one. */
export function joinArguments(
  room: Room,
  entries: readonly JoinEntry[],
  commitment: string | undefined,
): string[] {
  const { url, genesis, period } = room.draw_beacon ?? { url: '', genesis: 0, period: 0 }
  const lottery = room.queueing_method === 'lottery'
  const terms = lottery ? [room.id, commitment ?? 'none', url, genesis, period] : ['', '', '', 0, 0]
  return [
    ...terms.map(String),
    ...entries.flatMap(({ visitor, provenPlace = 0, spent = false }) => [
      visitor,
      String(provenPlace),
      String(spent),
    ]),
  ]
}

export const drawArguments = ({ runner, head = '', beacon = '', places = [] }: DrawStep): string[] => [
  runner,
  String(DRAW_LEASE_MS),
  String(DRAW_PAGE),
  head,
  beacon,
  ...places.flatMap(({ visitor, place }) => [visitor, String(place)]),
]

export const enterArguments = (entries: readonly EnterEntry[]): string[] =>
  entries.flatMap(({ visitor, session }) => spell(SCRIPT_ARGUMENTS.enter, { visitor, session }))

export const claimArguments = (entries: readonly ClaimEntry[]): string[] =>
  entries.flatMap(({ visitor, session, place, spent = false }) =>
    spell(SCRIPT_ARGUMENTS.claim, { visitor, session, place, spent }),
  )

export const renewArguments = (entries: readonly RenewEntry[]): string[] =>
  entries.flatMap(({ session, sessionEndMs, tokenExpiresAtMs, extendedUntilMs = 0 }) =>
    spell(SCRIPT_ARGUMENTS.renew, {
      session,
      session_end: sessionEndMs,
      token_expires_at: tokenExpiresAtMs,
      extended_until: extendedUntilMs,
    }),
  )

export const leaveArguments = (entries: readonly LeaveEntry[]): string[] =>
  entries.flatMap(({ visitor, session = '', tokenExpiresAtMs = 0 }) =>
    spell(SCRIPT_ARGUMENTS.leave, { visitor, session, token_expires_at: tokenExpiresAtMs }),
  )

/** `held`: the document that the caller has, so that a store which has forgotten live settings learns them again. */
export const advanceArguments = (room: Room, held: SnapshotDocument | undefined): string[] =>
  spell(SCRIPT_ARGUMENTS.advance, {
    room: room.id,
    message: JSON.stringify(room.message),
    baseline: JSON.stringify({ sale: room.sale.name, ...baselineOf(room) }),
    seen_live_at: held?.liveAt ?? 0,
    seen_live: JSON.stringify(storedForm(held?.live ?? {})),
    seen_draw: seenDraw(room, held),
    call_limit: CALL_LIMIT,
    front_size: FRONT_SIZE,
    fresh_ms: FRESH_MS,
    snapshot_ttl_ms: SNAPSHOT_TTL_MS,
    poll_after_ms: SNAPSHOT_POLL_MS,
    hurry_ms: HURRY_MS,
    log_limit: LOG_LIMIT,
  })

/** A draw whose entries have closed, in the words of advance.lua; nothing of it can change any more. */
function seenDraw(room: Room, held: SnapshotDocument | undefined): string {
  if (held === undefined || held.snapshot.sale !== room.sale.name) return ''
  const { draw } = held.snapshot
  const { drawState } = held
  if (draw === null || drawState === null || drawState.closed === 0) return ''
  return JSON.stringify({
    head: draw.head,
    header: draw.header,
    entries: draw.entries,
    base: drawState.base,
    closed: drawState.closed,
    round: draw.round ?? 0,
    beacon: draw.beacon ?? '',
    complete: draw.complete,
    drawn_epoch: drawState.drawnEpoch,
  })
}

export const armArguments = (room: Room): string[] => spell(ARM_ARGUMENTS, { sale: room.sale.name })

/** `null` clears; a setting left out stays as it is. */
export function overrideArguments(changes: {
  readonly [K in keyof LiveSettings]?: LiveSettings[K] | null
}): string[] {
  const list = [String(LOG_LIMIT)]
  for (const [setting, value] of Object.entries(storedForm(changes))) {
    if (value !== undefined) list.push(setting, value === null ? '' : JSON.stringify(value))
  }
  return list
}

/** Times are kept as ms since 1970: the scripts compare them with the clock. */
const storedForm = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).map(([setting, value]) => [
      setting,
      setting.endsWith('_time') && typeof value === 'string' ? Date.parse(value) : value,
    ]),
  )
