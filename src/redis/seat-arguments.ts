// What the seat scripts are given: names of keys and arguments as data, and their spelling as text.
// Used by seats.ts alone; a test compares the names with the header of each script.

import type { RoomId } from '../ids.ts'
import { performanceKeys, roomKeys } from './keys.ts'
import type { BaseMark } from './seat-marks.ts'

/** `KEYS` of every seat script, in order. */
export const SEAT_KEYS = ['map', 'holds', 'holders', 'state', 'deltas', 'base', 'layout'] as const

/** What follows for scripts that make a hold, where a room is to be asked. */
export const TAKE_KEYS = ['ended'] as const

/** `ARGV` that every seat script begins with, in order. */
export const SEAT_ARGUMENTS = ['reap_limit', 'memory_ms'] as const

/** What follows them in scripts that make a hold. */
export const TAKE_ARGUMENTS = [
  'hold_id',
  'session',
  'ttl_ms',
  'max_life_ms',
  'session_limit',
  'extensions',
  'replaces',
  'asked',
] as const

/** What follows them. */
export const SEAT_SCRIPT_ARGUMENTS = {
  hold: [...TAKE_ARGUMENTS, 'ordinals', 'partial', 'accessible'],
  best: [...TAKE_ARGUMENTS, 'quantity', 'section', 'tier', 'accessible', 'seed'],
  areas: [...TAKE_ARGUMENTS, 'areas'],
  read: ['hold_id'],
  extend: ['hold_id', 'session', 'ttl_ms', 'request_id', 'counts'],
  release: ['hold_id', 'session'],
  confirm: ['hold_id', 'ordinals'],
  free: ['request_id', 'ordinals'],
  change: ['request_id', 'ordinals', 'mark'],
  audit: ['hold_ids'],
  availability: ['since'],
  counts: [],
  list: ['session'],
  rebuild: ['seen_version', 'fresh', 'fresh_base', 'fresh_layout'],
} as const

export type SeatScript = keyof typeof SEAT_SCRIPT_ARGUMENTS

/** Bounds what one run ends in passing: 50 holds of four seats are about 450 commands. */
const REAP_LIMIT = 50
/** Far longer than any client repeats a request by itself, and as long as a browser may keep its Idempotency-Key. */
const MEMORY_MS = 10 * 60_000
/** Lua's `unpack` holds about 8,000 values, and a hold needs two a seat. */
export const ORDINALS_LIMIT = 1_000

/** With `room` also the key by which that room refuses sessions that have ended. */
export const seatKeyList = (performance: string, room?: RoomId): string[] => {
  const keys = performanceKeys(performance)
  const own = SEAT_KEYS.map((name) => keys[name])
  return room === undefined ? own : [...own, ...TAKE_KEYS.map((name) => roomKeys(room)[name])]
}

export function seatArguments<Name extends SeatScript>(
  script: Name,
  values: { readonly [K in (typeof SEAT_SCRIPT_ARGUMENTS)[Name][number]]: string | number },
): string[] {
  const byName: Readonly<Record<string, string | number>> = {
    ...values,
    reap_limit: REAP_LIMIT,
    memory_ms: MEMORY_MS,
  }
  return [...SEAT_ARGUMENTS, ...SEAT_SCRIPT_ARGUMENTS[script]].map((name) => String(byName[name]))
}

/** Ascending and without repeats, as the scripts expect them. Throws RangeError for what is no list of ordinals: a bug. */
export function ordinalList(ordinals: readonly number[]): string {
  const sorted = [...new Set(ordinals)].toSorted((a, b) => a - b)
  if (sorted.length === 0 || sorted.length > ORDINALS_LIMIT) {
    throw new RangeError(`${sorted.length} seats at once: must be 1 to ${ORDINALS_LIMIT}`)
  }
  const wrong = sorted.find((ordinal) => !Number.isSafeInteger(ordinal) || ordinal < 0)
  if (wrong !== undefined) throw new RangeError(`${wrong} is not the ordinal of a seat`)
  return sorted.join(',')
}

/** Each section once, its quantities added up. Throws RangeError for what is no quantity of places: a bug. */
export function areaList(areas: readonly { section: string; quantity: number }[]): string {
  const wanted = new Map<string, number>()
  for (const { section, quantity } of areas) wanted.set(section, (wanted.get(section) ?? 0) + quantity)
  const total = [...wanted.values()].reduce((sum, quantity) => sum + quantity, 0)
  if (
    total < 1 ||
    total > ORDINALS_LIMIT ||
    [...wanted.values()].some((n) => !Number.isSafeInteger(n) || n < 1)
  ) {
    throw new RangeError(`${total} places at once: must be 1 to ${ORDINALS_LIMIT}`)
  }
  return Array.from(wanted, ([section, quantity]) => `${section} ${quantity}`).join(',')
}

/** What Postgres knows of a hall of `seats` seats. A seat may be in several lists: sold wins over blocked over accessible. */
export interface KnownSeats {
  readonly seats: number
  readonly sold: readonly number[]
  /** Not for sale: blocked, or the house's own. */
  readonly blocked: readonly number[]
  /** Kept for those who say that they need them. */
  readonly accessible?: readonly number[]
}

/** The map as Postgres knows it, and the same without what is sold: what a sold seat is once it is given back. */
export function freshMaps({ seats, sold, blocked, accessible = [] }: KnownSeats): {
  readonly fresh: string
  readonly base: string
} {
  const marks = Array.from({ length: seats }, (): BaseMark | 's' => 'f')
  const mark = (ordinals: readonly number[], as: BaseMark | 's') => {
    for (const ordinal of ordinals) {
      if (!(ordinal in marks)) throw new RangeError(`seat ${ordinal} lies outside a hall of ${seats} seats`)
      marks[ordinal] = as
    }
    return marks.join('')
  }
  mark(accessible, 'a')
  const base = mark(blocked, 'b')
  return { fresh: mark(sold, 's'), base }
}
