// What the queue scripts are given: names of keys and arguments as data, and their spelling as text.
// Used by queue.ts alone; a test compares the names with the header of each script.

import type { LiveSettings, Room } from '../config/room.ts'
import { LONGEST_POLL_MS, SNAPSHOT_POLL_MS } from '../queue/position.ts'
import { roomKeys } from './keys.ts'
import type { ClaimEntry, EnterEntry, JoinEntry, LeaveEntry, RenewEntry, Seen } from './queue.ts'

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
] as const
export const OVERRIDE_KEYS = ['state', 'snapshot', 'log'] as const

/** `ARGV` of every script that begins with room.lua, in order. */
export const ROOM_ARGUMENTS = [
  'sale',
  'floor',
  'seen_epoch',
  'seen_place',
  'seen_serving',
  'recovery_ms',
  'total_active_users',
  'new_users_per_minute',
  'burst',
  'paused',
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
  join: ['visitor', 'proof'],
  enter: ['visitor', 'session'],
  claim: ['visitor', 'session', 'place'],
  renew: ['session', 'session_end', 'token_expires_at'],
  leave: ['visitor', 'session', 'token_expires_at'],
  advance: ['room', 'message', 'call_limit', 'front_size', 'fresh_ms', 'snapshot_ttl_ms', 'poll_after_ms'],
} as const
export const OVERRIDE_ARGUMENTS = ['log_limit', 'setting', 'value'] as const

/** Every client has seen the new epoch once, even one whose poll had just gone when the store was lost. */
export const RECOVERY_MS = 2 * LONGEST_POLL_MS
/** Bounds one run: 200,000 at once take 57 ms of the single thread (measured). */
const REAP_LIMIT = 1_000
const CALL_LIMIT = 2_000
const FRONT_SIZE = 50
/** Two refreshes at once do the work once; far below the second between refreshes of one isolate. */
const FRESH_MS = 200
const SNAPSHOT_TTL_MS = 60_000
const LOG_LIMIT = 200

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

export function roomArguments(room: Room, seen: Seen): string[] {
  return spell(ROOM_ARGUMENTS, {
    sale: room.sale.name,
    floor: room.floorPlace,
    seen_epoch: seen.epoch,
    seen_place: seen.place,
    seen_serving: seen.serving,
    recovery_ms: RECOVERY_MS,
    total_active_users: room.total_active_users,
    new_users_per_minute: room.new_users_per_minute,
    burst: room.burst,
    paused: room.paused,
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

export const joinArguments = (entries: readonly JoinEntry[]): string[] =>
  entries.flatMap(({ visitor, provenPlace = 0 }) =>
    spell(SCRIPT_ARGUMENTS.join, { visitor, proof: provenPlace }),
  )

export const enterArguments = (entries: readonly EnterEntry[]): string[] =>
  entries.flatMap(({ visitor, session }) => spell(SCRIPT_ARGUMENTS.enter, { visitor, session }))

export const claimArguments = (entries: readonly ClaimEntry[]): string[] =>
  entries.flatMap(({ visitor, session, place }) => spell(SCRIPT_ARGUMENTS.claim, { visitor, session, place }))

export const renewArguments = (entries: readonly RenewEntry[]): string[] =>
  entries.flatMap(({ session, sessionEndMs, tokenExpiresAtMs }) =>
    spell(SCRIPT_ARGUMENTS.renew, {
      session,
      session_end: sessionEndMs,
      token_expires_at: tokenExpiresAtMs,
    }),
  )

export const leaveArguments = (entries: readonly LeaveEntry[]): string[] =>
  entries.flatMap(({ visitor, session = '', tokenExpiresAtMs = 0 }) =>
    spell(SCRIPT_ARGUMENTS.leave, { visitor, session, token_expires_at: tokenExpiresAtMs }),
  )

export const advanceArguments = (room: Room): string[] =>
  spell(SCRIPT_ARGUMENTS.advance, {
    room: room.id,
    message: JSON.stringify(room.message),
    call_limit: CALL_LIMIT,
    front_size: FRONT_SIZE,
    fresh_ms: FRESH_MS,
    snapshot_ttl_ms: SNAPSHOT_TTL_MS,
    poll_after_ms: SNAPSHOT_POLL_MS,
  })

/** `null` clears; a setting left out stays as it is. */
export function overrideArguments(changes: {
  readonly [K in keyof LiveSettings]?: LiveSettings[K] | null
}): string[] {
  const list = [String(LOG_LIMIT)]
  for (const [setting, value] of Object.entries(changes)) {
    if (value !== undefined) list.push(setting, value === null ? '' : JSON.stringify(value))
  }
  return list
}
