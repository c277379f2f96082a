// What a screen reader is told, and when: each new stage once, the position only where it means something.
// Pure; called by `view.ts` with what was said last. Never speaks each second.

import type { Wait } from '../../src/queue/position.ts'
import type { Minutes } from './text/en.ts'

/** Positions worth interrupting somebody for. */
const THRESHOLDS = [10_000, 5_000, 2_500, 1_000, 500, 250, 100, 50, 25, 10, 5, 3, 2, 1] as const
/** Beyond it, an end of the wait is not worth naming. */
const LONGEST_MINUTES = 240

/** True when a threshold lies between the position last spoken and this one; always for the first. */
export function worthSaying(position: number, lastSaid: number | undefined): boolean {
  if (lastSaid === undefined) return true
  return THRESHOLDS.some((threshold) => position <= threshold && lastSaid > threshold)
}

/** A wait in whole minutes: rounded outwards, and coarser the longer it is, since it is an estimate. */
export function minutesFrom({ low, high }: Wait): Minutes {
  const far = high ?? low
  const grain = far > 3_600 ? 15 : far > 1_200 ? 5 : 1
  const from = Math.floor(low / 60 / grain) * grain
  const to = high === null ? null : Math.max(1, Math.ceil(high / 60 / grain) * grain)
  return to !== null && to <= LONGEST_MINUTES
    ? { low: from, high: to }
    : { low: Math.min(from, LONGEST_MINUTES), high: null }
}
