// The tokens that a request presents, verified: the queue token (cookie, or `Authorization: Bearer` on the queue's own
// routes) and the pass (cookie, or `Waiting-Room-Token`). A header goes before a cookie. Nothing here asks Redis.

import type { Room } from '../src/config/room.ts'
import { isDrawn } from '../src/draw/value.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { DrawSnapshot } from '../src/redis/queue.ts'
import { msToPlace } from '../src/time.ts'
import { verifyAdmissionToken, type AdmissionClaims } from '../src/tokens/admission-token.ts'
import { verifyQueueToken, type QueueClaims } from '../src/tokens/queue-token.ts'
import type { TokenFault } from '../src/tokens/verdict.ts'
import type { WaitUntil } from './coalescer.ts'
import { cookieName, readCookie } from './cookies.ts'
import { resolveEntry } from './drawn-entry.ts'
import type { Isolate } from './isolate.ts'
import type { RoomQueue } from './room-queue.ts'

export const PASS_HEADER = 'waiting-room-token'

export type Presented<Claims> =
  | { readonly status: 'none' }
  | {
      readonly status: 'valid'
      readonly claims: Claims
      readonly token: string
      readonly by: 'cookie' | 'header'
    }
  | {
      readonly status: 'invalid'
      /** For the log. `sale` and `floor`: of another sale, or below the lowest place of this one. */
      readonly reason: TokenFault | 'sale' | 'floor'
      readonly by: 'cookie' | 'header'
    }

interface Place {
  readonly isolate: Isolate
  readonly room: Room
  readonly nowMs: number
}

/**
 * A token of another sale, or below the sale's floor, is worth nothing. A valid one raises what the isolate has seen.
 * That of an entry has the drawn place as soon as the draw is complete.
 */
export async function presentedQueueToken(
  request: Request,
  { isolate, room, nowMs, waitUntil }: Place & { readonly waitUntil: WaitUntil },
): Promise<Presented<QueueClaims>> {
  const found = find(bearerToken(request), request, cookieName('queue', room.id, isolate.config.cookies))
  if (found === undefined) return { status: 'none' }
  const { issuer, queueKeys } = isolate.config
  const verdict = await verifyQueueToken(found.token, queueKeys, { issuer, room: room.id, nowMs })
  if (!verdict.ok) return { status: 'invalid', reason: verdict.reason, by: found.by }
  const { claims } = verdict
  if (claims.sale !== room.sale.name) return { status: 'invalid', reason: 'sale', by: found.by }
  const queue = isolate.queues.get(room.id)
  // A drawn place is no time: what counts is when the token was signed.
  const draws = room.queueing_method === 'lottery' || (queue?.snapshot.held?.snapshot.draw ?? null) !== null
  const given = draws && isDrawn(claims.place) ? msToPlace(claims.issuedAtMs ?? 0) : claims.place
  if (given < room.floorPlace) return { status: 'invalid', reason: 'floor', by: found.by }
  queue?.seen.observe(claims)
  if (claims.entry === undefined || queue === undefined) return { status: 'valid', claims, ...found }
  return { status: 'valid', claims: await resolveEntry(claims, await drawOf(queue, waitUntil)), ...found }
}

/** Where there is no snapshot to be had an entry stays one: the store will say what it knows. */
async function drawOf({ snapshot }: RoomQueue, waitUntil: WaitUntil): Promise<DrawSnapshot | null> {
  try {
    return (await snapshot.get(waitUntil)).snapshot.draw
  } catch (error) {
    if (error instanceof StoreUnavailable) return null
    throw error
  }
}

/** `allowExpired` admits a token whose life is over to the question whether its session still lives. */
export async function presentedPass(
  request: Request,
  { isolate, room, nowMs }: Place,
  { allowExpired }: { allowExpired: boolean },
): Promise<Presented<AdmissionClaims>> {
  const remembered = rememberedPass(request, { isolate, room, nowMs })
  if (remembered !== undefined) return remembered
  const found = findPass(request, { isolate, room })
  if (found === undefined) return { status: 'none' }
  const verdict = await verifyAdmissionToken(found.token, isolate.config.admissionKeys.verify, {
    issuer: isolate.config.issuer,
    room: room.id,
    nowMs,
    allowExpired,
  })
  if (!verdict.ok) return { status: 'invalid', reason: verdict.reason, by: found.by }
  if (verdict.claims.sale !== room.sale.name) return { status: 'invalid', reason: 'sale', by: found.by }
  isolate.verified.remember(found.token, verdict.claims)
  isolate.queues.get(room.id)?.seen.spent.note(verdict.claims.session)
  return { status: 'valid', claims: verdict.claims, ...found }
}

/** The pass, where this isolate has verified or signed it before. It may be past its life, as with `allowExpired`. */
export function rememberedPass(
  request: Request,
  { isolate, room, nowMs }: Place,
): Extract<Presented<AdmissionClaims>, { status: 'valid' }> | undefined {
  const found = findPass(request, { isolate, room })
  if (found === undefined) return undefined
  const claims = isolate.verified.get(found.token, nowMs)
  if (claims === undefined || claims.room !== room.id || claims.sale !== room.sale.name) return undefined
  isolate.queues.get(room.id)?.seen.spent.note(claims.session)
  return { status: 'valid', claims, ...found }
}

const findPass = (request: Request, { isolate, room }: Pick<Place, 'isolate' | 'room'>) =>
  find(
    request.headers.get(PASS_HEADER) ?? undefined,
    request,
    cookieName('pass', room.id, isolate.config.cookies),
  )

export function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

function find(header: string | undefined, request: Request, cookie: string) {
  if (header !== undefined) return { token: header, by: 'header' as const }
  const value = readCookie(request.headers.get('cookie'), cookie)
  return value === undefined ? undefined : { token: value, by: 'cookie' as const }
}
