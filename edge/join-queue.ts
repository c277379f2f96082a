// Puts one visitor into a room's queue and signs the queue token. Called by `join`, and by `claim` for a visitor whom
// the store has forgotten. Safe to repeat: the visitor decides the place, and Redis gives a visitor one place.

import { Problem } from '../src/problem.ts'
import type { JoinEntry, JoinOutcome, SnapshotDocument } from '../src/redis/queue.ts'
import { signQueueToken, type QueueClaims } from '../src/tokens/queue-token.ts'
import { cookieName, setCookie } from './cookies.ts'
import { clearedCookies, type Work } from './passes.ts'
import { viewOf, type QueueView } from './queue-view.ts'
import { Refusal } from './refusal.ts'
import type { RoomQueue } from './room-queue.ts'

/** A day: longer than any queue, short enough that a forgotten browser forgets. */
const QUEUE_TOKEN_TTL_SECONDS = 86_400

export interface Joined {
  readonly view: QueueView
  readonly queueToken: string
  /** `Set-Cookie` value. */
  readonly cookie: string
}

/** Throws call_missed, room_closed, sold_out, or what the store's failure becomes. */
export async function joinQueue(queue: RoomQueue, entry: JoinEntry, work: Work): Promise<Joined> {
  const { room } = queue
  const { issuer, queueKeys, cookies: mode } = work.isolate.config
  const outcome = await queue.join.add(entry, work.waitUntil)
  if (outcome.status === 'missed' || outcome.status === 'refused') {
    throw refusal(outcome, clearedCookies(room, mode))
  }
  const { place, calledTotal, leftTotal, epoch } = outcome
  const ahead = outcome.status === 'admitted' ? 0 : outcome.ahead
  const claims = {
    room: room.id,
    visitor: entry.visitor,
    sale: room.sale.name,
    epoch,
    place,
    ahead,
    calledTotal,
    leftTotal,
  }
  const ttlSeconds = QUEUE_TOKEN_TTL_SECONDS
  const [queueToken, document] = await Promise.all([
    signQueueToken(claims, queueKeys, { issuer, nowMs: work.nowMs, ttlSeconds }),
    queue.snapshot.get(work.waitUntil),
  ])
  const name = cookieName('queue', room.id, mode)
  return {
    view: currentView(queue, claims, document, outcome.status),
    queueToken,
    cookie: setCookie(name, queueToken, { mode, maxAgeSeconds: ttlSeconds }),
  }
}

/** The fields of join and status; `status` is what Redis said, where it was just asked. */
export function currentView(
  { room }: RoomQueue,
  claims: QueueClaims,
  { snapshot, live }: SnapshotDocument,
  status?: 'waiting' | 'called' | 'admitted',
): QueueView {
  const view = viewOf(claims, snapshot, {
    room,
    newUsersPerMinute: live.new_users_per_minute ?? room.new_users_per_minute,
    random: Math.random,
    admitted: status === 'admitted',
  })
  return status === undefined ? view : { ...view, state: status }
}

function refusal(
  outcome: JoinOutcome & { status: 'missed' | 'refused' },
  cookies: readonly string[],
): Problem {
  if (outcome.status === 'missed') {
    return new Refusal('call_missed', {
      detail: 'The call was missed and the late return is over; join again for a new place.',
      reason: 'missed',
      cookies,
    })
  }
  switch (outcome.reason) {
    case 'closed':
      return new Problem('room_closed', {
        detail: 'The room takes nobody at present.',
        retryAfterSeconds: 30,
      })
    case 'sold_out':
      return new Problem('sold_out', { detail: 'Nothing is left in this sale.' })
    case 'below_floor':
      return new Refusal('token_invalid', {
        detail: 'The token is not valid here; join again without it.',
        reason: 'floor',
        cookies,
      })
  }
}
