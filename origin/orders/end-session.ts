// Tells the waiting room, by a header of the response, that a visitor is done: the order of their session is paid, and the
// slot is another's. Called by the routes of orders. The order's link goes on to open order and tickets without a session;
// whoever wants to buy again queues again.

import type { Context } from 'hono'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { presentedSession } from '../admission.ts'
import { listPerformances, type Performance } from '../catalogue.ts'
import type { OriginEnv, Parts } from '../env.ts'
import { logError } from '../log.ts'
import { performanceOf, type Order } from './order.ts'
import { lateHoldId } from './retake.ts'

const COMMAND_HEADER = 'Waiting-Room-Command'

/** Does nothing for an order that is not paid, for others who follow its link, and while the session holds seats. */
export async function endSessionOfBuyer(c: Context<OriginEnv>, order: Order): Promise<void> {
  if (order.status !== 'paid') return
  const performance = await performanceOf(c.var.db, order)
  const session = await presentedSession(c, performance.room)
  if (session === undefined || session !== order.session) return
  if (!(await holdsOtherSeats(c.var, performance, order))) c.header(COMMAND_HEADER, 'end-session')
}

/**
 * At any performance of the event. The hold that led to the order may still be there, since the map hears of a sale a little
 * later. Where Redis cannot be asked it is taken to: the session runs out by itself too.
 */
async function holdsOtherSeats({ db, seats }: Parts, { eventId, room }: Performance, order: Order) {
  const own = [order.holdId, lateHoldId(order)]
  const performances = await listPerformances(db, eventId)
  try {
    for (const { id } of performances.filter((performance) => performance.room === room)) {
      const holds = await seats.listHolds(id, order.session)
      if (holds.some((hold) => !own.includes(hold))) return true
    }
    return false
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('a session runs out by itself', error, { room })
    return true
  }
}
