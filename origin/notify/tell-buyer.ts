// Makes of a message of the outbox what its buyer is told, and hands it to the notifier. Called by the consumer `notify`.
// The outbox says what happened; who the buyer is stands in Postgres alone, and is read here.

import { eq, inArray } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { events, performances } from '../../src/db/halls.ts'
import { orders } from '../../src/db/orders.ts'
import type { Parts } from '../env.ts'
import type { OutboxMessage } from '../outbox/message.ts'
import { composeMessage, type News } from './messages.ts'

/** True for what a buyer is told: a sale, a refund, and money that was reserved and is released. */
export function concernsBuyer(message: OutboxMessage): boolean {
  if (message.topic === 'order.closed') {
    // The others were given up before anything was reserved, by the buyer or for want of a payment.
    return message.payload.outcome === 'voided' || message.payload.outcome === 'failed'
  }
  return message.topic === 'order.paid' || message.topic === 'order.refunded'
}

/** By order, as `tellBuyer` needs it; one request. */
export async function readBuyers(
  db: Database,
  messages: readonly OutboxMessage[],
): Promise<ReadonlyMap<string, Buyer>> {
  const ids = [...new Set(messages.map(({ order }) => order))]
  const rows = ids.length === 0 ? [] : await selectBuyers(db).where(inArray(orders.id, ids))
  return new Map(rows.map((row) => [row.id, row]))
}

export type Buyer = Awaited<ReturnType<typeof selectBuyers>>[number]

const selectBuyers = (db: Database) =>
  db
    .select({
      id: orders.id,
      number: orders.number,
      buyerName: orders.buyerName,
      email: orders.buyerEmail,
      seats: orders.seats,
      total: orders.totalMinor,
      currency: orders.currency,
      performanceName: performances.name,
      startsAt: performances.startsAt,
      eventName: events.name,
    })
    .from(orders)
    .innerJoin(performances, eq(performances.id, orders.performanceId))
    .innerJoin(events, eq(events.id, performances.eventId))

/** Throws `NotifierUnavailable`, `MessageRefused`, and for an order that is not there. */
export async function tellBuyer(
  { notifier, config }: Pick<Parts, 'notifier' | 'config'>,
  message: OutboxMessage,
  buyer: Buyer | undefined,
): Promise<void> {
  if (buyer === undefined) throw new Error('the order of the message is not there')
  const news: News = {
    ...buyer,
    ...whatHappened(message, buyer),
    // Only an address that the operator has set: one that a request was sent to may be anybody's.
    link: config.publicOrigin === undefined ? undefined : `${config.publicOrigin}/orders/${buyer.id}`,
  }
  await notifier.tell({
    key: `${buyer.number}/${message.topic}/${message.id}`,
    kind: news.kind,
    order: buyer.number,
    to: buyer.email,
    ...composeMessage(news),
  })
}

function whatHappened(message: OutboxMessage, buyer: Buyer): Pick<News, 'kind' | 'seats' | 'amount'> {
  if (message.topic === 'order.refunded') {
    const given = new Set(message.payload.seats)
    const seats = buyer.seats.filter(({ ordinal }) => given.has(ordinal))
    return { kind: 'refunded', seats, amount: message.payload.amount }
  }
  const kind = message.topic === 'order.paid' ? 'paid' : 'voided'
  return { kind, seats: buyer.seats, amount: buyer.total }
}
