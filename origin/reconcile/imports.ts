// Carries on the imports, as cron does, and counts those that stood still before and go on now. Called by `scheduled`.

import { inArray, sql } from 'drizzle-orm'
import { imports } from '../../src/db/halls.ts'
import type { Parts } from '../env.ts'
import { runImports } from '../import/run-imports.ts'
import { countRepairs } from './repairs.ts'
import { STANDING_SECONDS } from './waiting.ts'

export async function carryOnImports(parts: Parts): Promise<void> {
  const { db } = parts
  const standing = sql`${imports.status} in ('queued', 'running')
    and ${imports.touchedAt} < now() - ${STANDING_SECONDS} * interval '1 second'`
  const before = await db.select({ id: imports.id }).from(imports).where(standing)
  await runImports(parts)
  if (before.length === 0) return
  const ids = before.map(({ id }) => id)
  const after = await db
    .select({ carriedOn: sql<boolean>`not (${standing}) and ${imports.status} <> 'failed'` })
    .from(imports)
    .where(inArray(imports.id, ids))
  await countRepairs(db, { import_carried_on: after.filter(({ carriedOn }) => carriedOn).length })
}
