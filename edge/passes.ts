// Makes passes (admission tokens) from what Redis decided: by a claim, by entering a quiet room, or without Redis where the
// room lets everyone through; sets and clears their cookies. Called by the gate and by the routes of a visitor; `renewal.ts`
// gives them a new life.

import type { Room } from '../src/config/room.ts'
import type { SessionId, VisitorId } from '../src/ids.ts'
import { QUIET_PLACE, sessionIdFrom } from '../src/queue/session-id.ts'
import type { ClaimOutcome } from '../src/redis/queue.ts'
import { msToSeconds, secondsToMs } from '../src/time.ts'
import {
  LONGEST_EXTENSION_MS,
  sessionLimitMs,
  signAdmissionToken,
  type AdmissionClaims,
} from '../src/tokens/admission-token.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'
import type { WaitUntil } from './coalescer.ts'
import { cookieName, setCookie, type CookieKind } from './cookies.ts'
import type { Isolate } from './isolate.ts'
import type { RoomQueue } from './room-queue.ts'
import { randomKey } from './visitor.ts'

export interface Pass {
  readonly token: string
  readonly claims: AdmissionClaims
}

export interface Work {
  readonly isolate: Isolate
  readonly nowMs: number
  readonly waitUntil: WaitUntil
}

export type Claimed =
  | { readonly status: 'admitted'; readonly pass: Pass }
  | { readonly status: Exclude<ClaimOutcome['status'], 'admitted'> }

/** Turns a call into a pass; a repeat finds the same session. */
export async function claimPass(queue: RoomQueue, claims: QueueClaims, work: Work): Promise<Claimed> {
  const { visitor, place } = claims
  const session = sessionIdFrom(visitor, place)
  const { spent } = queue.seen
  const entry = { visitor, session, place, spent: spent.has(session) }
  const outcome = await queue.claim.add(entry, work.waitUntil)
  if (outcome.status !== 'admitted') return outcome
  spent.note(session)
  return { status: 'admitted', pass: await passFrom(queue.room, { visitor, session, ...outcome }, work) }
}

/** Enters a quiet room as a new visitor; `undefined` when it is not quiet after all. */
export async function enterPass(queue: RoomQueue, work: Work): Promise<Pass | undefined> {
  const visitor = await work.isolate.deriveVisitor(queue.room, randomKey())
  const session = sessionIdFrom(visitor, QUIET_PLACE)
  const outcome = await queue.enter.add({ visitor, session }, work.waitUntil)
  return outcome.status === 'wait' ? undefined : passFrom(queue.room, { visitor, session, ...outcome }, work)
}

/** A pass without asking Redis, where everyone is let through; a later renewal registers its session. */
export async function openPass(room: Room, work: Work): Promise<Pass> {
  const visitor = await work.isolate.deriveVisitor(room, randomKey())
  const session = sessionIdFrom(visitor, QUIET_PLACE)
  const expiresAtMs = work.nowMs + room.sessionMs
  return passFrom(room, { visitor, session, startedAtMs: work.nowMs, expiresAtMs }, work)
}

/**
 * Ends the session of a pass while its response is on its way, and answers the cookies that clear it. Redis is told behind
 * the response; where it cannot be, the session ends by itself after `session_duration`, and the log says so.
 */
export function endSession(
  queue: RoomQueue,
  { visitor, session }: Pick<AdmissionClaims, 'visitor' | 'session'>,
  { isolate, waitUntil }: Work,
): string[] {
  const { room, store, seen } = queue
  seen.ended.note(session)
  waitUntil(
    store.leave(room, [{ visitor, session }], seen.value).catch((error: unknown) => {
      const fields = { event: 'session_end_failed', room: room.id, message: String(error) }
      console.error(JSON.stringify({ level: 'error', ...fields }))
    }),
  )
  return clearedCookies(room, isolate.config.cookies)
}

/**
 * Sets the pass, for as long as the session can last if it is extended: longer than the token, since the gate renews an
 * expired one, and longer than the session, since a response that was under way when another extended it may arrive last.
 * Clears the queue token, whose place has been used: whoever comes back after the session is a newcomer.
 */
export function admissionCookies(
  { token, claims }: Pass,
  { isolate, nowMs }: Pick<Work, 'isolate' | 'nowMs'>,
): string[] {
  const mode = isolate.config.cookies
  const maxAgeSeconds = msToSeconds(claims.sessionEndMs + LONGEST_EXTENSION_MS - nowMs)
  return [
    setCookie(cookieName('pass', claims.room, mode), token, { mode, maxAgeSeconds }),
    setCookie(cookieName('queue', claims.room, mode), '', { mode, maxAgeSeconds: 0 }),
  ]
}

/** Clears cookies of the room, whose tokens are worth nothing any more. */
export function clearedCookies(
  room: Room,
  mode: 'secure' | 'plain',
  kinds: readonly CookieKind[] = ['queue', 'pass'],
): string[] {
  return kinds.map((kind) => setCookie(cookieName(kind, room.id, mode), '', { mode, maxAgeSeconds: 0 }))
}

function passFrom(
  room: Room,
  session: { visitor: VisitorId; session: SessionId; startedAtMs: number; expiresAtMs: number },
  work: Work,
): Promise<Pass> {
  const claims = {
    room: room.id,
    visitor: session.visitor,
    session: session.session,
    sale: room.sale.name,
    sessionEndMs: session.startedAtMs + room.sessionMaxMs,
  }
  return signPass(room, claims, session.expiresAtMs, work)
}

/**
 * The token lives its time, and never longer than the session as it stands in Redis. A session that stands there beyond its
 * end has been extended, by a request that this token knows nothing of: the new one does.
 */
export async function signPass(
  room: Room,
  session: Omit<AdmissionClaims, 'expiresAtMs'>,
  sessionExpiresAtMs: number,
  { isolate, nowMs }: Work,
): Promise<Pass> {
  // In whole seconds, as the token carries them: what is remembered here is what every other isolate reads.
  const lasting = withExtension(session, wholeSeconds(sessionExpiresAtMs))
  const expiresAtMs = Math.min(nowMs + room.admissionTokenTtlMs, sessionExpiresAtMs, sessionLimitMs(lasting))
  const claims = { ...lasting, expiresAtMs: wholeSeconds(expiresAtMs) }
  const { issuer, admissionKeys } = isolate.config
  const token = await signAdmissionToken(claims, admissionKeys, { issuer, nowMs })
  isolate.verified.remember(token, claims)
  return { token, claims }
}

function withExtension(
  session: Omit<AdmissionClaims, 'expiresAtMs'>,
  standsUntilMs: number,
): Omit<AdmissionClaims, 'expiresAtMs'> {
  const sessionEndMs = wholeSeconds(session.sessionEndMs)
  const untilMs = Math.max(session.extendedUntilMs ?? 0, standsUntilMs > sessionEndMs ? standsUntilMs : 0)
  return { ...session, sessionEndMs, ...(untilMs > 0 && { extendedUntilMs: untilMs }) }
}

const wholeSeconds = (ms: number): number => secondsToMs(msToSeconds(ms))
