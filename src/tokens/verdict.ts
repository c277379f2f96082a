// What verifying any token can end in. The reason is for the log; on the wire all failures look alike.

import { errors } from 'jose'
import { UnknownKeyError } from './keys.ts'

export type TokenFault =
  | 'malformed'
  | 'algorithm'
  | 'unknown_key'
  | 'signature'
  | 'type'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'claims'

export type Verdict<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly reason: TokenFault }

/** Seconds by which the clocks of signer and verifier may differ (`exp`, `nbf`). */
export const CLOCK_TOLERANCE_SECONDS = 60

/** jose's error classes → our reasons; an error that is not about the token is thrown on. */
export function tokenFault(error: unknown): TokenFault {
  if (error instanceof UnknownKeyError || error instanceof errors.JWKSNoMatchingKey) return 'unknown_key'
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return 'algorithm'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case 'typ':
        return 'type'
      case 'iss':
        return 'issuer'
      case 'aud':
        return 'audience'
      case 'nbf':
        return 'not_yet_valid'
      default:
        return 'claims'
    }
  }
  if (error instanceof errors.JOSEError) return 'malformed'
  throw error
}
