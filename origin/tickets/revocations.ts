// The list of a performance's tickets that are no longer good, signed like the tickets: for doors that check codes with the
// public keys alone. Called by the route of revocations. A list only grows, so its length is its version.

import { and, asc, eq, sql } from 'drizzle-orm'
import { SignJWT } from 'jose'
import type { Database } from '../../src/db/client.ts'
import { orders, tickets } from '../../src/db/orders.ts'
import { msToSeconds } from '../../src/time.ts'
import type { TicketKeys } from './tickets.ts'

const TYPE = 'revocations+jwt'

/** Refunded, or given up with its order before that was paid. Of a row of `tickets` joined with its order. */
export const isRevoked = sql<boolean>`(${tickets.voidedAt} is not null or ${orders.status} = 'refunded')`

/** Ids of the tickets, in an order that stays. */
export async function readRevoked(db: Database, performanceId: string): Promise<string[]> {
  const rows = await db
    .select({ id: tickets.id })
    .from(tickets)
    .innerJoin(orders, eq(orders.id, tickets.orderId))
    .where(and(eq(tickets.performanceId, performanceId), isRevoked))
    .orderBy(asc(tickets.id))
  return rows.map(({ id }) => id)
}

/** A compact JWS: `prf` performance, `ver` version, `rvk` ids of tickets, `iat` when that was so. */
export function signRevocations(
  { performance, revoked }: { performance: string; revoked: readonly string[] },
  { ticketKeys, issuer }: TicketKeys,
  { nowMs }: { nowMs: number },
): Promise<string> {
  return new SignJWT({ prf: performance, ver: revoked.length, rvk: revoked })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: ticketKeys.kid })
    .setIssuer(issuer)
    .setIssuedAt(msToSeconds(nowMs))
    .sign(ticketKeys.sign)
}
