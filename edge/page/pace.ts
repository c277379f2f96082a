// When to ask next, as pure functions of what is known; randomness is an argument. Called by `waiting.ts`.

import { etaSeconds, pollAfterMs } from '../../src/queue/position.ts'
import type { Snapshot } from './room-data.ts'

/** Longest pause of a hidden tab: half the default claim window, so that a call still finds the visitor in time. */
const HIDDEN_MS = 15_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000

const MOST_JITTER = 1.15

/** Spreads a wait by ±15 %, so that pages that were loaded together do not ask together. */
export function jitter(waitMs: number, random: number): number {
  return Math.round(waitMs * (2 - MOST_JITTER + 2 * (MOST_JITTER - 1) * random))
}

/** Within the last thousand, somebody who looks sees the number fall every few seconds; `now` costs the store nothing. */
const LIVELY_POSITION = 1_000
const LIVELY_MS = 4_000

/** A snapshot that asks for less than this has a reason: news (sold out) must reach every page within seconds. */
const USUAL_CEILING_MS = 5_000
/** Pages under the ceiling still spread: over its last part, never beyond it. */
const CEILING_SPREAD = 0.3

/** `askedMs`: the snapshot's own interval, a ceiling where it is shorter than usual. */
function underCeiling(waitMs: number, { askedMs, random }: { askedMs: number; random: number }): number {
  const isCeiling = askedMs > 0 && askedMs < USUAL_CEILING_MS
  return isCeiling ? Math.min(waitMs, Math.round(askedMs * (1 - CEILING_SPREAD * random))) : waitMs
}

/**
 * After an answer: `paceMs` is what the position asks for. A page that is looked at is livelier within the last
 * thousand; a hidden one is slower, but with its jitter never over 15 s, so that a call finds it in time.
 */
export function pollDelayMs(
  paceMs: number,
  {
    position,
    hidden,
    random,
    askedMs,
  }: { position: number; hidden: boolean; random: number; askedMs: number },
): number {
  const lively = position <= LIVELY_POSITION ? Math.min(LIVELY_MS, paceMs) : paceMs
  return underCeiling(jitter(hidden ? HIDDEN_MS / MOST_JITTER : lively, random), { askedMs, random })
}

/** The pause of one who holds a place, or an entry (no position): the result of a draw is eagerly awaited. */
export function pauseMs(
  snapshot: Snapshot,
  { position, hidden, random }: { position: number | null; hidden: boolean; random: number },
): number {
  const rank = position ?? (snapshot.state === 'drawing' ? LIVELY_POSITION : Number.POSITIVE_INFINITY)
  const paceMs = pollAfterMs(rank, { eta: position === null ? undefined : etaSeconds(position, snapshot) })
  return pollDelayMs(paceMs, { position: rank, hidden, random, askedMs: snapshot.pollAfterMs })
}

/** Where nothing can be waited for (not open, closed, sold out) the page still looks now and then: seats come back. */
const SHUT_POLL_MS = 30_000

export const shutDelayMs = (random: number, askedMs: number): number =>
  underCeiling(jitter(SHUT_POLL_MS, random), { askedMs, random })

/** Every page of the room asks when it opens: spread over this time. No longer, or who reloads by hand comes first. */
const OPENING_SPREAD_MS = 5_000
/** Past the opening by the clock, and the news is not here yet: copies of the snapshot are a little old. */
const OVERDUE_MS = 30_000

/** Brings the next look forward to an opening that comes before it. */
export function openingDelayMs(
  waitMs: number,
  { toOpeningMs, random }: { toOpeningMs: number | undefined; random: number },
): number {
  if (toOpeningMs === undefined || toOpeningMs > waitMs || toOpeningMs < -OVERDUE_MS) return waitMs
  if (toOpeningMs <= 0) return Math.min(waitMs, jitter(LIVELY_MS, random))
  return Math.round(toOpeningMs + random * OPENING_SPREAD_MS)
}

/** After `failures` failures in a row: doubling from 1 s to 30 s, spread over its upper half, never before `Retry-After`. */
export function retryDelayMs(
  failures: number,
  { afterMs, random }: { afterMs: number | undefined; random: number },
): number {
  const ceilingMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
  return Math.round(Math.max(afterMs ?? 0, 0) + (ceilingMs / 2) * (1 + random))
}
