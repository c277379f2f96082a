// Makes sure, once the money is authorised, that the order has its seats in Redis: its hold still lives, or it takes the
// same seats again. Called by the saga before it decides to sell, so that a late payment ends nobody's live hold.
// Redis only says who may try; where it cannot be asked, the saga decides by the time of the payment, and Postgres after it.

import { StoreUnavailable } from '../../src/redis/client.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { withSeatsLoaded } from '../load-seats.ts'
import { logError } from '../log.ts'
import { seatsChanged } from '../stock.ts'
import { performanceOf, type Order } from './order.ts'

/** As long as cron may need to carry on an order whose commit was interrupted, several times over. */
const SALE_MS = 10 * MS_PER_MINUTE

/** One for each order's hold, so that a repeat finds what it took. No route reads a ":" as part of a hold's id. */
export const lateHoldId = ({ holdId }: Pick<Order, 'holdId'>): string => `${holdId}:late`

/**
 * `lost` where somebody else has one of the seats, or the seats taken again were given up before they could be sold;
 * `unknown` where Redis cannot be asked.
 */
export async function retakeSeats(parts: Parts, order: Order): Promise<'ours' | 'lost' | 'unknown'> {
  const { performanceId, holdId, session } = order
  const keep = () => parts.seats.extend(performanceId, holdId, { session, ttlMs: SALE_MS, counts: false })
  try {
    if ((await keep()).status !== 'gone') return 'ours'
    const performance = await performanceOf(parts.db, order)
    const outcome = await withSeatsLoaded(parts, performance, () =>
      parts.seats.hold(performanceId, {
        holdId: lateHoldId(order),
        session,
        ordinals: order.seats.map(({ ordinal }) => ordinal),
        ttlMs: SALE_MS,
        maxLifeMs: SALE_MS,
        // Whoever had them was asked when they were held.
        accessible: true,
      }),
    )
    seatsChanged(parts, performanceId)
    if (outcome.status === 'held') return 'ours'
    // The somebody else may be the order itself: cron makes a hold again that Redis has lost.
    return (await keep()).status === 'gone' ? 'lost' : 'ours'
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('an order cannot ask for its seats', error, { order: order.number })
    return 'unknown'
  }
}
