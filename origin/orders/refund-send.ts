// Carries a refund on: asks the provider to give the money back, or looks at what became of it. Called after the request,
// by operators, and by cron; also all at once, since the provider repeats its answer under one idempotency key.

import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { Stripe } from 'stripe'
import { refunds } from '../../src/db/orders.ts'
import { isDatabaseUnavailable } from '../../src/db/client.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { isRefusal } from './intent.ts'
import { findOrder, type Order } from './order.ts'
import { countRepairs } from '../reconcile/repairs.ts'
import { LEFT_BEHIND_SECONDS } from './move.ts'
import { applyRefund } from './refund-apply.ts'
import { completeRefund, cutRefund, noteOutage, noteRefusal } from './refund-move.ts'
import { trySyncRefunds } from './refund-sync.ts'
import { findRefund, type Refund } from './refund.ts'
import { tellOthers } from './tell-others.ts'

const REFUNDS_A_RUN = 50
/** Far below the day for which the provider knows an idempotency key. */
const KEYS_LAST_MS = 60 * MS_PER_MINUTE
const FAILURE_CHARACTERS = 300
/** Listed at most; an order has few. */
const LISTED = 100

/** The refund afterwards. Throws only where Postgres cannot be asked. */
export async function carryOnRefund(parts: Parts, id: string): Promise<Refund | undefined> {
  const refund = await findRefund(parts.db, id)
  const order = refund === undefined ? undefined : await findOrder(parts.db, refund.orderId)
  if (refund?.status !== 'requested' || order === undefined) return refund
  try {
    await send(parts, order, refund)
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error
    logError('a refund failed', error, { order: order.number, refund: id })
    const failure = wordsOf(error)
    if (!isRefusal(error)) await noteOutage(parts.db, refund, failure)
    // Each time for less, and for nothing in the end.
    else if (await cutToWhatIsLeft(parts, order, { refund, failure })) return await carryOnRefund(parts, id)
    else await noteRefusal(parts.db, refund, failure)
  }
  const after = await findRefund(parts.db, id)
  if (after?.status === 'succeeded') tellOthers(parts)
  if (after?.status === 'stuck')
    logError('a refund waits for a person', after.failure, { order: order.number, refund: id })
  return after
}

async function send(parts: Parts, order: Order, refund: Refund): Promise<void> {
  if (refund.amountMinor === 0) {
    await completeRefund(parts.db, refund, { providerRefund: null })
    return
  }
  await applyRefund(
    parts,
    refund,
    (await findAtProvider(parts, order, refund)) ?? (await create(parts, order, refund)),
  )
}

/** By its id where we know it; after a failure or an hour also by our own mark, since the provider forgets its keys. */
async function findAtProvider({ payments }: Parts, order: Order, refund: Refund) {
  if (refund.providerRefund !== null) return await payments.refunds.retrieve(refund.providerRefund)
  const fresh = Date.now() - refund.createdAt.getTime() < KEYS_LAST_MS
  if (fresh && refund.failure === null && refund.refusals === 0) return undefined
  const { data } = await payments.refunds.list({ payment_intent: intentOf(order), limit: LISTED })
  return data.find(({ metadata, status }) => metadata?.['refund'] === refund.id && isAlive(status))
}

/** Not one that failed: the next try is another. */
const isAlive = (status: string | null): boolean => status !== 'failed' && status !== 'canceled'

function create({ payments }: Parts, order: Order, refund: Refund): Promise<Stripe.Refund> {
  const { id, amountMinor, refusals } = refund
  return payments.refunds.create(
    {
      payment_intent: intentOf(order),
      amount: amountMinor,
      metadata: { refund: id, order: order.id, number: order.number },
    },
    { idempotencyKey: refusals === 0 ? id : `${id}:${refusals}` },
  )
}

function intentOf({ number, paymentIntent }: Order): string {
  if (paymentIntent === null) throw new Error(`order ${number} has a refund and no payment`)
  return paymentIntent
}

/**
 * The provider refuses more than is left; somebody may have refunded on its own pages, of which no event has told yet. Asks
 * for all of the order's refunds, and makes this one small enough. False where it was small enough.
 */
async function cutToWhatIsLeft(
  parts: Parts,
  order: Order,
  { refund, failure }: { refund: Refund; failure: string },
): Promise<boolean> {
  if (!(await trySyncRefunds(parts, order))) return false
  return await cutRefund(parts.db, refund, failure)
}

/** The provider's own: its code, or its sentence where it gives no code. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Stripe.errors.StripeError)) return 'unexpected'
  return error.code ?? error.message.slice(0, FAILURE_CHARACTERS)
}

/** Cron's part: refunds whose next try is due. The number of them; each fails alone. Those that cron completed are counted. */
export async function sweepRefunds(parts: Parts): Promise<number> {
  const due = await parts.db
    .select({
      id: refunds.id,
      left: sql<boolean>`${refunds.createdAt} < now() - ${LEFT_BEHIND_SECONDS} * interval '1 second'`,
    })
    .from(refunds)
    .where(and(eq(refunds.status, 'requested'), lte(refunds.retryAt, sql`now()`)))
    .orderBy(asc(refunds.retryAt))
    .limit(REFUNDS_A_RUN)
  let carriedOn = 0
  for (const { id, left } of due) {
    const after = await carryOnRefund(parts, id)
    // A younger one is still in the hands of the request that asked for it.
    if (left && after?.status === 'succeeded') carriedOn += 1
  }
  await countRepairs(parts.db, { refund_carried_on: carriedOn })
  return due.length
}
