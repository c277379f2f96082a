// Asks the waiting room, by a header of the response, to let a visitor's session live as long as their hold or their payment.
// Called by the routes of holds and by `pay`, also for a session whose own end is later: it ends earlier where its visitor
// sits still, and only the waiting room knows when. That bounds what it grants, and strips the header.

import type { Context } from 'hono'
import type { AdmissionClaims } from '../src/tokens/admission-token.ts'
import type { OriginEnv } from './env.ts'

const COMMAND_HEADER = 'Waiting-Room-Command'

/** Does nothing where the session was extended as far before. */
export function keepSession(c: Context<OriginEnv>, claims: AdmissionClaims, untilMs: number): void {
  if (untilMs <= (claims.extendedUntilMs ?? 0)) return
  c.header(COMMAND_HEADER, `extend-session; until=${untilMs}`)
}
