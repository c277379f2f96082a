// Puts a visitor back by what a queue token proves: a reload, a second tab, a place from before a loss, an entry that was
// drawn since. Called by `join` and `claim`, and limited by visitor alike: leaving and coming back in a loop is abuse,
// whatever token it is done with. Who comes back once after a loss, with a few tabs, stays far below.

import type { QueueClaims } from '../src/tokens/queue-token.ts'
import type { JoinVerdict } from './join-limit.ts'
import { joinQueue, type Joined } from './join-queue.ts'
import type { Work } from './passes.ts'
import { Refusal } from './refusal.ts'
import type { RoomQueue } from './room-queue.ts'

/** Throws rate_limited, and what `joinQueue` throws. */
export async function rejoin(queue: RoomQueue, { visitor, place }: QueueClaims, work: Work): Promise<Joined> {
  requireAllowed(work.isolate.joinLimit.checkReturn(visitor, work.nowMs))
  return await joinQueue(queue, { visitor, provenPlace: place }, work)
}

export function requireAllowed(verdict: JoinVerdict): void {
  if (verdict.allowed) return
  throw new Refusal('rate_limited', {
    detail: 'Too many joins; a place that was given is not affected.',
    retryAfterSeconds: verdict.retryAfterSeconds,
    reason: verdict.by,
  })
}
