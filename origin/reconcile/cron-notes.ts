// What cron remembers in Postgres from one run to the next. Called by the parts of `reconcile`. A note is replaced as a whole;
// of two runs at once the later one stays, and its readers bear either.

import { eq, sql } from 'drizzle-orm'
import type { z } from 'zod'
import type { Database } from '../../src/db/client.ts'
import { cronNotes } from '../../src/db/orders.ts'

/** `undefined` for none, and for one of another shape, such as an older deployment's. */
export async function readNote<Value>(
  db: Database,
  name: string,
  shape: z.ZodType<Value>,
): Promise<Value | undefined> {
  const [note] = await db.select().from(cronNotes).where(eq(cronNotes.name, name))
  const parsed = shape.safeParse(note?.value)
  return parsed.success ? parsed.data : undefined
}

export async function writeNote(
  db: Database,
  name: string,
  value: Readonly<Record<string, unknown>>,
): Promise<void> {
  await db
    .insert(cronNotes)
    .values({ name, value })
    .onConflictDoUpdate({
      target: cronNotes.name,
      set: { value: sql`excluded.value`, writtenAt: sql`now()` },
    })
}
