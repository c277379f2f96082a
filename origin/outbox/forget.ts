// Forgets what the outbox has done with long ago. Called by cron, in bounded steps; a second run at once does no harm.

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'

const KEPT = '30 days'
const ROWS_A_RUN = 1_000

/** Handled rows with their records, and dead letters that were delivered again. Open dead letters stay. */
export async function forgetHandled(db: Database): Promise<void> {
  await db.batch([
    db.execute(sql`
      delete from outbox where id in (
        select id from outbox where handled_at < now() - ${KEPT}::interval limit ${ROWS_A_RUN})`),
    db.execute(sql`
      delete from dead_letters where id in (
        select id from dead_letters where redriven_at < now() - ${KEPT}::interval limit ${ROWS_A_RUN})`),
  ])
}
