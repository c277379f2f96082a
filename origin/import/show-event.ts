// After an import has moved in Postgres: Redis and the caches follow, and the import is done. Called by run-imports.ts; safe
// to repeat, since every part reads Postgres anew.

import { sql } from 'drizzle-orm'
import { invalidateCatalogue } from '../catalogue-cache.ts'
import { isOnSale, listPerformances, listPerformancesSince } from '../catalogue.ts'
import type { Parts } from '../env.ts'
import { reloadSeats } from '../load-seats.ts'
import { seatsChanged } from '../stock.ts'
import { MS_PER_MINUTE } from '../../src/time.ts'

/** What began earlier is on sale no more. */
const LOOKED_BACK_MS = 2 * 24 * 60 * MS_PER_MINUTE

/** Throws what the stores throw; the import is not done then, and whoever carries it on shows it again. */
export async function showEvent(
  parts: Parts,
  { id, eventId }: { readonly id: string; readonly eventId: string },
): Promise<void> {
  const { db } = parts
  await invalidateCatalogue(parts, eventId)
  for (const performance of await performancesToReload(parts, eventId)) {
    await reloadSeats(parts, performance)
    seatsChanged(parts, performance.id)
  }
  await db.execute(sql`
    update imports set status = 'done', finished_at = now(), touched_at = now()
    where id = ${id} and status = 'running' and file is null`)
}

/** The event's own, and whatever else is on sale in its halls: their seats may have changed with it. */
async function performancesToReload({ db }: Parts, eventId: string) {
  const own = await listPerformances(db, eventId)
  const halls = new Set(own.map(({ hallId }) => hallId))
  const nowMs = Date.now()
  const onSale = (await listPerformancesSince(db, nowMs - LOOKED_BACK_MS)).filter(
    (one) => halls.has(one.hallId) && one.eventId !== eventId && isOnSale(one, nowMs),
  )
  return [...own, ...onSale]
}
