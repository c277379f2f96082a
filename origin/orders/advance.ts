// The saga: reads where an order stands in Postgres and does the next step, until it rests. Called by webhook, return,
// polling and cron, also all at once: each decision is a compare-and-set, each step safe to repeat, none trusts its caller.
//
//   awaiting_payment → authorised → committing → capturing → paid
//                    ↘ voiding ↙                           ↘ failed
//                      → expired, cancelled, voided          (stuck: a person)

import { isDatabaseUnavailable } from '../../src/db/client.ts'
import type { Parts } from '../env.ts'
import { logError, logInfo } from '../log.ts'
import { isProviderUnavailable } from '../payments.ts'
import { commitOrder, completeOrder, giveBackSeats } from './commit.ts'
import { cancelIntent, captureIntent, judgeIntent } from './intent.ts'
import { closeUnpaid, moveOrder, noteAttempt, recordFailure, restOrder } from './move.ts'
import { findOrder, type Order } from './order.ts'
import { relayOutbox } from './outbox.ts'
import { retakeSeats } from './retake.ts'
import { returnHold } from './return-hold.ts'

/** From awaiting_payment to paid are five steps; more than this would be a loop. */
const STEPS_LIMIT = 10
/** Seconds after which an order that waits for its buyer is looked at again. */
const LOOK_AGAIN_SECONDS = 30
/** A payment begun in time may end this much late, if nobody else has its seats by then. */
const GRACE_MS = 120_000

/** `moved` here also covers "another call moved it first": either way the state must be read again. */
type Step = 'moved' | 'resting'

/**
 * Carries an order on; `undefined` for an unknown one. A provider that cannot be asked leaves the order where it stands
 * with a later try noted, and is not thrown. Throws where Postgres cannot be asked. `steps` is for tests.
 */
export async function advanceOrder(
  parts: Parts,
  orderId: string,
  { steps = STEPS_LIMIT }: { steps?: number } = {},
): Promise<Order | undefined> {
  let order = await findOrder(parts.db, orderId)
  for (let step = 0; step < steps && order !== undefined; step += 1) {
    try {
      if ((await takeStep(parts, order)) === 'resting') return order
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error
      logError('a step of an order failed', error, { order: order.number, status: order.status })
      await recordFailure(parts.db, order)
      if (!isProviderUnavailable(error)) throw error
      return await findOrder(parts.db, orderId)
    }
    order = await findOrder(parts.db, orderId)
  }
  return order
}

async function takeStep(parts: Parts, order: Order): Promise<Step> {
  switch (order.status) {
    case 'awaiting_payment':
      return await lookForPayment(parts, order)
    case 'authorised':
      return await decide(parts, order)
    case 'committing':
      return await commit(parts, order)
    case 'capturing':
      return await capture(parts, order)
    case 'voiding':
      return await release(parts, order)
    case 'paid':
    case 'voided':
    case 'cancelled':
    case 'expired':
    case 'failed':
    case 'stuck':
      return 'resting'
  }
}

async function lookForPayment(parts: Parts, order: Order): Promise<Step> {
  const lateMs = Date.now() - order.payBy.getTime()
  if (order.paymentIntent === null) {
    if (lateMs <= 0) return 'resting'
    await closeUnpaid(parts.db, order.id, 'expired')
    return 'moved'
  }
  const intent = judgeIntent(await parts.payments.paymentIntents.retrieve(order.paymentIntent), order)
  switch (intent.status) {
    case 'authorised':
      await moveOrder(parts.db, { id: order.id, from: order.status, to: 'authorised' }, { failure: null })
      return 'moved'
    case 'unpaid':
      if (lateMs > GRACE_MS || (lateMs > 0 && !intent.underWay)) {
        await closeUnpaid(parts.db, order.id, 'expired')
        return 'moved'
      }
      await noteAttempt(parts.db, order, intent.failure)
      await restOrder(parts.db, order, LOOK_AGAIN_SECONDS)
      return 'resting'
    case 'cancelled':
      // Lapsed or cancelled at the provider; the buyer may begin another while the time to pay lasts.
      await noteAttempt(parts.db, order, 'payment_cancelled', { newIntent: true })
      return 'moved'
    case 'captured':
    case 'mismatch':
      logError('the provider holds another payment than the order asks for', intent.status, {
        order: order.number,
      })
      await moveOrder(
        parts.db,
        { id: order.id, from: order.status, to: 'stuck' },
        { nextStatus: order.status },
      )
      return 'moved'
  }
}

/** The decision to sell or not, recorded before anything is sold. */
async function decide(parts: Parts, order: Order): Promise<Step> {
  if (await retakeSeats(parts, order)) {
    await moveOrder(parts.db, { id: order.id, from: 'authorised', to: 'committing' })
  } else {
    await moveOrder(
      parts.db,
      { id: order.id, from: 'authorised', to: 'voiding' },
      { nextStatus: 'voided', failure: 'seat_lost' },
    )
  }
  return 'moved'
}

async function commit(parts: Parts, order: Order): Promise<Step> {
  const outcome = await commitOrder(parts.db, order.id)
  if (outcome === 'seat_lost') {
    await moveOrder(
      parts.db,
      { id: order.id, from: 'committing', to: 'voiding' },
      { nextStatus: 'voided', failure: 'seat_lost' },
    )
  }
  if (outcome === 'committed') {
    logInfo('seats sold', { order: order.number, seats: order.seatCount })
    await tellOthers(parts)
  }
  return 'moved'
}

async function capture(parts: Parts, order: Order): Promise<Step> {
  const intent = await captureIntent(parts, order, intentOf(order))
  switch (intent.status) {
    case 'captured':
      await completeOrder(parts.db, order.id)
      return 'moved'
    case 'cancelled':
      await giveBackSeats(parts.db, order.id, 'authorisation_lapsed')
      await tellOthers(parts)
      return 'moved'
    case 'authorised':
    case 'unpaid':
      await recordFailure(parts.db, order)
      return 'resting'
    case 'mismatch':
      logError('the captured payment differs from the order', intent.status, { order: order.number })
      await moveOrder(parts.db, { id: order.id, from: 'capturing', to: 'stuck' }, { nextStatus: 'capturing' })
      return 'moved'
  }
}

async function release(parts: Parts, order: Order): Promise<Step> {
  if (order.nextStatus === null) throw new Error(`order ${order.number} is voiding and does not say what for`)
  const intent =
    order.paymentIntent === null
      ? { status: 'cancelled' as const }
      : await cancelIntent(parts, order, order.paymentIntent)
  if (intent.status === 'cancelled') {
    await moveOrder(parts.db, { id: order.id, from: 'voiding', to: order.nextStatus })
    await returnHold(parts, order)
    return 'moved'
  }
  if (intent.status === 'captured') {
    logError('an order to be voided was captured elsewhere', intent.status, { order: order.number })
    await moveOrder(parts.db, { id: order.id, from: 'voiding', to: 'stuck' }, { nextStatus: 'voiding' })
    return 'moved'
  }
  await recordFailure(parts.db, order)
  return 'resting'
}

function intentOf(order: Order): string {
  if (order.paymentIntent === null)
    throw new Error(`order ${order.number} is ${order.status} without a payment`)
  return order.paymentIntent
}

/** Redis hears of sold and freed seats at once where it can; the outbox keeps them for cron where it cannot. */
async function tellOthers(parts: Parts): Promise<void> {
  try {
    await relayOutbox(parts)
  } catch (error) {
    logError('the outbox waits for cron', error)
  }
}
