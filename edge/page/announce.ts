// What a screen reader is told, and when: each new stage once, the position only where it means something, a countdown
// four times. Pure; called by `speech.ts` with what was said last. Never speaks each second.

/** Positions worth interrupting somebody for. */
const THRESHOLDS = [10_000, 5_000, 2_500, 1_000, 500, 250, 100, 50, 25, 10, 5, 3, 2, 1] as const
/** Time left worth interrupting somebody for. */
const SPOKEN_SECONDS = [300, 120, 60, 30] as const

/** True when a threshold lies between the position last spoken and this one; always for the first. */
export function worthSaying(position: number, lastSaid: number | undefined): boolean {
  if (lastSaid === undefined) return true
  return THRESHOLDS.some((threshold) => position <= threshold && lastSaid > threshold)
}

/**
 * The seconds to speak of when a countdown has come from `beforeMs` to `leftMs`, or undefined. A tab that slept through
 * several speaks of the last only.
 */
export function secondsToSay(leftMs: number, beforeMs: number | undefined): number | undefined {
  if (beforeMs === undefined || leftMs <= 0) return undefined
  return SPOKEN_SECONDS.findLast((seconds) => leftMs <= seconds * 1_000 && beforeMs > seconds * 1_000)
}
