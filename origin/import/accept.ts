// Takes an event file in: one row of `imports` and its batches, in one statement. Called by the admin route, which has
// checked the file's form. Brings nothing in by itself: run-imports.ts does, from what is written here.

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import type { EventFile } from './event-file.ts'
import { fileHash, planImport } from './plan.ts'
import type { ImportStatus } from './read-imports.ts'
import { refuseUnfit } from './refusals.ts'

/** About a hundred kilobytes of JSON a statement. */
const SEATS_A_BATCH = 1_000

export const SUPERSEDED = 'A later import of this event took its place.'

export interface AcceptedImport {
  readonly id: string
  readonly event: string
  readonly status: ImportStatus
  readonly seatsTotal: number
}

/**
 * The same file as one that is under way finds that import. Another file of the same event takes the place of those that are
 * under way. Throws the Problem `validation_failed` where what is there already forbids it (refusals.ts).
 */
export async function acceptImport(db: Database, file: EventFile): Promise<AcceptedImport> {
  const plan = await planImport(file)
  await refuseUnfit(db, plan)
  const [event, hash, total] = [file.event.id, await fileHash(file), plan.seats.length]
  // `epoch`: nothing is in the stream yet, and whoever looks next puts it there.
  const { rows } = await db.execute<Record<'id' | 'status' | 'seats_total', string>>(sql`
    with superseded as (
      update imports set status = 'failed', error = ${SUPERSEDED}, file = null, finished_at = now(), touched_at = now()
      where event_id = ${event} and file_hash <> ${hash} and status in ('queued', 'running') and file is not null
      returning id
    ), dropped as (
      delete from import_seats using superseded where import_id = superseded.id
    ), taken as (
      insert into imports (event_id, file, file_hash, seats_total, touched_at)
      values (${event}, ${JSON.stringify(file)}::jsonb, ${hash}, ${total}, 'epoch')
      on conflict (file_hash) where status in ('queued', 'running') do update set file_hash = excluded.file_hash
      returning id, status, seats_total, (xmax = 0) as inserted
    ), batches as (
      insert into import_batches (import_id, batch, first_ordinal, seat_count)
      select id, first / ${SEATS_A_BATCH}::int, first, least(${SEATS_A_BATCH}::int, ${total}::int - first)
      from taken, generate_series(0, ${total}::int - 1, ${SEATS_A_BATCH}::int) as first
      where inserted
    )
    select id, status, seats_total from taken`)
  const [row] = rows
  if (row === undefined) throw new Error('an import was not written')
  return { id: row.id, event, status: row.status as ImportStatus, seatsTotal: Number(row.seats_total) }
}
