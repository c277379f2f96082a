// The admission token: signed permission to enter the origin (EdDSA, Ed25519). Written by claim, enter and renew at the
// edge; read by the gate and by any origin, with the public keys alone. Short-lived: the gate renews it.

import { jwtVerify, SignJWT, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { parseSessionId, parseVisitorId, type RoomId, type SessionId, type VisitorId } from '../ids.ts'
import { minutesToMs, MS_PER_SECOND, msToSeconds, secondsToMs } from '../time.ts'
import type { SigningKeys } from './keys.ts'
import { CLOCK_TOLERANCE_SECONDS, tokenFault, type Verdict } from './verdict.ts'

const TYPE = 'admission+jwt'
/** Tolerance for `exp` where an old token may still be shown: longer than any session. */
const FAR_FUTURE_SECONDS = 10 * 365 * 24 * 3_600
/** How far beyond its end a session may be extended, whatever the site asks for: a hold and a payment, and some grace. */
export const LONGEST_EXTENSION_MS = minutesToMs(45)

export interface AdmissionClaims {
  readonly room: RoomId
  readonly visitor: VisitorId
  readonly session: SessionId
  readonly sale: string
  /** When this token ends (ms, whole seconds). */
  readonly expiresAtMs: number
  /** When the session ends whatever the visitor does (ms, whole seconds); carried so that a renewal needs no lookup. */
  readonly sessionEndMs: number
  /**
   * Until when the site has asked to keep the session, for a hold or a payment, also where the visitor sits still (ms,
   * whole seconds); at most `LONGEST_EXTENSION_MS` after `sessionEndMs`. Left out: never asked.
   */
  readonly extendedUntilMs?: number
}

/** When the session ends at the latest: at its end, or when its extension ends, if that is later (ms). */
export const sessionLimitMs = ({
  sessionEndMs,
  extendedUntilMs = 0,
}: Pick<AdmissionClaims, 'sessionEndMs' | 'extendedUntilMs'>): number =>
  Math.max(sessionEndMs, Math.min(extendedUntilMs, sessionEndMs + LONGEST_EXTENSION_MS))

const seconds = z.number().int().min(0)
const payloadSchema = z.object({
  sub: z.string(),
  jti: z.string(),
  sal: z.string(),
  exp: seconds,
  end: seconds,
  ext: seconds.optional(),
})

export function signAdmissionToken(
  claims: AdmissionClaims,
  keys: SigningKeys,
  { issuer, nowMs }: { issuer: string; nowMs: number },
): Promise<string> {
  const nowSeconds = msToSeconds(nowMs)
  const { extendedUntilMs } = claims
  return new SignJWT({
    sal: claims.sale,
    end: msToSeconds(claims.sessionEndMs),
    ...(extendedUntilMs !== undefined && { ext: msToSeconds(extendedUntilMs) }),
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: keys.kid })
    .setIssuer(issuer)
    .setAudience(claims.room)
    .setSubject(claims.visitor)
    .setJti(claims.session)
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(msToSeconds(claims.expiresAtMs))
    .sign(keys.sign)
}

/**
 * Verifies signature, algorithm, type, issuer, audience and life.
 * `allowExpired` is for the gate, which asks Redis whether the session of an old token still lives, and for a site that
 * wants to know whose session it was and allows nothing by it.
 */
export async function verifyAdmissionToken(
  token: string,
  verify: JWTVerifyGetKey,
  {
    issuer,
    room,
    nowMs,
    allowExpired = false,
  }: { issuer: string; room: RoomId; nowMs: number; allowExpired?: boolean },
): Promise<Verdict<AdmissionClaims>> {
  try {
    const { payload } = await jwtVerify(token, verify, {
      algorithms: ['EdDSA'],
      typ: TYPE,
      issuer,
      audience: room,
      currentDate: new Date(nowMs),
      clockTolerance: allowExpired ? FAR_FUTURE_SECONDS : CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['iat', 'nbf', 'exp'],
    })
    const parsed = payloadSchema.safeParse(payload)
    if (!parsed.success) return { ok: false, reason: 'claims' }
    const visitor = parseVisitorId(parsed.data.sub)
    const session = parseSessionId(parsed.data.jti)
    if (visitor === undefined || session === undefined) return { ok: false, reason: 'claims' }
    // The wide tolerance above is for `exp` alone: a token from the future is refused as usual.
    if ((payload.nbf ?? 0) * MS_PER_SECOND > nowMs + secondsToMs(CLOCK_TOLERANCE_SECONDS)) {
      return { ok: false, reason: 'not_yet_valid' }
    }
    return {
      ok: true,
      claims: {
        room,
        visitor,
        session,
        sale: parsed.data.sal,
        expiresAtMs: secondsToMs(parsed.data.exp),
        sessionEndMs: secondsToMs(parsed.data.end),
        ...(parsed.data.ext !== undefined && { extendedUntilMs: secondsToMs(parsed.data.ext) }),
      },
    }
  } catch (error) {
    return { ok: false, reason: tokenFault(error) }
  }
}
