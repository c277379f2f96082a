// Counts calls by caller in the current minute, in the isolate alone. Bounded: who called least recently is forgotten first.
// Used by both Workers in front of limits that are counted in Redis.

import { MS_PER_MINUTE } from './time.ts'

const MAX_COUNTED = 10_000

export class MinuteCounter {
  readonly #counts = new Map<string, { windowStartMs: number; count: number }>()

  /** Counts one more and answers how many that makes, and when the window ends. */
  add(key: string, nowMs: number): { count: number; endsAtMs: number } {
    const known = this.#counts.get(key)
    const current =
      known !== undefined && Math.abs(nowMs - known.windowStartMs) < MS_PER_MINUTE
        ? known
        : { windowStartMs: nowMs, count: 0 }
    current.count += 1
    this.#counts.delete(key)
    this.#counts.set(key, current)
    if (this.#counts.size > MAX_COUNTED) {
      const oldest = this.#counts.keys().next()
      if (oldest.done !== true) this.#counts.delete(oldest.value)
    }
    return { count: current.count, endsAtMs: current.windowStartMs + MS_PER_MINUTE }
  }
}
