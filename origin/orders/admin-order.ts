// An order as operators see it: everything in Postgres, and what the provider says at this moment. Called by the operators'
// routes; changes nothing.

import { asc, eq } from 'drizzle-orm'
import { orderItems, tickets } from '../../src/db/orders.ts'
import { msToRfc3339, secondsToMs } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { isProviderUnavailable } from '../payments.ts'
import { isRefusal } from './intent.ts'
import { performanceOf, showOrder, type Order } from './order.ts'
import { refundsOf, showRefund } from './refund.ts'

const LISTED = 100
const rfc3339 = (at: Date) => msToRfc3339(at.getTime())
const orNull = (at: Date | null) => (at === null ? null : rfc3339(at))

export async function showAdminOrder(parts: Parts, order: Order) {
  const { db } = parts
  const [performance, items, issued, refunded, provider] = await Promise.all([
    performanceOf(db, order),
    db.select().from(orderItems).where(eq(orderItems.orderId, order.id)).orderBy(asc(orderItems.seatOrdinal)),
    db.select().from(tickets).where(eq(tickets.orderId, order.id)).orderBy(asc(tickets.seatOrdinal)),
    refundsOf(db, order.id),
    askProvider(parts, order),
  ])
  const seatOf = new Map(order.seats.map(({ ordinal, seat }) => [ordinal, seat]))
  const name = (ordinal: number) => seatOf.get(ordinal) ?? `#${ordinal}`
  return {
    ...showOrder(order, performance),
    buyer: { name: order.buyerName, email: order.buyerEmail },
    captured: order.capturedMinor,
    nextStatus: order.nextStatus,
    reason: order.reason,
    attempts: order.attempts,
    retryAt: rfc3339(order.retryAt),
    holdId: order.holdId,
    paymentIntent: order.paymentIntent,
    authorisedAt: orNull(order.authorisedAt),
    createdAt: rfc3339(order.createdAt),
    updatedAt: rfc3339(order.updatedAt),
    sold: items.map((item) => ({
      seat: name(item.seatOrdinal),
      price: item.priceMinor,
      fee: item.feeMinor,
      live: item.live,
    })),
    tickets: issued.map((ticket) => ({
      id: ticket.id,
      seat: name(ticket.seatOrdinal),
      usedAt: orNull(ticket.usedAt),
      voidedAt: orNull(ticket.voidedAt),
    })),
    refunds: refunded.map((refund) => showRefund(refund, order)),
    provider,
  }
}

/** `null` without a payment; `reachable: false` where the provider cannot be asked or does not know it. */
async function askProvider({ payments }: Parts, { number, paymentIntent }: Order) {
  if (paymentIntent === null) return null
  try {
    const [intent, made] = await Promise.all([
      payments.paymentIntents.retrieve(paymentIntent),
      payments.refunds.list({ payment_intent: paymentIntent, limit: LISTED }),
    ])
    return {
      reachable: true as const,
      status: intent.status,
      amount: intent.amount,
      capturable: intent.amount_capturable,
      received: intent.amount_received,
      currency: intent.currency.toUpperCase(),
      failure: intent.last_payment_error?.decline_code ?? intent.last_payment_error?.code ?? null,
      refunds: made.data.map(({ id, amount, status, created, metadata }) => ({
        id,
        amount,
        status,
        refundId: metadata?.['refund'] ?? null,
        createdAt: msToRfc3339(secondsToMs(created)),
      })),
    }
  } catch (error) {
    if (!isProviderUnavailable(error) && !isRefusal(error)) throw error
    logError('the provider could not be asked about an order', error, { order: number })
    return { reachable: false as const }
  }
}
