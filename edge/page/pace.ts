// When to ask next, as pure functions of what is known; randomness is an argument. Called by `waiting.ts`.

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

/**
 * After an answer: `paceMs` is what the position asks for. A page that is looked at is livelier within the last
 * thousand; a hidden one is slower, but with its jitter never over 15 s, so that a call finds it in time.
 */
export function pollDelayMs(
  paceMs: number,
  { position, hidden, random }: { position: number; hidden: boolean; random: number },
): number {
  if (hidden) return jitter(HIDDEN_MS / MOST_JITTER, random)
  return jitter(position <= LIVELY_POSITION ? Math.min(LIVELY_MS, paceMs) : paceMs, random)
}

/** After `failures` failures in a row: doubling from 1 s to 30 s, spread over its upper half, never before `Retry-After`. */
export function retryDelayMs(
  failures: number,
  { afterMs, random }: { afterMs: number | undefined; random: number },
): number {
  const ceilingMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
  return Math.round(Math.max(afterMs ?? 0, 0) + (ceilingMs / 2) * (1 + random))
}
