// The consumer `notify`: tells buyers, at the pace that the provider bears. Called by `deliver` after everything else is done.
// A buyer whose message was taken and not recorded is told again with the same key, which the provider then drops.

import type { Parts } from '../env.ts'
import { NotifierUnavailable } from '../notify/notifier.ts'
import { readBuyers, tellBuyer, type Buyer } from '../notify/tell-buyer.ts'
import type { Readable } from './deliveries.ts'
import { acknowledge, isAway, settleFailures, type Failure } from './settle.ts'
import { recordHandled } from './standing.ts'

/** At once. More would only meet the provider's limit, which is two a second for a new account. */
const AT_ONCE = 2
/** A longer wait that the provider asks for is left to the next delivery. */
const WAIT_MOST_MS = 5_000

/**
 * True where the rest could not be tried: the notifier is away, or `budgetMs` is over. They are delivered again.
 * Throws where a store cannot be asked.
 */
export async function tellBuyers(
  parts: Parts,
  deliveries: readonly Readable[],
  { budgetMs }: { budgetMs: number },
): Promise<boolean> {
  if (deliveries.length === 0) return false
  const buyers = await readBuyers(
    parts.db,
    deliveries.map(({ message }) => message),
  )
  const endMs = Date.now() + budgetMs
  const done: Readable[] = []
  const failures: Failure[] = []
  const queue = deliveries.values()
  let stopped = false
  const worker = async () => {
    for (const delivery of queue) {
      stopped ||= Date.now() > endMs
      if (stopped) return
      try {
        await tellPatiently(parts, delivery, { buyer: buyers.get(delivery.message.order), endMs })
        done.push(delivery)
      } catch (error) {
        failures.push({ delivery, error })
        stopped ||= isAway(error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await recordHandled(parts.db, {
    done: done.map(({ consumer, message }) => ({ id: message.id, consumer })),
  })
  await acknowledge(parts, done)
  await settleFailures(parts, failures)
  return stopped
}

async function tellPatiently(
  parts: Parts,
  { message }: Readable,
  { buyer, endMs }: { buyer: Buyer | undefined; endMs: number },
): Promise<void> {
  for (;;) {
    try {
      await tellBuyer(parts, message, buyer)
      return
    } catch (error) {
      const waitMs = error instanceof NotifierUnavailable ? error.retryAfterMs : undefined
      if (waitMs === undefined || waitMs > WAIT_MOST_MS || Date.now() + waitMs > endMs) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}
