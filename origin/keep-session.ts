// Asks the waiting room, by a header of the response, to let a visitor's session live as long as their hold. Called by the
// routes that take and extend holds; the waiting room bounds what it grants, and strips the header.

import type { Context } from 'hono'
import { sessionLimitMs, type AdmissionClaims } from '../src/tokens/admission-token.ts'
import type { OriginEnv } from './env.ts'

const COMMAND_HEADER = 'Waiting-Room-Command'

/** Does nothing where the session lives as long anyhow. */
export function keepSession(c: Context<OriginEnv>, claims: AdmissionClaims, untilMs: number): void {
  if (untilMs <= sessionLimitMs(claims)) return
  c.header(COMMAND_HEADER, `extend-session; until=${untilMs}`)
}
