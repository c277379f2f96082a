// One batch of an import: its seats, that it is done, and the progress, in one statement. Called by run-imports.ts. A
// repeat writes nothing, so a message that comes twice, or two Workers with the same one, do no double work.

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import type { ImportPlan } from './plan.ts'
import type { BatchStep } from './steps.ts'

/** True where the last batch is done, whoever did it. */
export async function writeBatch(
  db: Database,
  plan: ImportPlan,
  { importId, batch, first, count }: BatchStep,
): Promise<boolean> {
  const seats = plan.seats.slice(first, first + count)
  const { rows } = await db.execute(sql`
    with open as (
      select b.batch, b.first_ordinal, b.seat_count
      from import_batches b join imports i on i.id = b.import_id
      where b.import_id = ${importId} and b.batch = ${batch} and b.done_at is null
        and i.status in ('queued', 'running') and i.file is not null
      for update of b
    ), written as (
      insert into import_seats (import_id, ordinal, id, section_id, row, label, tier_id, x, y, accessible)
      select ${importId}::uuid, s.ordinal, s.id, s.section, s.row, s.label, s.tier, s.x, s.y, s.accessible
      from open, jsonb_to_recordset(${JSON.stringify(seats)}::jsonb) as s(ordinal int, id text, section text, row text,
        label text, tier text, x real, y real, accessible boolean)
      where s.ordinal between open.first_ordinal and open.first_ordinal + open.seat_count - 1
    ), ended as (
      update import_batches b set done_at = now() from open where b.import_id = ${importId} and b.batch = open.batch
    )
    update imports set status = 'running', touched_at = now(), seats_done = seats_done + open.seat_count
    from open where imports.id = ${importId}
    returning seats_done = seats_total as complete`)
  if (rows[0] !== undefined) return rows[0]['complete'] === true
  const { rows: known } = await db.execute(sql`
    select from imports
    where id = ${importId} and status = 'running' and file is not null and seats_done = seats_total`)
  return known.length === 1
}
