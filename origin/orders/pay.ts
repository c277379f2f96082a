// Sends the buyer to the provider: the hold is extended, an intent is begun, and the provider's page is named.
// Called by `POST /api/orders/{id}/pay`, also repeatedly. No card data passes here or anywhere else in this Worker.

import { Problem } from '../../src/problem.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { isProviderRefusal } from '../payments.ts'
import { advanceOrder } from './advance.ts'
import { beginIntent, judgeIntent } from './intent.ts'
import { closeUnpaid } from './move.ts'
import { performanceOf, type Order } from './order.ts'

/** A payment extends the time to pay, and with it the session, by this at most; the hold's own ceiling may be nearer. */
export const PAYMENT_MS = 10 * MS_PER_MINUTE

export interface PaymentStart {
  readonly status: Order['status']
  /** The provider's page, or the order's own where nothing is left to pay. */
  readonly redirectUrl: string
  /** Until when the buyer may pay; `undefined` where nothing is left to pay. */
  readonly payBy?: Date
}

/** Throws the Problems `order_conflict`, of an order that can no longer be paid, and `payment_refused`, by the provider. */
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
  if (payBy === 'released') {
    await closeUnpaid(parts.db, order.id, { to: 'cancelled', reason: 'hold_given_back' })
    return paidOrRefused((await advanceOrder(parts, order.id)) ?? order, ownPage)
  }
  const intent = await beginIntent(parts, order, { performance, publicOrigin, payBy }).catch(
    refusedPayment(order),
  )
  const unpaid = intent !== undefined && judgeIntent(intent, order).status === 'unpaid'
  if (!unpaid || intent.client_secret === null) {
    // Another request was faster, or the provider is further than we knew.
    return paidOrRefused((await advanceOrder(parts, order.id)) ?? order, ownPage)
  }
  const page = new URL(`${parts.config.payment.pageUrl}/pay/${intent.id}`)
  page.searchParams.set('client_secret', intent.client_secret)
  return { status: order.status, redirectUrl: page.href, payBy: payBy > order.payBy ? payBy : order.payBy }
}

/** The order stays as it is: payable once the reason is mended, and free again when its time is over. */
const refusedPayment = (order: Order) => (error: unknown) => {
  if (!isProviderRefusal(error)) throw error
  logError('the provider refused to begin a payment', error, {
    order: order.number,
    code: error.code,
    parameter: error.param,
    amount: `${order.totalMinor} ${order.currency}`,
  })
  throw new Problem('payment_refused', {
    detail: `The payment provider did not accept the payment of order ${order.number}, and nothing was charged. Trying again will not help before the seller has mended the cause: contact them with this number.`,
    extensions: { orderStatus: order.status },
  })
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
        extensions: { orderStatus: order.status },
      })
    case 'refunded':
    case 'voiding':
    case 'voided':
    case 'cancelled':
    case 'expired':
    case 'failed':
    case 'stuck':
      throw new Problem('order_conflict', {
        detail: `The order is ${order.status} and can no longer be paid.`,
        extensions: { orderStatus: order.status },
      })
  }
}

/**
 * Until when the seats stay held, or that their owner has given them back. Without Redis, or with a hold that is gone
 * otherwise, the order's time stands; once the money is authorised the saga asks for the seats again.
 */
async function extendHold({ seats }: Parts, order: Order): Promise<Date | 'released'> {
  try {
    const extended = await seats.extend(order.performanceId, order.holdId, {
      session: order.session,
      ttlMs: PAYMENT_MS,
      // The buyer's own extensions are not used up by paying.
      counts: false,
    })
    if (extended.status !== 'gone') return new Date(extended.expiresAtMs)
    const hold = await seats.findHold(order.performanceId, order.holdId)
    return hold.status === 'ended' && hold.how === 'released' ? 'released' : order.payBy
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('a payment began without extending its hold', error, { order: order.number })
    return order.payBy
  }
}
