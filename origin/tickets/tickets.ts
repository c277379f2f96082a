// Tickets of a paid order, and their one entry at the door. Called by the routes of tickets.
// A ticket exists from the commit on, but is neither shown nor let in before the order is paid.

import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import { renderSVG } from 'uqr'
import type { Database } from '../../src/db/client.ts'
import { orders, tickets } from '../../src/db/orders.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { describeSeats } from '../catalogue.ts'
import type { OriginConfig } from '../config.ts'
import type { Order } from '../orders/order.ts'
import { signTicket, verifyTicket } from './ticket-code.ts'

type Keys = Pick<OriginConfig, 'ticketKeys' | 'issuer'>

/** The tickets of a paid order by seat; `qr` is an SVG image of `code`. */
export async function readTickets(db: Database, order: Order, { ticketKeys, issuer }: Keys) {
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

export type EntryOutcome =
  | { readonly valid: true; readonly usedAt: Date; readonly seat: TicketSeat }
  /** `usedAt` is the first entry. */
  | { readonly valid: false; readonly reason: 'used'; readonly usedAt: Date; readonly seat: TicketSeat }
  | { readonly valid: false; readonly reason: 'forged' | 'unknown' }

export interface TicketSeat {
  readonly performance: string
  readonly id: string
  readonly section: string
  readonly row: string
  readonly label: string
}

/** Lets a ticket in, once: of two doors that scan the same code at once, one update finds it unused. */
export async function admitTicket(
  db: Database,
  code: string,
  { ticketKeys, issuer }: Keys,
): Promise<EntryOutcome> {
  const verdict = await verifyTicket(code, ticketKeys, { issuer })
  if (!verdict.ok) return { valid: false, reason: 'forged' }
  const [entered] = await db
    .update(tickets)
    .set({ usedAt: sql`now()` })
    .from(orders)
    .where(
      and(
        eq(tickets.id, verdict.claims.ticket),
        isNull(tickets.usedAt),
        isNull(tickets.voidedAt),
        eq(orders.id, tickets.orderId),
        eq(orders.status, 'paid'),
      ),
    )
    .returning({ usedAt: tickets.usedAt, performanceId: tickets.performanceId, ordinal: tickets.seatOrdinal })
  const [found] =
    entered === undefined
      ? await db
          .select({
            usedAt: tickets.usedAt,
            performanceId: tickets.performanceId,
            ordinal: tickets.seatOrdinal,
          })
          .from(tickets)
          .where(and(eq(tickets.id, verdict.claims.ticket), isNull(tickets.voidedAt)))
      : [entered]
  // Signed by us and yet void, unpaid, or not in this database: no entry.
  if (found === undefined || found.usedAt === null) return { valid: false, reason: 'unknown' }
  const [described] = await describeSeats(db, found.performanceId, [found.ordinal])
  if (described === undefined) throw new Error('a ticket names a seat that its hall does not have')
  const { id, section, row, label } = described
  const seat = { performance: found.performanceId, id, section, row, label }
  return entered === undefined
    ? { valid: false, reason: 'used', usedAt: found.usedAt, seat }
    : { valid: true, usedAt: found.usedAt, seat }
}
