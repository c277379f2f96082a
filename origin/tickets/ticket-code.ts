// The code in a ticket's QR: a signed JWS (EdDSA) that names ticket, performance and seat, and no person. Made when the
// tickets are read, checked at the door, and by anyone with the public keys. Whether a ticket was used, Postgres says.

import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { SigningKeys } from '../../src/tokens/keys.ts'
import { msToSeconds } from '../../src/time.ts'
import { tokenFault, type Verdict } from '../../src/tokens/verdict.ts'

const TYPE = 'ticket+jwt'

export interface TicketClaims {
  readonly ticket: string
  readonly performance: string
  /** The seat's id. */
  readonly seat: string
}

const payloadSchema = z.object({ jti: z.uuid(), prf: z.string(), sea: z.string() })

/** Without an end: the door knows the date. Small, so that the QR stays coarse enough for a scratched screen. */
export function signTicket(
  { ticket, performance, seat }: TicketClaims,
  keys: SigningKeys,
  { issuer, issuedAtMs }: { issuer: string; issuedAtMs: number },
): Promise<string> {
  return new SignJWT({ prf: performance, sea: seat })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: keys.kid })
    .setIssuer(issuer)
    .setJti(ticket)
    .setIssuedAt(msToSeconds(issuedAtMs))
    .sign(keys.sign)
}

export async function verifyTicket(
  code: string,
  keys: Pick<SigningKeys, 'verify'>,
  { issuer }: { issuer: string },
): Promise<Verdict<TicketClaims>> {
  try {
    const { payload } = await jwtVerify(code, keys.verify, { algorithms: ['EdDSA'], typ: TYPE, issuer })
    const parsed = payloadSchema.safeParse(payload)
    if (!parsed.success) return { ok: false, reason: 'claims' }
    const { jti, prf, sea } = parsed.data
    return { ok: true, claims: { ticket: jti, performance: prf, seat: sea } }
  } catch (error) {
    return { ok: false, reason: tokenFault(error) }
  }
}
