// The saga: reads where an order stands in Postgres and does the next step, until it rests. Called by webhook, return,
// polling and cron, also all at once: each decision is a compare-and-set, each step safe to repeat, none trusts its caller.
//
//   awaiting_payment → authorised → committing → capturing → paid → refunded
//                    ↘ voiding ↙ ←───────────────┘        ↘ failed
//                      → expired, cancelled, voided          (stuck: a person)

import { isDatabaseUnavailable } from '../../src/db/client.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { isProviderUnavailable } from '../payments.ts'
import { findOrder, type Order } from './order.ts'
import { capture, commit, decide, lookForPayment, release, tryLater, type Step } from './steps.ts'
import { tellOthers } from './tell-others.ts'

/** From awaiting_payment to paid are five steps; more than this would be a loop. */
const STEPS_LIMIT = 10

interface AdvanceOptions {
  /** For tests that stop in between. */
  readonly steps?: number
  /** Leaves it to the caller to tell others: for many orders in one run. */
  readonly quiet?: boolean
}

/**
 * Carries an order on, by its id or as it was just read; `undefined` for an unknown one. A provider that cannot be asked
 * leaves the order where it stands with a later try noted, and is not thrown. Throws where Postgres cannot be asked.
 */
export async function advanceOrder(
  parts: Parts,
  subject: string | Order,
  { steps = STEPS_LIMIT, quiet = false }: AdvanceOptions = {},
): Promise<Order | undefined> {
  let order = typeof subject === 'string' ? await findOrder(parts.db, subject) : subject
  let moved = false
  try {
    for (let step = 0; step < steps && order !== undefined; step += 1) {
      const outcome = await stepOrNote(parts, order)
      if (outcome === 'done') return order
      // A step that failed has noted so in the order; one that was overtaken finds what the other has made of it so far.
      if (outcome === 'resting' || outcome === 'overtaken') return await findOrder(parts.db, order.id)
      moved = true
      order = outcome === 'moved' ? await findOrder(parts.db, order.id) : outcome
    }
    return order
  } finally {
    if (moved && !quiet) tellOthers(parts)
  }
}

async function stepOrNote(parts: Parts, order: Order): Promise<Step | 'done'> {
  try {
    return await takeStep(parts, order)
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error
    logError('a step of an order failed', error, { order: order.number, status: order.status })
    await tryLater(parts, order)
    if (!isProviderUnavailable(error)) throw error
    return 'resting'
  }
}

async function takeStep(parts: Parts, order: Order): Promise<Step | 'done'> {
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
    case 'refunded':
    case 'voided':
    case 'cancelled':
    case 'expired':
    case 'failed':
    case 'stuck':
      return 'done'
  }
}
