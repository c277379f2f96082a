// The tokens that a request presents, verified: the queue token (cookie, or `Authorization: Bearer` on the queue's own
// routes) and the pass (cookie, or `Waiting-Room-Token`). A header goes before a cookie. Nothing here asks Redis.

import type { Room } from '../src/config/room.ts'
import { verifyAdmissionToken, type AdmissionClaims } from '../src/tokens/admission-token.ts'
import { verifyQueueToken, type QueueClaims } from '../src/tokens/queue-token.ts'
import type { TokenFault } from '../src/tokens/verdict.ts'
import { cookieName, readCookie } from './cookies.ts'
import type { Isolate } from './isolate.ts'

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

/** A token of another sale, or below the sale's floor, is worth nothing. A valid one raises what the isolate has seen. */
export async function presentedQueueToken(
  request: Request,
  { isolate, room, nowMs }: Place,
): Promise<Presented<QueueClaims>> {
  const found = find(bearerToken(request), request, cookieName('queue', room.id, isolate.config.cookies))
  if (found === undefined) return { status: 'none' }
  const { issuer, queueKeys } = isolate.config
  const verdict = await verifyQueueToken(found.token, queueKeys, { issuer, room: room.id, nowMs })
  if (!verdict.ok) return { status: 'invalid', reason: verdict.reason, by: found.by }
  const { claims } = verdict
  if (claims.sale !== room.sale.name) return { status: 'invalid', reason: 'sale', by: found.by }
  if (claims.place < room.floorPlace) return { status: 'invalid', reason: 'floor', by: found.by }
  isolate.queues.get(room.id)?.seen.observe(claims)
  return { status: 'valid', claims, ...found }
}

/** `allowExpired` admits a token whose life is over to the question whether its session still lives. */
export async function presentedPass(
  request: Request,
  { isolate, room, nowMs }: Place,
  { allowExpired }: { allowExpired: boolean },
): Promise<Presented<AdmissionClaims>> {
  const header = request.headers.get(PASS_HEADER) ?? undefined
  const found = find(header, request, cookieName('pass', room.id, isolate.config.cookies))
  if (found === undefined) return { status: 'none' }
  const remembered = isolate.verified.get(found.token, nowMs)
  const verdict =
    remembered?.room === room.id
      ? { ok: true as const, claims: remembered }
      : await verifyAdmissionToken(found.token, isolate.config.admissionKeys.verify, {
          issuer: isolate.config.issuer,
          room: room.id,
          nowMs,
          allowExpired,
        })
  if (!verdict.ok) return { status: 'invalid', reason: verdict.reason, by: found.by }
  if (verdict.claims.sale !== room.sale.name) return { status: 'invalid', reason: 'sale', by: found.by }
  isolate.verified.remember(found.token, verdict.claims)
  return { status: 'valid', claims: verdict.claims, ...found }
}

export function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

function find(header: string | undefined, request: Request, cookie: string) {
  if (header !== undefined) return { token: header, by: 'header' as const }
  const value = readCookie(request.headers.get('cookie'), cookie)
  return value === undefined ? undefined : { token: value, by: 'cookie' as const }
}
