// Compares the refunds that the provider has of an order with ours, when an event says that something happened to them.
// Called by the webhook, after a refusal, and when an operator resumes. One that nobody asked us for (made on the provider's own pages) is kept as `stuck`, so that an
// operator sees it; it gives up no seats by itself.

import type { Stripe } from 'stripe'
import { isDatabaseUnavailable } from '../../src/db/client.ts'
import { refunds } from '../../src/db/orders.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import type { Order } from './order.ts'
import { forgetRefund, reopenRefund } from './refund-move.ts'
import { applyRefund } from './refund-apply.ts'
import { refundsOf, type Refund } from './refund.ts'
import { tellOthers } from './tell-others.ts'

export const MADE_ELSEWHERE = 'made_at_provider'
const LISTED = 100

/** Safe to repeat and to run twice at once. Throws where the provider or Postgres cannot be asked. */
export async function syncRefunds(parts: Parts, order: Order): Promise<void> {
  // Of an order without captured money the provider tells a release as a refund: that is no business of ours.
  if (order.paymentIntent === null || order.capturedMinor === 0) return
  // Theirs first: one that we ask for in between is then at least among ours, and not taken for a stranger.
  const theirs = await parts.payments.refunds.list({ payment_intent: order.paymentIntent, limit: LISTED })
  const ours = await refundsOf(parts.db, order.id)
  for (const made of theirs.data) {
    const known = ours.find(
      ({ id, providerRefund }) => providerRefund === made.id || id === made.metadata?.['refund'],
    )
    if (known === undefined) await recordForeign(parts, order, made)
    else await compare(parts, order, known, made)
  }
  tellOthers(parts)
}

/** The same where it may wait: false where the provider cannot be asked. Throws where Postgres cannot. */
export async function trySyncRefunds(parts: Parts, order: Order): Promise<boolean> {
  try {
    await syncRefunds(parts, order)
    return true
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error
    logError('the refunds of an order could not be compared', error, { order: order.number })
    return false
  }
}

async function compare(parts: Parts, order: Order, refund: Refund, made: Stripe.Refund): Promise<void> {
  const failed = made.status === 'failed' || made.status === 'canceled'
  // An earlier try of ours, about which we know: a later one has taken its place.
  if (failed && refund.providerRefund !== made.id) return
  if (isForeign(refund, made)) {
    if (failed) await forgetRefund(parts.db, refund)
    return
  }
  if (refund.status === 'succeeded') {
    if (failed && (await reopenRefund(parts.db, refund, made.failure_reason ?? 'failed'))) {
      logError('a refund came back from the bank', made.status, { order: order.number, refund: refund.id })
    }
    return
  }
  // Also one that was given up and went through after all.
  if (refund.status === 'requested' || made.status === 'succeeded') await applyRefund(parts, refund, made)
}

const isForeign = ({ id }: Refund, made: Stripe.Refund): boolean => made.metadata?.['refund'] !== id

async function recordForeign({ db }: Parts, order: Order, made: Stripe.Refund): Promise<void> {
  if (made.status === 'failed' || made.status === 'canceled') return
  const [recorded] = await db
    .insert(refunds)
    .values({
      orderId: order.id,
      amountMinor: made.amount,
      seats: [],
      reason: 'made at the provider, not by us',
      status: 'stuck',
      failure: MADE_ELSEWHERE,
      providerRefund: made.id,
    })
    .onConflictDoNothing({ target: refunds.providerRefund })
    .returning({ id: refunds.id })
  if (recorded === undefined) return
  logError('a refund was made at the provider and not by us', `${made.amount} ${made.currency}`, {
    order: order.number,
    refund: recorded.id,
  })
}
