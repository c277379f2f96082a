// Where the provider comes back: the buyer's browser after paying, and signed events. Both are outside the gate, carry no
// cookie of ours, and prove nothing: they make the saga look at the provider.

import { Hono } from 'hono'
import { readText } from '../../src/http/read-json.ts'
import type { OriginEnv } from '../env.ts'
import { logError } from '../log.ts'
import { advanceOrder } from '../orders/advance.ts'
import { requireOrder } from '../orders/order.ts'
import { handleEvent, verifyEvent } from '../orders/webhook.ts'

const EVENT_LIMIT_BYTES = 256 * 1_024

export const paymentRoutes = new Hono<OriginEnv>()
  // A GET, or a POST from another site as after 3-D Secure; parameters and body are not read.
  .on(['GET', 'POST'], '/orders/:id/return', async (c) => {
    const order = await requireOrder(c.var.db, c.req.param('id'))
    try {
      await advanceOrder(c.var, order)
    } catch (error) {
      // The order's page goes on asking, and so do the provider's events and cron.
      logError('an order could not be carried on when its buyer came back', error, { order: order.number })
    }
    return c.redirect(`/orders/${order.id}`, 303)
  })
  .post('/webhooks/payments', async (c) => {
    const body = await readText(c.req.raw, { limitBytes: EVENT_LIMIT_BYTES })
    const event = await verifyEvent(c.var, body, c.req.header('stripe-signature'))
    return c.json({ received: true, outcome: await handleEvent(c.var, event) }, 200)
  })
