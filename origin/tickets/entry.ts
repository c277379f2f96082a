// Entry at the door: a ticket is let in once, whichever doors see it. Called by the route of ticket checks alone.
// Postgres decides, in one update; the signature only says that it is worth asking.

import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { orders, tickets } from '../../src/db/orders.ts'
import { describeSeats } from '../catalogue.ts'
import { isRevoked } from './revocations.ts'
import { verifyTicket } from './ticket-code.ts'
import type { TicketKeys } from './tickets.ts'

export interface Scan {
  /** What the QR says. */
  readonly code: string
  /** The performance at whose door this is; without one, a ticket for any is let in. */
  readonly performance?: string | undefined
  /** The door, in its own words. */
  readonly door?: string | undefined
  /** The same for every repeat of this scan. */
  readonly key?: string | undefined
}

export type Entry =
  | { readonly valid: true; readonly usedAt: Date; readonly usedBy?: string; readonly seat: TicketSeat }
  /** `usedAt` and `usedBy` are the first entry. */
  | {
      readonly valid: false
      readonly reason: 'used'
      readonly usedAt: Date
      readonly usedBy?: string
      readonly seat: TicketSeat
    }
  /** Ours, and no longer good: refunded or cancelled. Or good, for another performance, and still unused. */
  | { readonly valid: false; readonly reason: 'revoked' | 'other_performance'; readonly seat: TicketSeat }
  /** `forged`: not signed by us. `unknown`: signed by us, but its order was never paid here. */
  | { readonly valid: false; readonly reason: 'forged' | 'unknown' }

export interface TicketSeat {
  readonly performance: string
  readonly id: string
  readonly section: string
  readonly row: string
  readonly label: string
}

/**
 * Lets a ticket in, once: of two doors that scan the same code at once, one update finds it unused. A repeat of that very
 * scan, by its key, is let in again, since the answer may have been lost.
 */
export async function admitTicket(
  db: Database,
  { code, performance, door, key }: Scan,
  { ticketKeys, issuer }: TicketKeys,
): Promise<Entry> {
  const verdict = await verifyTicket(code, ticketKeys, { issuer })
  if (!verdict.ok) return { valid: false, reason: 'forged' }
  const { ticket } = verdict.claims
  const [entered] = await db
    .update(tickets)
    .set({ usedAt: sql`now()`, usedBy: door ?? null, usedKey: key ?? null })
    .from(orders)
    .where(
      and(
        eq(tickets.id, ticket),
        performance === undefined ? undefined : eq(tickets.performanceId, performance),
        isNull(tickets.usedAt),
        isNull(tickets.voidedAt),
        eq(orders.id, tickets.orderId),
        eq(orders.status, 'paid'),
      ),
    )
    .returning({ usedAt: tickets.usedAt, performanceId: tickets.performanceId, ordinal: tickets.seatOrdinal })
  if (entered?.usedAt != null) {
    const seat = await seatOf(db, entered)
    return { valid: true, usedAt: entered.usedAt, ...byDoor(door), seat }
  }
  const [found] = await db
    .select({
      usedAt: tickets.usedAt,
      usedBy: tickets.usedBy,
      usedKey: tickets.usedKey,
      performanceId: tickets.performanceId,
      ordinal: tickets.seatOrdinal,
      revoked: isRevoked,
      status: orders.status,
    })
    .from(tickets)
    .innerJoin(orders, eq(orders.id, tickets.orderId))
    .where(eq(tickets.id, ticket))
  if (found === undefined) return { valid: false, reason: 'unknown' }
  const seat = await seatOf(db, found)
  if (found.revoked) return { valid: false, reason: 'revoked', seat }
  if (performance !== undefined && found.performanceId !== performance) {
    return { valid: false, reason: 'other_performance', seat }
  }
  const { usedAt, usedBy, usedKey } = found
  if (usedAt === null) return { valid: false, reason: 'unknown' }
  const first = { usedAt, ...byDoor(usedBy), seat }
  return key !== undefined && usedKey === key
    ? { valid: true, ...first }
    : { valid: false, reason: 'used', ...first }
}

const byDoor = (door: string | null | undefined) => (door == null ? {} : { usedBy: door })

async function seatOf(
  db: Database,
  { performanceId, ordinal }: { performanceId: string; ordinal: number },
): Promise<TicketSeat> {
  const [described] = await describeSeats(db, performanceId, [ordinal])
  if (described === undefined) throw new Error('a ticket names a seat that its hall does not have')
  const { id, section, row, label } = described
  return { performance: performanceId, id, section, row, label }
}
