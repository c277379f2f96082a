// Remembers verified admission tokens per isolate, since verifying Ed25519 costs more than everything else at the gate
// (about 70 µs, measured). Bounded; the life of a remembered token is checked again at each look.

import { secondsToMs } from '../time.ts'
import type { AdmissionClaims } from './admission-token.ts'
import { CLOCK_TOLERANCE_SECONDS } from './verdict.ts'

export class VerifiedTokens {
  readonly #claims = new Map<string, AdmissionClaims>()
  readonly #limit: number

  constructor(limit = 10_000) {
    this.#limit = limit
  }

  get(token: string, nowMs: number): AdmissionClaims | undefined {
    const claims = this.#claims.get(token)
    if (claims === undefined) return undefined
    if (claims.expiresAtMs + secondsToMs(CLOCK_TOLERANCE_SECONDS) > nowMs) return claims
    this.#claims.delete(token)
    return undefined
  }

  remember(token: string, claims: AdmissionClaims): void {
    // A Map iterates in order of insertion: the first is the oldest.
    if (this.#claims.size >= this.#limit) {
      const oldest = this.#claims.keys().next()
      if (oldest.done !== true) this.#claims.delete(oldest.value)
    }
    this.#claims.set(token, claims)
  }
}
