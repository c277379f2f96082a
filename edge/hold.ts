// Answers a request that the gate holds: the queue page for people, problem+json for programs. Never stored by a cache.

import type { Room } from '../src/config/room.ts'
import { problemResponse } from '../src/problem.ts'
import { msToSecondsUp } from '../src/time.ts'
import type { SnapshotDocument } from '../src/redis/queue.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'
import type { HoldReason } from './gate.ts'
import { openingOf } from './opening.ts'
import { queuePage } from './queue-page.ts'
import { viewOf } from './queue-view.ts'
import type { RoomQueue } from './room-queue.ts'
import { RESERVED_PREFIX } from './room-match.ts'
import { sameOriginPath } from './same-origin-path.ts'

export interface Held {
  readonly as: 'page' | 'problem'
  readonly because: HoldReason
  readonly place: QueueClaims | undefined
  readonly document: SnapshotDocument | undefined
  /** `Set-Cookie` values that clear what has ended. */
  readonly cleared: readonly string[]
}

/** Where nothing else tells how long. */
const RETRY_AFTER_SECONDS = 5

export function hold(request: Request, queue: RoomQueue, held: Held): Response {
  const { room } = queue
  const base = `${RESERVED_PREFIX}${room.id}`
  const response =
    held.as === 'problem' ? heldProblem(queue, base, held) : heldPage(request, { room, base, held })
  for (const cookie of held.cleared) response.headers.append('set-cookie', cookie)
  return response
}

function heldPage(
  request: Request,
  { room, base, held }: { room: Room; base: string; held: Held },
): Response {
  const { pathname, search } = new URL(request.url)
  const { place, document, because } = held
  // A token of an earlier epoch: the page joins again with it and is put back at its place.
  const current = place !== undefined && place.epoch === document?.snapshot.epoch ? place : undefined
  // In line, or before the opening: the page is what the visitor came for, and the operator says with which status.
  const status = because === 'waiting' || because === 'idle' ? room.queueing_status_code : 503
  const response = queuePage(
    {
      room: room.id,
      title: room.title,
      message: document?.snapshot.message ?? room.message,
      base,
      // A path that begins with two slashes names another host wherever the page uses it as an address.
      returnTo: sameOriginPath(pathname + search, request.url),
      state: because === 'waiting' ? (document?.snapshot.state ?? 'open') : because,
      queue:
        current === undefined || document === undefined
          ? null
          : viewOf(current, document.snapshot, {
              room,
              random: Math.random,
            }),
      claimWindowSeconds: room.claim_window,
      lateGraceSeconds: room.late_grace,
      settings: room.page,
      acceptLanguage: request.headers.get('accept-language'),
      times: document?.snapshot,
      ended: held.cleared.length > 0,
    },
    { status },
  )
  // What crawlers and monitors go by; a sale that is sold out has no time to come.
  if ((status === 429 || status === 503) && because !== 'sold_out') {
    response.headers.set('retry-after', String(retryAfterOf(held)))
  }
  return response
}

function heldProblem({ room: { id: room }, snapshot }: RoomQueue, base: string, held: Held): Response {
  const retryAfterSeconds = retryAfterOf(held)
  const extensions = { room, joinUrl: `${base}/join`, nowUrl: `${base}/now` }
  switch (held.because) {
    case 'waiting':
      return problemResponse('waiting_room', {
        detail: 'Join the queue at joinUrl, and send the admission token with the same request when called.',
        retryAfterSeconds,
        extensions,
      })
    case 'sold_out':
      return problemResponse('sold_out', { detail: 'Nothing is left in this sale.', extensions })
    case 'idle':
      return problemResponse('room_closed', {
        detail: 'The room is not open yet; join the queue at joinUrl from opensAt on.',
        retryAfterSeconds,
        extensions: { ...extensions, opensAt: openingIn(held)?.opensAt ?? null },
      })
    case 'closed':
    case 'reject':
      return problemResponse('room_closed', {
        detail: 'Nobody is let in at present.',
        retryAfterSeconds,
        extensions,
      })
    case 'store_down':
      return problemResponse('store_unavailable', {
        detail:
          snapshot.replaced === undefined
            ? 'The queue cannot be reached at this moment. Places are safe; repeat the same request.'
            : snapshot.replaced.detail,
        retryAfterSeconds,
        extensions,
      })
  }
}

/** Whole seconds: until the room opens, else until the next look is worth it. */
function retryAfterOf(held: Held): number {
  const { document, because } = held
  if (document === undefined) return RETRY_AFTER_SECONDS
  const opening = because === 'idle' ? openingIn(held) : null
  return opening?.retryAfterSeconds ?? Math.max(1, msToSecondsUp(document.snapshot.pollAfterMs))
}

const openingIn = ({ document }: Held) => (document === undefined ? null : openingOf(document.snapshot))
