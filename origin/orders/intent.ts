// An order's PaymentIntent at the provider: begin, look, capture, cancel. Called by `pay` and by the saga.
// Every answer is checked against the order; what the provider's redirect or event claims is never taken for it.

import { and, eq, isNull, or, sql } from 'drizzle-orm'
import { Stripe } from 'stripe'
import { orders } from '../../src/db/orders.ts'
import { secondsToMs } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import type { Performance } from '../catalogue.ts'
import type { Order } from './order.ts'

/** What an intent means for its order. */
export type IntentState =
  | { readonly status: 'unpaid'; readonly failure: string | null; readonly underWay: boolean }
  /** `atMs`: when the bank reserved the money, by the provider's clock; `undefined` where it does not say. */
  | { readonly status: 'authorised'; readonly atMs: number | undefined }
  | { readonly status: 'captured' }
  | { readonly status: 'cancelled' }
  /** Another amount, currency or order than ours: never captured. */
  | { readonly status: 'mismatch' }

export function judgeIntent(intent: Stripe.PaymentIntent, order: Order): IntentState {
  const ours =
    intent.amount === order.totalMinor &&
    intent.currency === order.currency.toLowerCase() &&
    intent.metadata['order'] === order.id
  switch (intent.status) {
    case 'canceled':
      return { status: 'cancelled' }
    case 'requires_capture':
      return ours && intent.amount_capturable === order.totalMinor
        ? { status: 'authorised', atMs: authorisedAt(intent) }
        : { status: 'mismatch' }
    case 'succeeded':
      return ours && intent.amount_received === order.totalMinor
        ? { status: 'captured' }
        : { status: 'mismatch' }
    case 'requires_confirmation':
    case 'requires_payment_method': {
      const error = intent.last_payment_error
      return { status: 'unpaid', failure: error?.decline_code ?? error?.code ?? null, underWay: false }
    }
    case 'processing':
    case 'requires_action':
    // A status that the provider adds later: no money is ours, and something may be under way.
    default:
      return { status: 'unpaid', failure: null, underWay: true }
  }
}

/** Only where the charge was asked for along with the intent, as `lookAtIntent` does. */
function authorisedAt({ latest_charge: charge }: Stripe.PaymentIntent): number | undefined {
  return charge === null || typeof charge === 'string' ? undefined : secondsToMs(charge.created)
}

/** What the provider says of it now. */
export const lookAtIntent = async (
  { payments }: Parts,
  order: Order,
  intentId: string,
): Promise<IntentState> =>
  judgeIntent(await payments.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] }), order)

/**
 * The order's intent: the one it has, or a new one. A repeat after a lost reply finds the same one by its idempotency key.
 * `undefined` when the order stopped waiting for a payment meanwhile; the intent made for it is cancelled then.
 */
export async function beginIntent(
  { db, payments }: Parts,
  order: Order,
  { performance, publicOrigin, payBy }: { performance: Performance; publicOrigin: string; payBy: Date },
): Promise<Stripe.PaymentIntent | undefined> {
  if (order.paymentIntent !== null) {
    await keepIntent(db, order, order.paymentIntent, payBy)
    return await payments.paymentIntents.retrieve(order.paymentIntent)
  }
  const intent = await payments.paymentIntents.create(
    {
      amount: order.totalMinor,
      currency: order.currency.toLowerCase(),
      capture_method: 'manual',
      description: `${performance.eventName}, ${performance.name}: order ${order.number}`,
      metadata: {
        order: order.id,
        number: order.number,
        // Fixed here and not in the page's address, which others could alter.
        return_url: `${publicOrigin}/orders/${order.id}/return`,
      },
    },
    // The origin is part of the key because it is part of the body, which must not differ under one key.
    { idempotencyKey: `${order.id}:intent:${order.paymentAttempt}:${publicOrigin}` },
  )
  if (await keepIntent(db, order, intent.id, payBy)) return intent
  await payments.paymentIntents.cancel(intent.id)
  return undefined
}

/** Records the intent while the order waits for a payment and has no other; the time to pay only ever grows. */
async function keepIntent(db: Parts['db'], order: Order, intentId: string, payBy: Date): Promise<boolean> {
  const kept = await db
    .update(orders)
    .set({
      paymentIntent: intentId,
      payBy: sql`greatest(${orders.payBy}, ${payBy.toISOString()}::timestamptz)`,
      // Looked at soon even if no event ever arrives.
      retryAt: sql`now() + interval '30 seconds'`,
      updatedAt: sql`now()`,
    })
    .where(
      and(
        eq(orders.id, order.id),
        eq(orders.status, 'awaiting_payment'),
        or(isNull(orders.paymentIntent), eq(orders.paymentIntent, intentId)),
      ),
    )
    .returning({ id: orders.id })
  return kept.length === 1
}

/** Takes the money; whatever the provider answers, its state afterwards is what counts. */
export async function captureIntent({ payments }: Parts, order: Order, intentId: string) {
  try {
    const intent = await payments.paymentIntents.capture(
      intentId,
      {},
      // The provider remembers failures under a key as well, so each try has its own. Capturing twice is impossible.
      { idempotencyKey: `${order.id}:capture:${order.attempts}` },
    )
    return judgeIntent(intent, order)
  } catch (error) {
    if (!isRefusal(error)) throw error
    logError('a capture was refused', error, { order: order.number })
    return judgeIntent(await payments.paymentIntents.retrieve(intentId), order)
  }
}

/** Releases the money, or makes sure that none is ever authorised. */
export async function cancelIntent({ payments }: Parts, order: Order, intentId: string) {
  try {
    const intent = await payments.paymentIntents.cancel(
      intentId,
      { cancellation_reason: 'abandoned' },
      { idempotencyKey: `${order.id}:cancel:${order.attempts}` },
    )
    return judgeIntent(intent, order)
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Cancelled by an earlier try, or captured by somebody else: the intent itself says which.
    return judgeIntent(await payments.paymentIntents.retrieve(intentId), order)
  }
}

/** An answer about this payment, as opposed to a provider that could not be asked. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeInvalidRequestError || error instanceof Stripe.errors.StripeCardError
  )
}
