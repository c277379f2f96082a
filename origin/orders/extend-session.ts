// Asks the waiting room, by a header of the response, to let a visitor's session live as long as the payment that they have
// begun. Called by `pay`. Only for the session that placed the order, and only where its own end would come first; the
// waiting room bounds what it grants.

import type { Context } from 'hono'
import { sessionLimitMs } from '../../src/tokens/admission-token.ts'
import { presentedClaims } from '../admission.ts'
import type { OriginEnv } from '../env.ts'
import { performanceOf, type Order } from './order.ts'
import { PAYMENT_MS } from './pay.ts'

const COMMAND_HEADER = 'Waiting-Room-Command'

/** `payBy`: until when the buyer may pay. At most ten minutes from now are asked for. */
export async function extendSessionOfBuyer(c: Context<OriginEnv>, order: Order, payBy: Date): Promise<void> {
  const { room } = await performanceOf(c.var.db, order)
  const claims = await presentedClaims(c, room)
  if (claims === undefined || claims.session !== order.session) return
  const untilMs = Math.min(payBy.getTime(), Date.now() + PAYMENT_MS)
  if (untilMs <= sessionLimitMs(claims)) return
  c.header(COMMAND_HEADER, `extend-session; until=${untilMs}`)
}
