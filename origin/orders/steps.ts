// The steps of the saga, one a state: each looks at what is true at the provider, in Redis or in Postgres, and moves the order
// by a compare-and-set, or leaves it with a later try noted. Called by `advance.ts` alone, which repeats them in any state
// that it finds. A provider or Postgres that cannot be asked is thrown.

import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError, logInfo } from '../log.ts'
import { commitOrder, completeOrder, giveBackSeats } from './commit.ts'
import { cancelIntent, captureIntent, lookAtIntent } from './intent.ts'
import { closeOrder, closeUnpaid, moveOrder, noteAttempt, recordFailure, restOrder } from './move.ts'
import type { Order } from './order.ts'
import { retakeSeats } from './retake.ts'
import { returnHold } from './return-hold.ts'
import { tellOthers } from './tell-others.ts'

/** Seconds after which an order that waits for its buyer is looked at again. */
const LOOK_AGAIN_SECONDS = 30
/** A payment begun in time may end this much late, if nobody else has its seats by then. */
const GRACE_MS = 2 * MS_PER_MINUTE
/** How long a payment that came late waits for Redis to say whose its seats are. With cron's minute: two at most. */
const LATE_WAIT_MS = MS_PER_MINUTE
const LATE_AGAIN_SECONDS = 10
/** Tries of what was refused by Postgres or the provider: it will not change by itself as an outage does. */
const REFUSALS_LIMIT = 3
const REFUSED_AGAIN_SECONDS = 10

/**
 * The order as this step moved it, or `moved` where it must be read again. `overtaken`: another call moved the order first,
 * and carries it on.
 */
export type Step = Order | 'moved' | 'overtaken' | 'resting'
const ifFirst = (moved: boolean): Step => (moved ? 'moved' : 'overtaken')
const orOvertaken = (moved: Order | undefined): Step => moved ?? 'overtaken'

export async function lookForPayment(parts: Parts, order: Order): Promise<Step> {
  const { db } = parts
  const lateMs = Date.now() - order.payBy.getTime()
  if (order.paymentIntent === null) {
    if (lateMs <= 0) return 'resting'
    return ifFirst(await closeUnpaid(db, order.id, { to: 'expired', reason: 'not_paid_in_time' }))
  }
  const intent = await lookAtIntent(parts, order, order.paymentIntent)
  switch (intent.status) {
    case 'authorised': {
      const authorisedAt = new Date(intent.atMs ?? Date.now())
      const move = { id: order.id, from: order.status, to: 'authorised' } as const
      return orOvertaken(await moveOrder(db, move, { failure: null, authorisedAt }))
    }
    case 'unpaid':
      if (lateMs > GRACE_MS || (lateMs > 0 && !intent.underWay)) {
        return ifFirst(await closeUnpaid(db, order.id, { to: 'expired', reason: 'not_paid_in_time' }))
      }
      await noteAttempt(db, order, intent.failure)
      await restOrder(db, order, LOOK_AGAIN_SECONDS)
      return 'resting'
    case 'cancelled':
      // Lapsed or cancelled at the provider; the buyer may begin another while the time to pay lasts.
      await noteAttempt(db, order, 'payment_cancelled', { newIntent: true })
      return 'moved'
    case 'captured':
    case 'mismatch':
      return await askPerson(parts, order, `the provider holds another payment than the order asks for`)
  }
}

/** The decision to sell or not, recorded before anything is sold. */
export async function decide(parts: Parts, order: Order): Promise<Step> {
  const seats = await retakeSeats(parts, order)
  const paidAt = order.authorisedAt ?? order.updatedAt
  const late = paidAt > order.payBy
  if (seats === 'unknown' && late && Date.now() - paidAt.getTime() < LATE_WAIT_MS) {
    await restOrder(parts.db, order, LATE_AGAIN_SECONDS)
    return 'resting'
  }
  if (seats === 'lost' || (seats === 'unknown' && late)) {
    return await refuse(parts, order, seats === 'lost' ? 'seat_lost' : 'paid_too_late')
  }
  return orOvertaken(await moveOrder(parts.db, { id: order.id, from: 'authorised', to: 'committing' }))
}

export async function commit(parts: Parts, order: Order): Promise<Step> {
  const outcome = await commitOrder(parts.db, order.id)
  if (outcome === 'committed') {
    logInfo('seats sold', { order: order.number, seats: order.seatCount })
    // At once: the map, and the room that calls by it, need not wait for the provider.
    tellOthers(parts)
  }
  if (outcome === 'seat_lost') return await refuse(parts, order, 'seat_lost')
  if (outcome !== 'refused') return ifFirst(outcome === 'committed')
  if (order.attempts + 1 >= REFUSALS_LIMIT) return await refuse(parts, order, 'commit_refused')
  await tryLater(parts, order, REFUSED_AGAIN_SECONDS)
  return 'resting'
}

export async function capture(parts: Parts, order: Order): Promise<Step> {
  const { db } = parts
  const intent =
    order.paymentIntent === null
      ? nothingToTake(order)
      : await captureIntent(parts, order, order.paymentIntent)
  switch (intent.status) {
    case 'captured':
      return ifFirst(await completeOrder(db, order.id))
    case 'cancelled':
      await giveBackSeats(db, order.id, { from: 'capturing', to: 'failed', reason: 'authorisation_lapsed' })
      // Redis may not have heard of the sale yet.
      await returnHold(parts, order)
      return 'moved'
    case 'authorised':
      // The provider had its reply and the money is still only reserved: a refusal.
      if (order.attempts + 1 >= REFUSALS_LIMIT) {
        await giveBackSeats(db, order.id, { from: 'capturing', to: 'voiding', reason: 'capture_refused' })
        return 'moved'
      }
      await tryLater(parts, order, REFUSED_AGAIN_SECONDS)
      return 'resting'
    case 'unpaid':
      await tryLater(parts, order)
      return 'resting'
    case 'mismatch':
      return await askPerson(parts, order, 'the captured payment differs from the order')
  }
}

export async function release(parts: Parts, order: Order): Promise<Step> {
  if (order.nextStatus === null) throw new Error(`order ${order.number} is voiding and does not say what for`)
  const intent =
    order.paymentIntent === null
      ? { status: 'cancelled' as const }
      : await cancelIntent(parts, order, order.paymentIntent)
  if (intent.status === 'cancelled') {
    const closed = await closeOrder(parts.db, { id: order.id, from: 'voiding', to: order.nextStatus })
    await returnHold(parts, order)
    return ifFirst(closed)
  }
  if (intent.status === 'captured') {
    return await askPerson(parts, order, 'an order to be voided was captured elsewhere')
  }
  await tryLater(parts, order)
  return 'resting'
}

/** Decides not to sell: the money is released next. */
async function refuse(
  { db }: Parts,
  { id, status }: Order,
  reason: 'seat_lost' | 'paid_too_late' | 'commit_refused',
): Promise<Step> {
  const changes = { nextStatus: 'voided', failure: reason, reason } as const
  return orOvertaken(await moveOrder(db, { id, from: status, to: 'voiding' }, changes))
}

async function askPerson({ db }: Parts, { id, number, status }: Order, what: string): Promise<Step> {
  logError('an order waits for a person', what, { order: number, status })
  return orOvertaken(await moveOrder(db, { id, from: status, to: 'stuck' }, { nextStatus: status }))
}

export async function tryLater({ db }: Parts, order: Order, seconds?: number): Promise<void> {
  const { number, status } = order
  const outcome = await recordFailure(db, order, seconds === undefined ? {} : { seconds })
  if (outcome === 'stuck')
    logError('an order waits for a person', 'too many failures', { order: number, status })
}

function nothingToTake({ number, status, totalMinor }: Order): { readonly status: 'captured' } {
  if (totalMinor > 0) throw new Error(`order ${number} is ${status} without a payment`)
  return { status: 'captured' }
}
