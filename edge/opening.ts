// When a room that is not open yet takes its first visitor, by the times of its snapshot. Pure; used by the gate's answer
// to programs and by `join`.

import { msToRfc3339, msToSecondsUp } from '../src/time.ts'
import type { Snapshot } from '../src/redis/queue.ts'

/** `null` where the room waits for no time; `Retry-After` counts by the clock of Redis. */
export function openingOf({ prequeueAt, startsAt, at }: Pick<Snapshot, 'prequeueAt' | 'startsAt' | 'at'>): {
  readonly opensAt: string
  readonly retryAfterSeconds: number
} | null {
  const opensAtMs = prequeueAt ?? startsAt
  if (opensAtMs === null) return null
  return { opensAt: msToRfc3339(opensAtMs), retryAfterSeconds: Math.max(1, msToSecondsUp(opensAtMs - at)) }
}
