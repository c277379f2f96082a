// What operators see of imports, and the driving again of one that failed. Called by the admin routes.

import { desc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { imports, type IMPORT_STATUSES } from '../../src/db/halls.ts'
import { IMPORT_STREAM } from '../../src/redis/keys.ts'
import { msToRfc3339 } from '../../src/time.ts'

export type ImportStatus = (typeof IMPORT_STATUSES)[number]

export interface ImportProgress {
  readonly importId: string
  readonly event: string
  readonly status: ImportStatus
  /** Only rises. */
  readonly seatsDone: number
  readonly seatsTotal: number
  /** RFC 3339. */
  readonly startedAt: string
  readonly finishedAt: string | null
  /** Why it failed. */
  readonly error: string | null
}

const LISTED = 50
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const columns = {
  id: imports.id,
  eventId: imports.eventId,
  status: imports.status,
  seatsDone: imports.seatsDone,
  seatsTotal: imports.seatsTotal,
  startedAt: imports.startedAt,
  finishedAt: imports.finishedAt,
  error: imports.error,
}

/** The latest first. */
export async function listImports(db: Database): Promise<ImportProgress[]> {
  const rows = await db
    .select(columns)
    .from(imports)
    .orderBy(desc(imports.startedAt), desc(imports.id))
    .limit(LISTED)
  return rows.map(toProgress)
}

/** Longer than a step takes where all is well. */
const IDLE_SECONDS = 2

/** `idle`: it is under way, and nobody seems to be at it. `undefined` for an unknown id, and for what is none. */
export async function findImport(
  db: Database,
  id: string,
): Promise<{ readonly progress: ImportProgress; readonly idle: boolean } | undefined> {
  if (!UUID.test(id)) return undefined
  const idle = sql<boolean>`status in ('queued', 'running') and touched_at < now() - ${IDLE_SECONDS} * interval '1 second'`
  const [row] = await db
    .select({ ...columns, idle })
    .from(imports)
    .where(eq(imports.id, id))
  return row && { progress: toProgress(row), idle: row.idle }
}

/**
 * Lets a failed import carry on from where it stopped, and closes its dead letters. False where it has not failed, where its
 * file is not kept any more, or where the same file is under way.
 */
export async function redriveImport(db: Database, id: string): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with again as (
      update imports set status = 'running', error = null, finished_at = null, touched_at = 'epoch'
      where id = ${id} and status = 'failed' and (file is not null or detail is not null)
        and not exists (select from imports same where same.file_hash = imports.file_hash
          and same.status in ('queued', 'running'))
      returning id
    ), closed as (
      update dead_letters set redriven_at = now() from again
      where stream = ${IMPORT_STREAM} and payload->>'import' = again.id::text and redriven_at is null
    )
    select id from again`)
  return rows.length === 1
}

const toProgress = (row: Pick<typeof imports.$inferSelect, keyof typeof columns>): ImportProgress => ({
  importId: row.id,
  event: row.eventId,
  status: row.status,
  seatsDone: row.seatsDone,
  seatsTotal: row.seatsTotal,
  startedAt: msToRfc3339(row.startedAt.getTime()),
  finishedAt: row.finishedAt === null ? null : msToRfc3339(row.finishedAt.getTime()),
  error: row.error,
})
