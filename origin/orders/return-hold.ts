// Gives the seats of a closed order back before its hold runs out. Called by the saga and by `cancel`.
// A courtesy: where Redis cannot be asked, the hold's own expiry does the same a little later.

import { StoreUnavailable } from '../../src/redis/client.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import type { Order } from './order.ts'
import { seatsChanged } from '../stock.ts'
import { lateHoldId } from './retake.ts'

export async function returnHold(parts: Parts, order: Order): Promise<void> {
  try {
    for (const holdId of [order.holdId, lateHoldId(order)]) {
      await parts.seats.release(order.performanceId, holdId, { session: order.session })
    }
    seatsChanged(parts, order.performanceId)
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('a hold runs out by itself', error, { order: order.number })
  }
}
