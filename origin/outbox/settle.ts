// What becomes of a message that was delivered: acknowledged where a consumer is done with it, buried where it failed for
// good or too often, and otherwise left in the stream, which delivers it again. Called by `deliver` and `tell-buyers`.

import { isDatabaseUnavailable } from '../../src/db/client.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { MessageRefused, NotifierUnavailable } from '../notify/notifier.ts'
import { bury } from './dead-letters.ts'
import type { Delivery } from './deliveries.ts'
import { recordHandled } from './standing.ts'

/** For failures of the message itself. */
const DELIVERIES_LIMIT = 5
/** For outages of what it needs, from when it was published. Shorter than a provider knows its Idempotency-Key. */
const OUTAGE_LIMIT_MS = 12 * 60 * MS_PER_MINUTE

export interface Failure {
  readonly delivery: Delivery
  readonly error: unknown
}

/** True where a store or the notifier could not be asked, which says nothing about the message. */
export const isAway = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof NotifierUnavailable || isDatabaseUnavailable(error)

export async function acknowledge(
  { streams }: Pick<Parts, 'streams'>,
  deliveries: readonly Delivery[],
): Promise<void> {
  const byConsumer = Map.groupBy(deliveries, ({ consumer }) => consumer)
  const ids = [...byConsumer].map(
    ([consumer, some]) => [consumer, some.flatMap(({ entries }) => entries)] as const,
  )
  await streams.acknowledgeEach(OUTBOX_STREAM, new Map(ids))
}

export async function settleFailures(parts: Parts, failures: readonly Failure[]): Promise<void> {
  const nowMs = Date.now()
  const [first] = failures.filter(({ error }) => isAway(error))
  if (first !== undefined) {
    // One line for an outage, however many messages wait for its end.
    const { consumer } = first.delivery
    logError('messages wait for what their consumer needs', first.error, { consumer })
  }
  const hopeless = failures.filter((failure) => isHopeless(failure, nowMs))
  for (const { delivery, error } of failures) {
    if (isAway(error)) continue
    const { consumer, deliveries, fields } = delivery
    const { id, topic } = fields
    logError('a message could not be handled', error, { consumer, deliveries, row: id, topic })
  }
  for (const { delivery, error } of hopeless) await buryDelivery(parts, delivery, error)
  await acknowledge(
    parts,
    hopeless.map(({ delivery }) => delivery),
  )
}

function isHopeless({ delivery, error }: Failure, nowMs: number): boolean {
  if (error instanceof MessageRefused) return true
  if (!isAway(error)) return delivery.deliveries >= DELIVERIES_LIMIT
  // An entry's id begins with the time at which it was appended (ms).
  return nowMs - Number.parseInt(delivery.entries[0] ?? '', 10) > OUTAGE_LIMIT_MS
}

/** The consumer is done with the row as far as the outbox goes, or it would be published again for ever. */
async function buryDelivery({ db }: Parts, delivery: Delivery, error: unknown): Promise<void> {
  const { consumer, fields, deliveries, entries } = delivery
  const message = fields['id'] ?? entries[0] ?? ''
  await bury(db, {
    stream: OUTBOX_STREAM,
    consumer,
    message,
    payload: fields,
    reason: reasonOf(error),
    attempts: deliveries,
  })
  if (/^[1-9]\d{0,14}$/.test(message)) await recordHandled(db, { done: [{ id: Number(message), consumer }] })
  logError('a message was buried', reasonOf(error), { consumer, row: message, topic: fields['topic'] })
}

/** drizzle's own message quotes the statement with its parameters; the driver's, one cause further in, does not. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return inner instanceof Error ? `${inner.name}: ${inner.message}` : String(inner)
}
