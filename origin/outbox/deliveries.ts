// What was read from the stream, as pieces of work: one for each consumer and row, however many copies of it the stream has.
// Called by `deliver`. Pure.

import { OUTBOX_TOPICS } from '../../src/db/orders.ts'
import type { StreamMessage } from '../../src/redis/streams.ts'
import { CONSUMERS_OF, parseMessage, type Consumer, type OutboxMessage } from './message.ts'
import { handledKey, type Standing } from './standing.ts'

export interface Delivery {
  readonly consumer: Consumer
  /** Ids of its entries in the stream, the copies of one row. */
  readonly entries: readonly string[]
  readonly fields: Readonly<Record<string, string>>
  /** This one included; of the copy that was delivered most often. */
  readonly deliveries: number
}

export interface Readable extends Delivery {
  readonly message: OutboxMessage
}

export interface Unreadable extends Delivery {
  readonly error: unknown
}

/** `readable` by row. What is for other consumers alone is in `past`, also where it cannot be read. */
export function collect(found: ReadonlyMap<Consumer, readonly StreamMessage[]>): {
  readable: Readable[]
  unreadable: Unreadable[]
  past: Delivery[]
} {
  const readable: Readable[] = []
  const unreadable: Unreadable[] = []
  const past: Delivery[] = []
  for (const [consumer, messages] of found) {
    const copies = Map.groupBy(messages, ({ id, fields }) => fields['id'] ?? id)
    for (const [first, ...others] of copies.values()) {
      if (first === undefined) continue
      const delivery: Delivery = {
        consumer,
        entries: [first, ...others].map(({ id }) => id),
        fields: first.fields,
        deliveries: Math.max(...[first, ...others].map(({ deliveries }) => deliveries)),
      }
      if (!isFor(consumer, first.fields)) {
        past.push(delivery)
        continue
      }
      try {
        readable.push({ ...delivery, message: parseMessage(first.fields) })
      } catch (error) {
        unreadable.push({ ...delivery, error })
      }
    }
  }
  return { readable: readable.toSorted((a, b) => a.message.id - b.message.id), unreadable, past }
}

/** A topic that is not known here may be of a newer version of this code: everybody tries it. */
function isFor(consumer: Consumer, { only, topic }: Readonly<Record<string, string>>): boolean {
  if (only !== undefined) return only === consumer
  const consumers = OUTBOX_TOPICS.flatMap((known) => (known === topic ? CONSUMERS_OF[known] : []))
  return consumers.length === 0 || consumers.includes(consumer)
}

/** Still to be done: the consumer has not handled it before, and the row is not forgotten. */
export const isDue = ({ consumer, message }: Readable, { known, handled }: Standing): boolean =>
  known.has(message.id) && !handled.has(handledKey(message.id, consumer))

export function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  const [yes, no]: [Item[], Item[]] = [[], []]
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
