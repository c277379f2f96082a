// What Postgres knows of the seats of a performance: sold, not for sale, kept for those who need them, and how they stand in
// rows and areas. Read whole for a rebuild of Redis, by `load-seats.ts` alone.

import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { blockedSeats, performances, sections } from '../src/db/halls.ts'
import { orderItems } from '../src/db/orders.ts'
import type { KnownSeats } from '../src/redis/seat-arguments.ts'
import { layoutText } from '../src/redis/seat-layout.ts'

/** One request. Each list is as of its own moment: the version that the caller saw before tells what changed since. */
export async function readKnownSeats(
  db: Database,
  performanceId: string,
): Promise<Omit<KnownSeats, 'seats'> & { readonly layout: string }> {
  const [sold, kept, parts] = await db.batch([
    db
      .select({ ordinal: orderItems.seatOrdinal })
      .from(orderItems)
      .where(and(eq(orderItems.performanceId, performanceId), sql`${orderItems.live}`)),
    db
      .select({ ordinal: blockedSeats.seatOrdinal, reason: blockedSeats.reason })
      .from(blockedSeats)
      .where(eq(blockedSeats.performanceId, performanceId)),
    db
      .select({
        id: sections.id,
        kind: sections.kind,
        firstOrdinal: sections.firstOrdinal,
        seatCount: sections.seatCount,
        tierId: sections.tierId,
        runs: sections.runs,
      })
      .from(performances)
      .innerJoin(sections, eq(sections.hallId, performances.hallId))
      .where(eq(performances.id, performanceId)),
  ])
  const ordinals = (rows: readonly { readonly ordinal: number }[]) => rows.map(({ ordinal }) => ordinal)
  return {
    sold: ordinals(sold),
    blocked: ordinals(kept.filter(({ reason }) => reason !== 'accessible')),
    accessible: ordinals(kept.filter(({ reason }) => reason === 'accessible')),
    layout: layoutText(parts),
  }
}
