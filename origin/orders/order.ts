// An order as it is read from Postgres and as the API shows it. Called by routes and saga; changes nothing.
// The id is the key to the order: an unknown one is answered like any address that does not exist.

import { eq } from 'drizzle-orm'
import { base64url } from 'jose'
import type { Database } from '../../src/db/client.ts'
import { orders } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { findPerformance, type Performance } from '../catalogue.ts'

export type Order = typeof orders.$inferSelect

const ID_BYTES = 20
const ID = /^[A-Za-z0-9_-]{27}$/
const NUMBER = /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/i
// Crockford's base 32: no letter that is read as another.
const NUMBER_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 160 random bits, url-safe. */
export const newOrderId = (): string => base64url.encode(crypto.getRandomValues(new Uint8Array(ID_BYTES)))

/** Eight random characters for people: `7K3M-9QXA`. Postgres refuses one that is taken. */
export function newOrderNumber(): string {
  const random = crypto.getRandomValues(new Uint8Array(8))
  const text = [...random].map((byte) => NUMBER_ALPHABET.charAt(byte % NUMBER_ALPHABET.length)).join('')
  return `${text.slice(0, 4)}-${text.slice(4)}`
}

export async function findOrder(db: Database, id: string): Promise<Order | undefined> {
  if (!ID.test(id)) return undefined
  const [order] = await db.select().from(orders).where(eq(orders.id, id))
  return order
}

/** Throws the Problem `not_found` without a hint whether an order was ever there. */
export async function requireOrder(db: Database, id: string): Promise<Order> {
  const order = await findOrder(db, id)
  if (order === undefined) throw new Problem('not_found', { detail: 'There is no such order.' })
  return order
}

/** By the number that people read out; without regard to case. Throws `not_found` as above. */
export async function requireOrderByNumber(db: Database, number: string): Promise<Order> {
  const [order] = NUMBER.test(number)
    ? await db.select().from(orders).where(eq(orders.number, number.toUpperCase()))
    : []
  if (order === undefined) throw new Problem('not_found', { detail: 'There is no such order.' })
  return order
}

/** The order's own performance. */
export async function performanceOf(db: Database, order: Pick<Order, 'performanceId'>): Promise<Performance> {
  const performance = await findPerformance(db, order.performanceId)
  if (performance === undefined) throw new Error(`performance ${order.performanceId} of an order is missing`)
  return performance
}

type Shown = Pick<
  Order,
  'id' | 'number' | 'status' | 'seats' | 'totalMinor' | 'refundedMinor' | 'currency' | 'payBy' | 'failure'
>

/** The API's order: amounts in minor units, times in RFC 3339. Without the buyer, since links are passed on. */
export function showOrder(order: Shown, performance: Performance) {
  return {
    orderId: order.id,
    number: order.number,
    status: order.status,
    items: order.seats.map(({ ordinal: _internal, ...item }) => item),
    total: order.totalMinor,
    refunded: order.refundedMinor,
    currency: order.currency,
    payBy: msToRfc3339(order.payBy.getTime()),
    failure: order.failure,
    performance: {
      id: performance.id,
      name: performance.name,
      startsAt: performance.startsAt,
      eventId: performance.eventId,
      eventName: performance.eventName,
    },
  }
}
