// Counts what can still be sold of a performance: in Redis, and where nothing seems left in Postgres, which alone knows.
// Called by the reports of stock. Repairs what Redis shows where the two disagree; otherwise changes nothing.

import { sql } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import type { SeatCounts, SeatStore } from '../src/redis/seats.ts'
import type { StockReport } from '../src/redis/stock.ts'
import type { Performance } from './catalogue.ts'
import { reloadSeats, withSeatsLoaded, type SeatSources } from './load-seats.ts'

/** Each ends 50 holds that are due; a thousand that end together are told in one report. */
const RUNS_A_COUNT = 20
const RELOADS = 2

/**
 * That nothing is left is believed only where Postgres says so too; where it does not, the seats are loaded anew. Throws
 * where the two go on to disagree, and what either throws.
 */
export async function countStock(sources: SeatSources, performance: Performance): Promise<StockReport> {
  for (let reloads = 0; ; reloads += 1) {
    const counts = await withSeatsLoaded(sources, performance, () =>
      countSeats(sources.seats, performance.id),
    )
    const { version, accessible, held, sold, sessions } = counts
    // What is kept for those who need it is for sale to them: the room stays open for it until it is sold or released.
    const free = counts.free + accessible
    if (free + held > 0 || (await isSoldOut(sources.db, performance))) {
      const taken = held + sold
      return { performance: performance.id, version, left: free, held, holders: sessions, taken }
    }
    if (reloads === RELOADS) throw new Error('Redis shows no seat that is free, and Postgres has some')
    await reloadSeats(sources, performance)
  }
}

async function countSeats(seats: SeatStore, performanceId: string): Promise<SeatCounts> {
  for (let runs = 1; ; runs += 1) {
    const counts = await seats.counts(performanceId)
    if (counts.status === 'unloaded' || !counts.moreDue || runs === RUNS_A_COUNT) return counts
  }
}

/** Whether every seat belongs to an order or is not for sale. */
async function isSoldOut(db: Database, { id, seats }: Performance): Promise<boolean> {
  const { rows } = await db.execute<{ gone: number }>(sql`
    select count(*)::int as gone from (
      select seat_ordinal from order_items where performance_id = ${id} and live
      union
      select seat_ordinal from blocked_seats where performance_id = ${id} and reason <> 'accessible'
    ) as gone`)
  return (rows[0]?.gone ?? 0) >= seats
}
