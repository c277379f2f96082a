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
import { extendSessionOfBuyer } from '../orders/extend-session.ts'
import { claimKey, orReleaseKey, readIdempotencyKey } from '../orders/idempotency.ts'
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
    const order = await orReleaseKey(db, claim, async () => {
      const hold = await ownedHold(c, request.holdId)
      return await placeOrder(db, { request, hold, performance, claim, seatsPerBuyer: config.seatsPerBuyer })
    })
    if (order.status !== 'awaiting_payment') carryOn(c, order)
    return c.json(order, 201, { ...NO_STORE, location: `/api/orders/${order.orderId}` })
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
    const { payBy, ...begun } = await startPayment(c.var, order, { publicOrigin })
    if (payBy !== undefined) await extendSessionOfBuyer(c, order, payBy)
    return c.json(begun, 202, NO_STORE)
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
  carryOn(c, { orderId: order.id, number: order.number })
}

/** Beside the answer; cron does the same where this fails. */
function carryOn(c: Context<OriginEnv>, { orderId, number }: { orderId: string; number: string }): void {
  c.executionCtx.waitUntil(
    advanceOrder(c.var, orderId).catch((error: unknown) => {
      logError('an order could not be carried on', error, { order: number })
    }),
  )
}
