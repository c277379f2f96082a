// The tickets of a paid order as its buyer sees them. Called by the routes of tickets; entry is `entry.ts`.
// A ticket exists from the commit on, but is neither shown nor let in before the order is paid.

import { and, asc, eq, isNull } from 'drizzle-orm'
import { renderSVG } from 'uqr'
import type { Database } from '../../src/db/client.ts'
import { tickets } from '../../src/db/orders.ts'
import { msToRfc3339 } from '../../src/time.ts'
import type { OriginConfig } from '../config.ts'
import type { Order } from '../orders/order.ts'
import { signTicket } from './ticket-code.ts'

export type TicketKeys = Pick<OriginConfig, 'ticketKeys' | 'issuer'>

/** The tickets of a paid order by seat; `qr` is an SVG image of `code`. */
export async function readTickets(db: Database, order: Order, { ticketKeys, issuer }: TicketKeys) {
  const rows = await db
    .select()
    .from(tickets)
    .where(and(eq(tickets.orderId, order.id), isNull(tickets.voidedAt)))
    .orderBy(asc(tickets.seatOrdinal))
  const seatOf = new Map(order.seats.map((seat) => [seat.ordinal, seat]))
  return await Promise.all(
    rows.map(async ({ id, seatOrdinal, issuedAt, usedAt }) => {
      const seat = seatOf.get(seatOrdinal)
      if (seat === undefined)
        throw new Error(`a ticket of order ${order.number} is for a seat that it has not`)
      const code = await signTicket(
        { ticket: id, performance: order.performanceId, seat: seat.seat },
        ticketKeys,
        { issuer, issuedAtMs: issuedAt.getTime() },
      )
      return {
        id,
        seat: seat.seat,
        section: seat.section,
        row: seat.row,
        label: seat.label,
        tier: seat.tier,
        usedAt: usedAt === null ? null : msToRfc3339(usedAt.getTime()),
        code,
        qr: renderSVG(code, { ecc: 'M', border: 4 }),
      }
    }),
  )
}
