// Orders: placed by an admitted visitor who owns the hold; from then on the order's unguessable link is enough, in any
// browser. Handlers only translate; what an order may become is decided in `orders/`.

import { Hono, type Context } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { refuseCrossSite } from '../../src/http/same-site.ts'
import { Problem } from '../../src/problem.ts'
import { ownedHold, requireAdmission } from '../admission.ts'
import { findPerformance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { limitOrders } from '../limits.ts'
import { logError } from '../log.ts'
import { advanceOrder } from '../orders/advance.ts'
import { cancelOrder } from '../orders/cancel.ts'
import { endSessionOfBuyer } from '../orders/end-session.ts'
import { claimKey, readIdempotencyKey, releaseKey } from '../orders/idempotency.ts'
import { performanceOf, requireOrder, showOrder, type Order } from '../orders/order.ts'
import { startPayment } from '../orders/pay.ts'
import { orderRequest, placeOrder } from '../orders/place.ts'

const LIMIT_BYTES = 16 * 1_024
const NO_STORE = { 'cache-control': 'private, no-store' }
const MID_WAY: readonly Order['status'][] = [
  'awaiting_payment',
  'authorised',
  'committing',
  'capturing',
  'voiding',
]

export const orderRoutes = new Hono<OriginEnv>()
  .post('/api/orders', async (c) => {
    refuseCrossSite(c.req.raw)
    const key = readIdempotencyKey(c.req.header('idempotency-key'))
    const request = await readJson(c.req.raw, orderRequest, { limitBytes: LIMIT_BYTES })
    const { db, config } = c.var
    const performance = await findPerformance(db, request.holdId.split('.')[0] ?? '')
    if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such hold.' })
    const { session } = await requireAdmission(c, performance.room)
    await limitOrders(c, session)
    const outcome = await claimKey(db, { scope: session, key, request })
    if (outcome.status === 'answered') return c.json(outcome.response, 201, NO_STORE)
    const { claim } = outcome
    try {
      const hold = await ownedHold(c, request.holdId)
      const { seatsPerBuyer } = config
      const order = await placeOrder(db, { request, hold, performance, claim, seatsPerBuyer })
      return c.json(order, 201, { ...NO_STORE, location: `/api/orders/${order.orderId}` })
    } catch (error) {
      await releaseKey(db, claim).catch((failed: unknown) => {
        // It frees itself when its lock ends; the error that matters is the first.
        logError('an idempotency key stays locked for some seconds', failed)
      })
      throw error
    }
  })
  .get('/api/orders/:id', async (c) => {
    const order = await requireOrder(c.var.db, c.req.param('id'))
    nudge(c, order)
    await endSessionOfBuyer(c, order)
    return c.json(showOrder(order, await performanceOf(c.var.db, order)), 200, NO_STORE)
  })
  .post('/api/orders/:id/pay', async (c) => {
    refuseCrossSite(c.req.raw)
    const order = await requireOrder(c.var.db, c.req.param('id'))
    const publicOrigin = c.var.config.publicOrigin ?? new URL(c.req.url).origin
    await endSessionOfBuyer(c, order)
    return c.json(await startPayment(c.var, order, { publicOrigin }), 202, NO_STORE)
  })
  .post('/api/orders/:id/cancel', async (c) => {
    refuseCrossSite(c.req.raw)
    const { id } = await requireOrder(c.var.db, c.req.param('id'))
    const order = await cancelOrder(c.var, id)
    return c.json(showOrder(order, await performanceOf(c.var.db, order)), 200, NO_STORE)
  })

/** A look by the buyer carries on an order that was left mid-way, at most as often as its own retry time allows. */
function nudge(c: Context<OriginEnv>, order: Order): void {
  if (!MID_WAY.includes(order.status) || order.retryAt.getTime() > Date.now()) return
  c.executionCtx.waitUntil(
    advanceOrder(c.var, order.id).catch((error: unknown) => {
      logError('an order could not be carried on', error, { order: order.number })
    }),
  )
}
