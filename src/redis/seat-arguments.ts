// What the seat scripts are given: names of keys and arguments as data, and their spelling as text.
// Used by seats.ts alone; a test compares the names with the header of each script.

import { performanceKeys } from './keys.ts'

/** `KEYS` of every seat script, in order. */
export const SEAT_KEYS = ['map', 'holds', 'holders', 'state', 'deltas'] as const

/** `ARGV` that every seat script begins with, in order. */
export const SEAT_ARGUMENTS = ['reap_limit', 'memory_ms'] as const

/** What follows them. */
export const SEAT_SCRIPT_ARGUMENTS = {
  hold: ['hold_id', 'session', 'ttl_ms', 'max_life_ms', 'ordinals', 'session_limit'],
  read: ['hold_id'],
  extend: ['hold_id', 'session', 'ttl_ms'],
  release: ['hold_id', 'session'],
  confirm: ['hold_id', 'ordinals'],
  free: ['request_id', 'ordinals'],
  availability: ['since'],
  counts: [],
  list: ['session'],
  rebuild: ['seen_version', 'fresh'],
} as const

export type SeatScript = keyof typeof SEAT_SCRIPT_ARGUMENTS

/** Bounds what one run ends in passing: 50 holds of four seats are about 450 commands. */
const REAP_LIMIT = 50
/** Far longer than any client repeats a request by itself, and as long as a browser may keep its Idempotency-Key. */
const MEMORY_MS = 10 * 60_000
/** Lua's `unpack` holds about 8,000 values, and a hold needs two a seat. */
const ORDINALS_LIMIT = 1_000

export const seatKeyList = (performance: string): string[] => {
  const keys = performanceKeys(performance)
  return SEAT_KEYS.map((name) => keys[name])
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

/** The map as Postgres knows it: blocked seats, over them the sold ones, all others free. */
export function freshMap({
  seats,
  sold,
  blocked,
}: {
  seats: number
  sold: readonly number[]
  blocked: readonly number[]
}): string {
  const marks = Array.from({ length: seats }, () => 'f')
  for (const [mark, ordinals] of [
    ['b', blocked],
    ['s', sold],
  ] as const) {
    for (const ordinal of ordinals) {
      if (!(ordinal in marks)) throw new RangeError(`seat ${ordinal} lies outside a hall of ${seats} seats`)
      marks[ordinal] = mark
    }
  }
  return marks.join('')
}
