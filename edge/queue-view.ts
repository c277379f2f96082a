// What a visitor is told about a place: the fields of join and status, computed from the queue token and the snapshot
// alone. Pure but for the jitter that is handed in. The schemas are what the API description shows.

import { z } from 'zod'
import type { Room } from '../src/config/room.ts'
import { etaSeconds, pollAfterMs, positionFrom } from '../src/queue/position.ts'
import type { Snapshot } from '../src/redis/queue.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'

const count = z.int().min(0)

export const queueView = z.object({
  room: z.string(),
  visitor: z.string().describe('Opaque id of this visitor; its first characters serve as a reference.'),
  state: z.enum(['waiting', 'called', 'admitted']),
  place: count.describe('Microseconds; orders the queue and never changes.'),
  ahead: count.describe('How many were ahead when the place was last confirmed.'),
  calledTotal: count.describe('The counter of called visitors at that moment.'),
  leftTotal: count.describe('The counter of visitors who had left uncalled at that moment.'),
  epoch: count,
  position: z.int().min(1).describe('How many are ahead now, plus one.'),
  etaSeconds: z
    .object({ low: z.number().min(0), high: z.number().min(0).nullable() })
    .nullable()
    .describe('Expected wait; null where nothing lets it be told.'),
  pollAfterMs: count.describe('When to look again; differs a little each time, so that clients spread.'),
})
export type QueueView = z.infer<typeof queueView>

export const joined = queueView.extend({ queueToken: z.string() })

/** ± 20 % of the polling interval. */
const JITTER = 0.2

/** Live settings as far as they matter here: the rate that the wait is computed from. */
export function viewOf(
  claims: QueueClaims,
  snapshot: Snapshot,
  {
    room,
    newUsersPerMinute,
    random,
    admitted = false,
  }: { room: Room; newUsersPerMinute: number; random: () => number; admitted?: boolean },
): QueueView {
  const { position, called } = positionFrom(claims, snapshot)
  const eta = etaSeconds(position, {
    admittedPerMinute: snapshot.admittedPerMinute,
    newUsersPerMinute,
    state: snapshot.state,
  })
  const intervalMs = pollAfterMs(position, { eta, claimWindowMs: room.claimWindowMs })
  return {
    room: room.id,
    visitor: claims.visitor,
    state: admitted ? 'admitted' : called ? 'called' : 'waiting',
    place: claims.place,
    ahead: claims.ahead,
    calledTotal: claims.calledTotal,
    leftTotal: claims.leftTotal,
    epoch: claims.epoch,
    position: admitted ? 1 : position,
    etaSeconds: eta ?? null,
    pollAfterMs: Math.round(intervalMs * (1 - JITTER + 2 * JITTER * random())),
  }
}
