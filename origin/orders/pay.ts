// Sends the buyer to the provider: the hold is extended, an intent is begun, and the provider's page is named.
// Called by `POST /api/orders/{id}/pay`, also repeatedly. No card data passes here or anywhere else in this Worker.

import { Problem } from '../../src/problem.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { advanceOrder } from './advance.ts'
import { beginIntent, judgeIntent } from './intent.ts'
import { performanceOf, type Order } from './order.ts'

/** A payment extends the time to pay by this at most; the hold's own ceiling may be nearer. */
const PAYMENT_MS = 10 * MS_PER_MINUTE

export interface PaymentStart {
  readonly status: Order['status']
  /** The provider's page, or the order's own where nothing is left to pay. */
  readonly redirectUrl: string
}

/** Throws the Problem `order_conflict` for an order that can no longer be paid. */
export async function startPayment(
  parts: Parts,
  order: Order,
  { publicOrigin }: { publicOrigin: string },
): Promise<PaymentStart> {
  const ownPage = `${publicOrigin}/orders/${order.id}`
  if (order.status !== 'awaiting_payment') return paidOrRefused(order, ownPage)
  if (order.payBy.getTime() <= Date.now()) {
    return paidOrRefused((await advanceOrder(parts, order.id)) ?? order, ownPage)
  }
  const performance = await performanceOf(parts.db, order)
  const payBy = await extendHold(parts, order)
  const intent = await beginIntent(parts, order, { performance, publicOrigin, payBy })
  const unpaid = intent !== undefined && judgeIntent(intent, order).status === 'unpaid'
  if (!unpaid || intent.client_secret === null) {
    // Another request was faster, or the provider is further than we knew.
    return paidOrRefused((await advanceOrder(parts, order.id)) ?? order, ownPage)
  }
  const page = new URL(`${parts.config.payment.pageUrl}/pay/${intent.id}`)
  page.searchParams.set('client_secret', intent.client_secret)
  return { status: order.status, redirectUrl: page.href }
}

function paidOrRefused(order: Order, ownPage: string): PaymentStart {
  switch (order.status) {
    case 'authorised':
    case 'committing':
    case 'capturing':
    case 'paid':
      return { status: order.status, redirectUrl: ownPage }
    case 'awaiting_payment':
      throw new Problem('order_conflict', {
        detail: 'The payment could not be begun at this moment; try again.',
        retryAfterSeconds: 1,
        extensions: { status: order.status },
      })
    case 'voiding':
    case 'voided':
    case 'cancelled':
    case 'expired':
    case 'failed':
    case 'stuck':
      throw new Problem('order_conflict', {
        detail: `The order is ${order.status} and can no longer be paid.`,
        extensions: { status: order.status },
      })
  }
}

/** Until when the seats stay held. Without Redis, or without the hold, the order's time stands and the commit decides. */
async function extendHold({ seats }: Parts, order: Order): Promise<Date> {
  try {
    const extended = await seats.extend(order.performanceId, order.holdId, {
      session: order.session,
      ttlMs: PAYMENT_MS,
    })
    return extended.status === 'gone' ? order.payBy : new Date(extended.expiresAtMs)
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('a payment began without extending its hold', error, { order: order.number })
    return order.payBy
  }
}
