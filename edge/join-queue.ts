// Puts one visitor into a room's queue and signs the queue token. Called by `join`, and by `claim` for a visitor whom
// the store has forgotten. Safe to repeat: the visitor decides the place, and Redis gives a visitor one place.

import { Problem } from '../src/problem.ts'
import { sessionIdFrom } from '../src/queue/session-id.ts'
import type { JoinEntry, JoinOutcome, SnapshotDocument } from '../src/redis/queue.ts'
import { msToSecondsUp } from '../src/time.ts'
import { signQueueToken, type QueueClaims } from '../src/tokens/queue-token.ts'
import { cookieName, setCookie } from './cookies.ts'
import { openingOf } from './opening.ts'
import { clearedCookies, type Work } from './passes.ts'
import { viewOf, type QueueView } from './queue-view.ts'
import { Refusal } from './refusal.ts'
import type { RoomQueue } from './room-queue.ts'

/** A day: longer than any queue, short enough that a forgotten browser forgets. */
const QUEUE_TOKEN_TTL_SECONDS = 86_400
/** Where no time is known. */
const RETRY_AFTER_SECONDS = 30

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
  const { visitor, provenPlace } = entry
  const spent = provenPlace !== undefined && queue.seen.spent.has(sessionIdFrom(visitor, provenPlace))
  const outcome = await queue.join.add({ ...entry, spent }, work.waitUntil)
  if (outcome.status === 'missed' || outcome.status === 'refused') {
    // The place is over; a session that the visitor may have is not.
    const cookies = clearedCookies(room, mode, ['queue'])
    const document = queue.snapshot.held ?? (await queue.snapshot.get(work.waitUntil))
    throw refusal(outcome, { cookies, document })
  }
  const { place, calledTotal, leftTotal, epoch } = outcome
  const ahead = 'ahead' in outcome ? outcome.ahead : 0
  const claims: QueueClaims = {
    room: room.id,
    visitor: entry.visitor,
    sale: room.sale.name,
    epoch,
    place,
    ahead,
    calledTotal,
    leftTotal,
    ...(outcome.status === 'entered' && {
      entry: { number: outcome.number, entries: outcome.entries, head: outcome.head },
    }),
  }
  // A pre-queue may be open for days: the token outlives the opening by as much as any other.
  const opensAtMs = queue.snapshot.held?.snapshot.startsAt ?? room.eventStartMs
  const untilOpeningSeconds = Math.max(0, msToSecondsUp(opensAtMs - work.nowMs))
  const ttlSeconds = untilOpeningSeconds + QUEUE_TOKEN_TTL_SECONDS
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
  { snapshot }: SnapshotDocument,
  status?: 'waiting' | 'called' | 'admitted' | 'entered',
): QueueView {
  const view = viewOf(claims, snapshot, {
    room,
    random: Math.random,
    admitted: status === 'admitted',
  })
  // To the store an entry waits like everyone; to its visitor it is no place yet.
  return status === undefined || claims.entry !== undefined ? view : { ...view, state: status }
}

function refusal(
  outcome: JoinOutcome & { status: 'missed' | 'refused' },
  { cookies, document }: { cookies: readonly string[]; document: SnapshotDocument },
): Problem {
  if (outcome.status === 'missed') {
    return new Refusal('call_missed', {
      detail:
        'The call was missed and the late return is over; join again without this token for a new place.',
      reason: 'missed',
      cookies,
    })
  }
  switch (outcome.reason) {
    case 'idle': {
      const opening = openingOf(document.snapshot)
      return new Problem('room_closed', {
        detail: 'The room is not open yet; join from opensAt on.',
        retryAfterSeconds: opening?.retryAfterSeconds ?? RETRY_AFTER_SECONDS,
        extensions: { opensAt: opening?.opensAt ?? null },
      })
    }
    case 'closed':
      return new Problem('room_closed', {
        detail: 'The room takes nobody at present.',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
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
