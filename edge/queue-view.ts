// What a visitor is told about a place: the fields of join and status, computed from the queue token and the snapshot
// alone. Pure but for the jitter that is handed in. The schemas are what the API description shows.

import { z } from 'zod'
import type { Room } from '../src/config/room.ts'
import {
  etaSeconds,
  pollAfterMs,
  positionFrom,
  SHORTEST_POLL_MS,
  SNAPSHOT_POLL_MS,
  type Wait,
} from '../src/queue/position.ts'
import type { Snapshot } from '../src/redis/queue.ts'
import { msToSecondsUp } from '../src/time.ts'
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
  roomState: z
    .enum(['idle', 'prequeue', 'drawing', 'open', 'paused', 'recovering', 'closed', 'sold_out', 'suspended'])
    .describe('Of the room, as in the snapshot; in all but `open` nobody is called at present.'),
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
    .describe(
      'Expected wait, in the pre-queue that for the opening included; null where nothing lets it be told.',
    ),
  pollAfterMs: count.describe('When to look again; differs a little each time, so that clients spread.'),
})
export type QueueView = z.infer<typeof queueView>

export const joined = queueView.extend({ queueToken: z.string() })

/** ± 20 % of the polling interval. */
const JITTER = 0.2
/** With its jitter never below five seconds. */
const PAUSED_POLL_MS = 5_000 / (1 - JITTER)

export function viewOf(
  claims: QueueClaims,
  snapshot: Snapshot,
  { room, random, admitted = false }: { room: Room; random: () => number; admitted?: boolean },
): QueueView {
  const spread = (intervalMs: number) => Math.round(intervalMs * (1 - JITTER + 2 * JITTER * random()))
  const shut = shutPollMs(snapshot, { room, spread, random })
  const { entry } = claims
  if (entry !== undefined) {
    return {
      ...held(claims),
      state: 'entered',
      roomState: snapshot.state,
      position: null,
      entry,
      etaSeconds: null,
      pollAfterMs: shut ?? spread(SNAPSHOT_POLL_MS),
    }
  }
  const { position, called } = positionFrom(claims, snapshot)
  const eta = fromNow(etaSeconds(position, snapshot), snapshot)
  const byWait = pollAfterMs(position, { eta, claimWindowMs: room.claimWindowMs })
  const restingMs = snapshot.state === 'paused' ? Math.max(PAUSED_POLL_MS, byWait) : byWait
  // While the last seats may go at any moment everyone looks more often.
  const intervalMs =
    snapshot.pollAfterMs < SNAPSHOT_POLL_MS ? Math.min(restingMs, snapshot.pollAfterMs) : restingMs
  return {
    ...held(claims),
    state: admitted ? 'admitted' : called ? 'called' : 'waiting',
    roomState: snapshot.state,
    position: admitted ? 1 : position,
    etaSeconds: eta ?? null,
    pollAfterMs: shut ?? spread(intervalMs),
  }
}

/** Everyone looks again when the sale opens: spread over this time, short beside the claim window of those called first. */
const OPENING_SPREAD_MS = 5_000

/** Where nobody is called for now: seldom, but nobody sleeps past the opening. `undefined` where the line moves. */
function shutPollMs(
  { state, startsAt, at }: Snapshot,
  {
    room: { claimWindowMs },
    spread,
    random,
  }: { room: Room; spread: (intervalMs: number) => number; random: () => number },
): number | undefined {
  if (state !== 'idle' && state !== 'prequeue' && state !== 'closed' && state !== 'sold_out') return undefined
  // As far away as one can be: the claim window still bounds it, since seats that come back may be called for any time.
  const seldomMs = spread(pollAfterMs(Number.POSITIVE_INFINITY, { claimWindowMs }))
  if (state === 'closed' || state === 'sold_out' || startsAt === null) return seldomMs
  const openingMs = Math.round(
    Math.max(0, startsAt - at) + random() * Math.min(OPENING_SPREAD_MS, claimWindowMs / 2),
  )
  return Math.max(SHORTEST_POLL_MS, Math.min(seldomMs, openingMs))
}

/** Before the opening the wait begins with it. */
function fromNow(wait: Wait | undefined, { state, startsAt, at }: Snapshot): Wait | undefined {
  if (wait === undefined || state !== 'prequeue' || startsAt === null) return wait
  return { ...wait, low: msToSecondsUp(Math.max(0, startsAt - at)) + wait.low }
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
