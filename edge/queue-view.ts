// What a visitor is told about a place: the fields of join and status, computed from the queue token and the snapshot
// alone. Pure but for the jitter that is handed in. The schemas are what the API description shows.

import { z } from 'zod'
import type { Room } from '../src/config/room.ts'
import {
  etaSeconds,
  LONGEST_POLL_MS,
  pollAfterMs,
  positionFrom,
  SNAPSHOT_POLL_MS,
} from '../src/queue/position.ts'
import type { Snapshot } from '../src/redis/queue.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'

const count = z.int().min(0)

export const queueView = z.object({
  room: z.string(),
  visitor: z.string().describe('Opaque id of this visitor; its first characters serve as a reference.'),
  state: z
    .enum(['entered', 'waiting', 'called', 'admitted'])
    .describe('`entered`: in a draw that is to come.'),
  place: count.describe(
    'Orders the queue and never changes: microseconds, or a drawn number below all of those.',
  ),
  ahead: count.describe('How many were ahead when the place was last confirmed.'),
  calledTotal: z.int().describe('Calls less late returns at that moment.'),
  leftTotal: z.int().describe('Departures below this place at that moment.'),
  epoch: count,
  position: z.int().min(1).nullable().describe('How many are ahead now, plus one; null before the draw.'),
  entry: z
    .object({
      number: z.int().min(1),
      entries: count.describe('How many there were when this was confirmed.'),
      head: z.string().describe('SHA-256 of the entry file as it stood then.'),
    })
    .optional()
    .describe('In a lottery, while the draw is to come.'),
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
  const spread = (intervalMs: number) => Math.round(intervalMs * (1 - JITTER + 2 * JITTER * random()))
  const { entry } = claims
  if (entry !== undefined) {
    return {
      ...held(claims),
      state: 'entered',
      position: null,
      entry,
      etaSeconds: null,
      pollAfterMs: spread(pendingPollMs(snapshot)),
    }
  }
  const { position, called } = positionFrom(claims, snapshot)
  const eta = etaSeconds(position, {
    admittedPerMinute: snapshot.admittedPerMinute,
    newUsersPerMinute,
    state: snapshot.state,
  })
  const byWait = pollAfterMs(position, { eta, claimWindowMs: room.claimWindowMs })
  // While the last seats may go at any moment everyone looks more often.
  const intervalMs = snapshot.pollAfterMs < SNAPSHOT_POLL_MS ? Math.min(byWait, snapshot.pollAfterMs) : byWait
  return {
    ...held(claims),
    state: admitted ? 'admitted' : called ? 'called' : 'waiting',
    position: admitted ? 1 : position,
    etaSeconds: eta ?? null,
    pollAfterMs: spread(intervalMs),
  }
}

/** Whoever is drawn first is called soon after the opening: nobody may look away until long after it. */
function pendingPollMs({ state, startsAt, at }: Snapshot): number {
  if (state === 'drawing') return SNAPSHOT_POLL_MS
  const untilOpeningMs = startsAt === null ? LONGEST_POLL_MS : startsAt - at
  return Math.min(LONGEST_POLL_MS, Math.max(SNAPSHOT_POLL_MS, untilOpeningMs))
}

/** What the token says as it is. */
const held = ({ room, visitor, place, ahead, calledTotal, leftTotal, epoch }: QueueClaims) => ({
  room,
  visitor,
  place,
  ahead,
  calledTotal,
  leftTotal,
  epoch,
})
