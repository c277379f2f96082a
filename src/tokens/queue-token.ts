// The queue token: signed proof of a place (HS256, for the edge alone). Written by `join`, read by status, claim and leave.
// It lets position be computed without asking Redis, and lets a queue be rebuilt when Redis has lost it.

import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { parseVisitorId, type RoomId, type VisitorId } from '../ids.ts'
import { msToSeconds, secondsToMs } from '../time.ts'
import type { SigningKeys } from './keys.ts'
import { CLOCK_TOLERANCE_SECONDS, tokenFault, type Verdict } from './verdict.ts'

const TYPE = 'queue+jwt'

export interface QueueClaims {
  readonly room: RoomId
  readonly visitor: VisitorId
  /** Name of the sale; a token of another sale is worth nothing. */
  readonly sale: string
  /** Generation of the store in which the place was last confirmed. */
  readonly epoch: number
  /** Microseconds; orders the queue, never changes. */
  readonly place: number
  /** How many were ahead at join, exact. */
  readonly ahead: number
  /** Calls less late returns, as counted when the place was last confirmed. */
  readonly calledTotal: number
  /** Departures below this place, as counted then. */
  readonly leftTotal: number
  /** In a lottery before its draw: `place` is then the time of entry, and no place in line. */
  readonly entry?: DrawEntry
  /** When the token was signed; told by verification. */
  readonly issuedAtMs?: number
}

/** What was true of an entry when the token was signed: nobody can take it out of the list afterwards unseen. */
export interface DrawEntry {
  /** From 1, in the order of entry. */
  readonly number: number
  /** How many entries there were. */
  readonly entries: number
  /** SHA-256 of the entry file as it stood then, hex. */
  readonly head: string
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const integer = z.number().int()
const payloadSchema = z.object({
  sub: z.string(),
  sal: z.string(),
  epo: count,
  plc: count,
  ahd: count,
  cal: integer,
  lft: integer,
  ent: count.optional(),
  cnt: count.optional(),
  hed: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

/** Signs; the token lives `ttlSeconds` from `nowMs`. */
export function signQueueToken(
  claims: QueueClaims,
  keys: SigningKeys,
  { issuer, nowMs, ttlSeconds }: { issuer: string; nowMs: number; ttlSeconds: number },
): Promise<string> {
  const nowSeconds = msToSeconds(nowMs)
  return new SignJWT({
    sal: claims.sale,
    epo: claims.epoch,
    plc: claims.place,
    ahd: claims.ahead,
    cal: claims.calledTotal,
    lft: claims.leftTotal,
    ...(claims.entry && { ent: claims.entry.number, cnt: claims.entry.entries, hed: claims.entry.head }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: TYPE, kid: keys.kid })
    .setIssuer(issuer)
    .setAudience(claims.room)
    .setSubject(claims.visitor)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ttlSeconds)
    .sign(keys.sign)
}

/** Verifies signature, algorithm, type, issuer, audience and life; whether the sale still runs is the caller's question. */
export async function verifyQueueToken(
  token: string,
  keys: Pick<SigningKeys, 'verify'>,
  { issuer, room, nowMs }: { issuer: string; room: RoomId; nowMs: number },
): Promise<Verdict<QueueClaims>> {
  try {
    const { payload } = await jwtVerify(token, keys.verify, {
      algorithms: ['HS256'],
      typ: TYPE,
      issuer,
      audience: room,
      currentDate: new Date(nowMs),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['iat', 'exp'],
    })
    const parsed = payloadSchema.safeParse(payload)
    if (!parsed.success) return { ok: false, reason: 'claims' }
    const { sub, sal, epo, plc, ahd, cal, lft, ent, cnt, hed } = parsed.data
    const visitor = parseVisitorId(sub)
    if (visitor === undefined) return { ok: false, reason: 'claims' }
    return {
      ok: true,
      claims: {
        room,
        visitor,
        sale: sal,
        epoch: epo,
        place: plc,
        ahead: ahd,
        calledTotal: cal,
        leftTotal: lft,
        ...(ent !== undefined &&
          cnt !== undefined &&
          hed !== undefined && { entry: { number: ent, entries: cnt, head: hed } }),
        ...(payload.iat !== undefined && { issuedAtMs: secondsToMs(payload.iat) }),
      },
    }
  } catch (error) {
    return { ok: false, reason: tokenFault(error) }
  }
}
