// Brings an event into Postgres by the steps of the import, one after the other and without Redis: for tests that have none
// or that need only the rows. Tests of the import itself drive it as the Worker does.
import { sql } from 'drizzle-orm'
import { acceptImport } from '../../origin/import/accept.ts'
import type { EventFile } from '../../origin/import/event-file.ts'
import { moveEvent } from '../../origin/import/move-event.ts'
import { planImport } from '../../origin/import/plan.ts'
import { writeBatch } from '../../origin/import/write-batch.ts'
import type { Database } from '../../src/db/client.ts'

/** The id of the import. */
export async function bringEvent(db: Database, file: EventFile): Promise<string> {
  const { id } = await acceptImport(db, file)
  const plan = await planImport(file)
  const { rows } = await db.execute<{ batch: number; first: number; count: number }>(sql`
    select batch, first_ordinal as first, seat_count as count from import_batches where import_id = ${id}`)
  for (const step of rows) {
    await writeBatch(db, plan, { kind: 'batch', importId: id, only: undefined, ...step })
  }
  await moveEvent(db, id, plan)
  await db.execute(sql`update imports set status = 'done', finished_at = now() where id = ${id}`)
  return id
}
