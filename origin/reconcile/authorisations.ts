// Goes through the provider's payments, and releases money that is reserved for no order: of one that has ended, that we do not
// know, or that has another payment. A payment that its order has not heard of is given to it. Called by `reconcile`.
//
// Each payment is looked at three times, at ages by which it should have come to rest; how far each of the three has come is
// kept in Postgres, so an outage of any length is caught up with. Payments that do not name an order of ours as `pay` does
// are another program's, and are left alone.

import { inArray } from 'drizzle-orm'
import type { Stripe } from 'stripe'
import { z } from 'zod'
import { orders } from '../../src/db/orders.ts'
import { msToSeconds } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError, logInfo } from '../log.ts'
import { advanceOrder } from '../orders/advance.ts'
import { isRefusal } from '../orders/intent.ts'
import type { Order } from '../orders/order.ts'
import { adoptIntent } from '../orders/webhook.ts'
import { readNote, writeNote } from './cron-notes.ts'
import { addRepairs, type Repairs } from './repairs.ts'

/** After an event should have come; after any order for it has ended; and once more for whoever pays from an old page. */
const LOOKS = { first: 300, second: 3_600, third: 86_400 } as const
/** An authorisation lapses after seven days: the very first run goes back that far. */
const FURTHEST_BACK_SECONDS = 7 * 86_400
const PAGES_A_LOOK = 5
const PAGE = 100
const CLOSED: readonly Order['status'][] = ['voided', 'cancelled', 'expired', 'failed']

const progress = z.object({
  /** Unix seconds: the stretch of time that is being looked through, newest first. */
  since: z.int(),
  until: z.int(),
  /** The last payment that was looked at; the next page begins behind it. */
  after: z.string().optional(),
})
type Progress = z.infer<typeof progress>

/** Throws where the provider or Postgres cannot be asked; the next run goes on from there. */
export async function reconcileAuthorisations(
  parts: Parts,
  { nowMs = Date.now() }: { nowMs?: number } = {},
): Promise<Repairs> {
  const repairs: Repairs[] = []
  for (const [look, ageSeconds] of Object.entries(LOOKS)) {
    repairs.push(await lookThrough(parts, `authorisations.${look}`, msToSeconds(nowMs) - ageSeconds))
  }
  return addRepairs(repairs)
}

async function lookThrough(parts: Parts, name: string, until: number): Promise<Repairs> {
  const { db, payments } = parts
  let at: Progress = (await readNote(db, name, progress)) ?? { since: until - FURTHEST_BACK_SECONDS, until }
  const repairs: Repairs[] = []
  for (let page = 0; page < PAGES_A_LOOK; page += 1) {
    if (at.since >= at.until) {
      if (at.until >= until) break
      at = { since: at.until, until }
    }
    const { data, has_more: more } = await payments.paymentIntents.list({
      created: { gte: at.since, lt: at.until },
      limit: PAGE,
      ...(at.after !== undefined && { starting_after: at.after }),
    })
    repairs.push(await judgePage(parts, data))
    const last = data.at(-1)
    at =
      more && last !== undefined
        ? { since: at.since, until: at.until, after: last.id }
        : { since: at.until, until: at.until }
    await writeNote(db, name, at)
  }
  return addRepairs(repairs)
}

async function judgePage(parts: Parts, intents: readonly Stripe.PaymentIntent[]): Promise<Repairs> {
  const reserved = intents.filter((intent) => intent.status === 'requires_capture' && isOurs(parts, intent))
  if (reserved.length === 0) return {}
  const ids = reserved.map(({ metadata }) => metadata['order'] ?? '')
  const found = await parts.db.select().from(orders).where(inArray(orders.id, ids))
  const known = new Map(found.map((order) => [order.id, order]))
  const repairs = { authorisation_released: 0, payment_found: 0 } satisfies Repairs
  for (const intent of reserved) {
    const order = known.get(intent.metadata['order'] ?? '')
    const reason = reasonToRelease(intent, order)
    if (reason !== undefined) {
      if (await releaseMoney(parts, intent, { reason, number: order?.number }))
        repairs.authorisation_released += 1
    } else if (order?.paymentIntent === null && (await adoptIntent(parts, intent)) !== undefined) {
      await advanceOrder(parts, order.id)
      repairs.payment_found += 1
    }
  }
  return repairs
}

/** As `beginIntent` writes it. Where our own address is not configured, the path alone tells. */
function isOurs({ config }: Parts, { metadata }: Stripe.PaymentIntent): boolean {
  const { order, return_url: back } = metadata
  if (order === undefined || back === undefined) return false
  const path = `/orders/${order}/return`
  return config.publicOrigin === undefined ? back.endsWith(path) : back === config.publicOrigin + path
}

/** `undefined` where the money is, or may yet become, that of the order. */
function reasonToRelease(intent: Stripe.PaymentIntent, order: Order | undefined): string | undefined {
  if (order === undefined) return 'order_unknown'
  if (order.paymentIntent !== null && order.paymentIntent !== intent.id) return 'another_payment'
  if (CLOSED.includes(order.status)) return 'order_closed'
  return undefined
}

async function releaseMoney(
  { payments }: Parts,
  { id: intent }: Stripe.PaymentIntent,
  { reason, number }: { reason: string; number: string | undefined },
): Promise<boolean> {
  try {
    await payments.paymentIntents.cancel(intent, { cancellation_reason: 'abandoned' })
    logInfo('money that was reserved for no order is released', { intent, reason, order: number })
    return true
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Captured or cancelled since it was listed.
    logError('money that was reserved for no order was not released', error, {
      intent,
      reason,
      order: number,
    })
    return false
  }
}
