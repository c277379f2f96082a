// Admission to the origin: the token that the edge puts on each forwarded request, verified here again with the public
// keys alone, and the holds of its session. Called by every protected route before it does anything. Whether the session
// was ended before its token's end is not asked: that is the edge's question, and the token lives a minute.

import type { Context } from 'hono'
import type { RoomId, SessionId } from '../src/ids.ts'
import { Problem } from '../src/problem.ts'
import type { HeldSeats } from '../src/redis/seats.ts'
import { verifyAdmissionToken, type AdmissionClaims } from '../src/tokens/admission-token.ts'
import type { TokenFault } from '../src/tokens/verdict.ts'
import { VerifiedTokens } from '../src/tokens/verified.ts'
import { findPerformance, type Performance } from './catalogue.ts'
import type { OriginConfig } from './config.ts'
import type { OriginEnv } from './env.ts'
import { logInfo } from './log.ts'

/** Set by the edge, which strips what a client sent under this name. */
const ADMISSION_HEADER = 'Waiting-Room-Token'

/** `<performance>.<random>`: the id names its performance, and so the room whose admission it takes. */
const HOLD_ID = /^([A-Za-z0-9_-]{1,100})\.[A-Za-z0-9_-]{16,64}$/

// By configuration: a token is good for the keys that it was verified with, and two configurations in one process
// (tests, a rotation) must not vouch for each other.
const remembered = new WeakMap<OriginConfig, VerifiedTokens>()

/**
 * Claims of the request's admission token for `room`. Throws the Problem `admission_required`, which tells where to
 * queue, for a token that is missing, broken, of another kind, old, or for another room: all alike on the wire.
 */
export async function requireAdmission(c: Context<OriginEnv>, room: RoomId): Promise<AdmissionClaims> {
  const token = c.req.header(ADMISSION_HEADER)
  const verdict = token === undefined ? 'missing' : await admit(token, c.var.config, room)
  if (typeof verdict !== 'string') return verdict
  logInfo('admission refused', { room, reason: verdict })
  throw notAdmitted(room)
}

export const notAdmitted = (room: RoomId): Problem =>
  new Problem('admission_required', {
    detail: 'Join the queue of this waiting room first; once admitted, the same request is answered.',
    extensions: { room, queueUrl: `/.waiting-room/${room}/join` },
  })

async function admit(
  token: string,
  config: OriginConfig,
  room: RoomId,
): Promise<AdmissionClaims | TokenFault> {
  const nowMs = Date.now()
  const tokens = remembered.get(config) ?? new VerifiedTokens()
  remembered.set(config, tokens)
  const known = tokens.get(token, nowMs)
  if (known !== undefined) return known.room === room ? known : 'audience'
  const { issuer, admissionKeys } = config
  const verdict = await verifyAdmissionToken(token, admissionKeys, { issuer, room, nowMs })
  if (!verdict.ok) return verdict.reason
  tokens.remember(token, verdict.claims)
  return verdict.claims
}

/**
 * The session that the request's token is for, also an old one; `undefined` without a token for `room`. For what is open
 * to everybody and only wants to know who asks: nothing may be allowed by it.
 */
export async function presentedSession(c: Context<OriginEnv>, room: RoomId): Promise<SessionId | undefined> {
  return (await presentedClaims(c, room))?.session
}

/** The claims of such a token, for whom the same holds. */
export async function presentedClaims(
  c: Context<OriginEnv>,
  room: RoomId,
): Promise<AdmissionClaims | undefined> {
  const token = c.req.header(ADMISSION_HEADER)
  if (token === undefined) return undefined
  const { issuer, admissionKeys } = c.var.config
  const options = { issuer, room, nowMs: Date.now(), allowExpired: true }
  const verdict = await verifyAdmissionToken(token, admissionKeys, options)
  return verdict.ok ? verdict.claims : undefined
}

/**
 * A live hold by its id, for its owner. Another's hold and one that never was are the same Problem `not_found`, so that an
 * id tells nothing; only the owner hears `hold_expired`. Throws `admission_required` as well.
 */
export async function ownedHold(c: Context<OriginEnv>, holdId: string): Promise<HeldSeats> {
  const { performance, session } = await admittedToHold(c, holdId)
  const found = await c.var.seats.findHold(performance.id, holdId)
  if (found.status === 'live' && found.hold.session === session) return found.hold
  throw found.status === 'ended' && found.session === session ? holdEnded() : noSuchHold()
}

/** The performance that a hold's id names and the visitor's admission to its room; the hold itself is not looked at. */
export async function admittedToHold(
  c: Context<OriginEnv>,
  holdId: string,
): Promise<{
  readonly performance: Performance
  readonly session: SessionId
  readonly claims: AdmissionClaims
}> {
  const performanceId = performanceOfHold(holdId)
  const performance = performanceId === undefined ? undefined : await findPerformance(c.var.db, performanceId)
  if (performance === undefined) throw noSuchHold()
  const claims = await requireAdmission(c, performance.room)
  return { performance, session: claims.session, claims }
}

/** The performance that a hold's id names; `undefined` for what is no such id. */
export const performanceOfHold = (holdId: string): string | undefined => HOLD_ID.exec(holdId)?.[1]

export const noSuchHold = (): Problem => new Problem('not_found', { detail: 'There is no such hold.' })

export const holdEnded = (): Problem =>
  new Problem('hold_expired', {
    detail: 'This hold has ended and its seats may be with others now; choose seats again.',
  })
