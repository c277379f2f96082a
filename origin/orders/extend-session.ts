// Keeps the session of a buyer who has begun to pay, perhaps on another site where no request of theirs keeps it alive.
// Called by `pay`. Only for the session that placed the order.

import type { Context } from 'hono'
import { presentedClaims } from '../admission.ts'
import type { OriginEnv } from '../env.ts'
import { keepSession } from '../keep-session.ts'
import { performanceOf, type Order } from './order.ts'
import { PAYMENT_MS } from './pay.ts'

/** `payBy`: until when the buyer may pay. At most ten minutes from now are asked for. */
export async function extendSessionOfBuyer(c: Context<OriginEnv>, order: Order, payBy: Date): Promise<void> {
  const { room } = await performanceOf(c.var.db, order)
  const claims = await presentedClaims(c, room)
  if (claims === undefined || claims.session !== order.session) return
  keepSession(c, claims, Math.min(payBy.getTime(), Date.now() + PAYMENT_MS))
}
