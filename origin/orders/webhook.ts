// The provider's events: signature, one handling each, and a nudge to the order that they are about. Called by
// `POST /webhooks/payments`. An event's contents move nothing: the saga asks the provider what is true now, so events may
// come twice, late or in any order.

import { and, eq, isNull, sql } from 'drizzle-orm'
import { Stripe } from 'stripe'
import { orders, webhookEvents } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import type { Parts } from '../env.ts'
import { logError, logInfo } from '../log.ts'
import { advanceOrder } from './advance.ts'
import { findOrder, type Order } from './order.ts'
import { syncRefunds } from './refund-sync.ts'

export type EventOutcome = 'handled' | 'duplicate' | 'ignored'

const cryptoProvider = Stripe.createSubtleCryptoProvider()

/** Throws the Problem `bad_request` unless one of the secrets signed exactly this body within the last five minutes. */
export async function verifyEvent(
  { payments, config }: Parts,
  body: string,
  signature: string | undefined,
): Promise<Stripe.Event> {
  for (const secret of signature === undefined ? [] : config.payment.webhookSecrets) {
    try {
      return await payments.webhooks.constructEventAsync(
        body,
        signature ?? '',
        secret,
        undefined,
        cryptoProvider,
      )
    } catch (error) {
      // Not this secret: the next may have signed it. Which one failed is nobody's business on the wire.
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error
    }
  }
  throw new Problem('bad_request', { detail: 'The event is not signed by the payment provider.' })
}

export async function handleEvent(parts: Parts, event: Stripe.Event): Promise<EventOutcome> {
  const [seen] = await parts.db
    .insert(webhookEvents)
    .values({ id: event.id, type: event.type })
    .onConflictDoUpdate({ target: webhookEvents.id, set: { type: sql`excluded.type` } })
    .returning({ handledAt: webhookEvents.handledAt })
  if (seen?.handledAt) return 'duplicate'
  const outcome = await act(parts, event)
  // Only now: an event that could not be handled must be handled when the provider repeats it.
  await parts.db
    .update(webhookEvents)
    .set({ handledAt: sql`now()` })
    .where(eq(webhookEvents.id, event.id))
  return outcome
}

async function act(parts: Parts, event: Stripe.Event): Promise<EventOutcome> {
  if (isAboutIntent(event)) {
    const order = await adoptIntent(parts, event.data.object)
    if (order === undefined) return 'ignored'
    // Nobody can have paid it yet.
    if (event.type !== 'payment_intent.created') await advanceOrder(parts, order)
    return 'handled'
  }
  const intent = isAboutRefund(event) ? refundedIntent(event) : undefined
  const [order] =
    intent === undefined ? [] : await parts.db.select().from(orders).where(eq(orders.paymentIntent, intent))
  if (order === undefined) return 'ignored'
  await syncRefunds(parts, order)
  return 'handled'
}

type IntentEvent = Extract<Stripe.Event, { data: { object: Stripe.PaymentIntent } }>
const isAboutIntent = (event: Stripe.Event): event is IntentEvent => event.type.startsWith('payment_intent.')

type RefundEvent = Extract<Stripe.Event, { data: { object: Stripe.Refund } }> | Stripe.ChargeRefundedEvent
const isAboutRefund = (event: Stripe.Event): event is RefundEvent =>
  event.type === 'charge.refunded' ||
  event.type.startsWith('refund.') ||
  event.type === 'charge.refund.updated'

function refundedIntent({ data }: RefundEvent): string | undefined {
  const { payment_intent: intent } = data.object
  return (typeof intent === 'string' ? intent : intent?.id) ?? undefined
}

/** The order that the intent names, if the intent is the one that the order has, or the first that it gets. */
export async function adoptIntent(
  { db }: Pick<Parts, 'db'>,
  intent: Stripe.PaymentIntent,
): Promise<Order | undefined> {
  const order = await findOrder(db, intent.metadata['order'] ?? '')
  if (order === undefined) {
    logInfo('an event of the provider is about no order of ours', { intent: intent.id })
    return undefined
  }
  // Its own intent, whatever it says of it: the saga asks the provider, and takes no other amount than the order's.
  if (order.paymentIntent === intent.id) return order
  if (intent.amount !== order.totalMinor || intent.currency !== order.currency.toLowerCase()) {
    logError('an event names another amount than the order', `${intent.amount} ${intent.currency}`, {
      order: order.number,
    })
    return undefined
  }
  // `pay` died between the provider's answer and ours: the event brings the intent's id.
  const [adopted] = await db
    .update(orders)
    .set({ paymentIntent: intent.id })
    .where(and(eq(orders.id, order.id), eq(orders.status, 'awaiting_payment'), isNull(orders.paymentIntent)))
    .returning()
  return adopted
}
