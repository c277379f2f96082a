// The provider's events: signature, one handling each, and a nudge to the order that they are about. Called by
// `POST /webhooks/payments`. An event's contents move nothing: the saga asks the provider what is true now, so events may
// come twice, late or in any order.

import { and, eq, isNull, sql } from 'drizzle-orm'
import { Stripe } from 'stripe'
import { z } from 'zod'
import { orders, webhookEvents } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import { MS_PER_SECOND } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError, logInfo } from '../log.ts'
import { advanceOrder } from './advance.ts'
import { findOrder, type Order } from './order.ts'
import { syncRefunds } from './refund-sync.ts'

export type EventOutcome = 'handled' | 'duplicate' | 'ignored'

const cryptoProvider = Stripe.createSubtleCryptoProvider()

/** How far a signature's time may lie from ours, in seconds; the provider's client looks only at the past. */
const TOLERANCE_SECONDS = 300

/** What every event has. What it is about is read by the shapes below, and an event that has none of it is ignored. */
const eventShape = z.object({
  id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
})
export type ProviderEvent = z.infer<typeof eventShape>

const intentShape = z.object({
  id: z.string(),
  amount: z.number(),
  currency: z.string(),
  metadata: z.record(z.string(), z.string()),
})
type NamedIntent = z.infer<typeof intentShape>

/** A refund or a charge. */
const refundedShape = z.object({ payment_intent: z.union([z.string(), z.object({ id: z.string() })]) })

/**
 * Throws the Problem `bad_request` unless one of the secrets signed exactly this body less than five minutes ago, and it
 * is an event.
 */
export async function verifyEvent(
  parts: Parts,
  body: string,
  signature: string | undefined,
): Promise<ProviderEvent> {
  if (signature === undefined || isOfTheFuture(signature) || !(await isSigned(parts, body, signature))) {
    throw new Problem('bad_request', { detail: 'The event is not signed by the payment provider.' })
  }
  const event = eventShape.safeParse(parsed(body))
  if (event.success) return event.data
  throw new Problem('bad_request', {
    detail: 'The body is signed and is no event: it needs an id, a type and data.object.',
  })
}

async function isSigned({ payments, config }: Parts, body: string, signature: string): Promise<boolean> {
  const { signature: signatures } = payments.webhooks
  if (signatures === null) throw new Error("the provider's client cannot check signatures")
  for (const secret of config.payment.webhookSecrets) {
    try {
      await signatures.verifyHeaderAsync(body, signature, secret, TOLERANCE_SECONDS, cryptoProvider)
      return true
    } catch (error) {
      // Not this secret: the next may have signed it. Which one failed is nobody's business on the wire.
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error
    }
  }
  return false
}

/** The time is part of what is signed: whoever has such a signature could use it later. */
function isOfTheFuture(signature: string): boolean {
  const times = signature.split(',').filter((part) => part.trim().startsWith('t='))
  const latest = Date.now() / MS_PER_SECOND + TOLERANCE_SECONDS
  return times.some((part) => Number(part.trim().slice('t='.length)) > latest)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

export async function handleEvent(parts: Parts, event: ProviderEvent): Promise<EventOutcome> {
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

async function act(parts: Parts, event: ProviderEvent): Promise<EventOutcome> {
  const { object } = event.data
  if (event.type.startsWith('payment_intent.')) {
    const intent = intentShape.safeParse(object)
    const order = intent.success ? await adoptIntent(parts, intent.data) : undefined
    if (order === undefined) return 'ignored'
    // Nobody can have paid it yet.
    if (event.type !== 'payment_intent.created') await advanceOrder(parts, order)
    return 'handled'
  }
  const intent = isAboutRefund(event) ? refundedIntent(object) : undefined
  const [order] =
    intent === undefined ? [] : await parts.db.select().from(orders).where(eq(orders.paymentIntent, intent))
  if (order === undefined) return 'ignored'
  await syncRefunds(parts, order)
  return 'handled'
}

const isAboutRefund = ({ type }: ProviderEvent): boolean =>
  type === 'charge.refunded' || type.startsWith('refund.') || type === 'charge.refund.updated'

function refundedIntent(object: ProviderEvent['data']['object']): string | undefined {
  const refunded = refundedShape.safeParse(object)
  if (!refunded.success) return undefined
  const { payment_intent: intent } = refunded.data
  return typeof intent === 'string' ? intent : intent.id
}

/** The order that the intent names, if the intent is the one that the order has, or the first that it gets. */
export async function adoptIntent(
  { db }: Pick<Parts, 'db'>,
  intent: NamedIntent,
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
