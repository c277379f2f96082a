// Compares the seats and holds of each performance on sale in Redis with Postgres, and repairs Redis where they differ.
// Called by `reconcile`. Postgres is never changed here but for orders that can no longer be sold (`holds.ts`).

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import type { AuditedHold } from '../../src/redis/seats.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'
import { isOnSale, listPerformancesSince, type Performance } from '../catalogue.ts'
import type { Parts } from '../env.ts'
import { readKnownSeats } from '../known-seats.ts'
import { reloadSeats, withSeatsLoaded } from '../load-seats.ts'
import { inTurn } from '../report-all-stock.ts'
import { seatsChanged } from '../stock.ts'
import { compareSeats } from './compare-seats.ts'
import { readOrdersWithHolds, repairHolds } from './holds.ts'
import { addRepairs, type Repairs } from './repairs.ts'

/** More take turns, a minute each: reading a hall takes Redis some milliseconds. */
const PERFORMANCES_A_RUN = 20
/** As long as a performance is on sale after its beginning, and a day more. */
const LOOKED_BACK_MS = 2 * 24 * 60 * MS_PER_MINUTE
/** A sale is shown within a second; its row of the outbox is delivered again after half a minute. */
const MOVING_SECONDS = 120

/** Throws the first failure after every performance of the run was tried. */
export async function reconcileSeats(parts: Parts): Promise<Repairs> {
  const nowMs = Date.now()
  const recent = await listPerformancesSince(parts.db, nowMs - LOOKED_BACK_MS)
  const onSale = recent.filter((performance) => isOnSale(performance, nowMs))
  const failures: unknown[] = []
  const repairs: Repairs[] = []
  for (const performance of inTurn(onSale, { nowMs, atMost: PERFORMANCES_A_RUN })) {
    try {
      repairs.push(await reconcilePerformance(parts, performance))
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, 'seats could not be compared', { cause: failures[0] })
  return addRepairs(repairs)
}

/** Orders are read before Redis and seats after it: what changes in between is among the seats that move. */
export async function reconcilePerformance(parts: Parts, performance: Performance): Promise<Repairs> {
  const { db, seats } = parts
  const { id } = performance
  const { held, ended } = await readOrdersWithHolds(db, id)
  const holdIds = [...held, ...ended].map(({ holdId }) => holdId)
  const shown = await withSeatsLoaded(parts, performance, () => seats.audit(id, holdIds))
  const statusOf = new Map(
    holdIds.map((holdId, at): [string, AuditedHold] => [holdId, shown.holds[at] ?? 'unknown']),
  )
  const holds = await repairHolds(parts, performance, { held, ended, statusOf })
  const known = { seats: performance.seats, ...(await readKnownSeats(db, id)) }
  const moving = await readMovingSeats(db, id)
  const found = moving === 'all' ? {} : compareSeats(shown, known, { moving })
  if (Object.keys(found).length > 0) await reloadSeats(parts, performance)
  const repairs = addRepairs([holds, found, { seat_held_by_nobody: shown.heldByNobody.length }])
  if (Object.keys(repairs).length > 0) seatsChanged(parts, id)
  return repairs
}

/** Ordinals of which the outbox is telling at the moment, or has just told; `all` while an import changes the event. */
async function readMovingSeats(db: Database, performanceId: string): Promise<ReadonlySet<number> | 'all'> {
  const recently = sql`now() - ${MOVING_SECONDS} * interval '1 second'`
  const { rows } = await db.execute<{ ordinals: number[]; importing: boolean }>(sql`
    select
      (select coalesce(jsonb_agg(distinct ordinal::int), '[]') from outbox,
        jsonb_array_elements_text(case when payload ? 'ordinals' then payload -> 'ordinals' else '[]' end) as ordinal
        where performance_id = ${performanceId}
          and ((handled_at is null and created_at > ${recently}) or handled_at > ${recently})) as ordinals,
      exists (select from imports join performances on performances.event_id = imports.event_id
        where performances.id = ${performanceId} and imports.status <> 'failed'
          and (finished_at is null or finished_at > ${recently})) as importing`)
  const [row] = rows
  return row === undefined || row.importing ? 'all' : new Set(row.ordinals)
}
