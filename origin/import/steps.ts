// The steps of imports as messages of their stream: batches of seats, then one that finishes. Queued for imports that are
// new and for those that stand still: a stream can be lost, and a Worker can end between any two statements.

import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../src/db/client.ts'
import { IMPORT_STREAM } from '../../src/redis/keys.ts'
import type { Streams } from '../../src/redis/streams.ts'

/** Longer than any step takes, and than a message of a Worker that ended waits for another. */
const STANDS_STILL_SECONDS = 120
/** Far more than the steps of all imports at once; what is trimmed is queued again. */
const KEPT_MESSAGES = 10_000

const FINISH = 'finish'

const stepSchema = z.union([
  z
    .object({ import: z.uuid(), step: z.literal(FINISH), only: z.string().optional() })
    .transform(({ import: importId, only }) => ({ kind: 'finish' as const, importId, only })),
  z
    .object({
      import: z.uuid(),
      step: z.coerce.number().int(),
      first: z.coerce.number().int(),
      count: z.coerce.number().int(),
      only: z.string().optional(),
    })
    .transform(({ import: importId, step, ...rest }) => ({
      kind: 'batch' as const,
      importId,
      batch: step,
      ...rest,
    })),
])

/** `only`: an operator had this message delivered again. */
export type ImportStep = z.output<typeof stepSchema>
export type BatchStep = Extract<ImportStep, { kind: 'batch' }>

/** `undefined` for what no version of this code has queued. */
export const parseStep = (fields: Readonly<Record<string, string>>): ImportStep | undefined =>
  stepSchema.safeParse(fields).data

/** Names the message among dead letters. */
export const stepName = (step: ImportStep): string =>
  `${step.importId}:${step.kind === 'batch' ? step.batch : FINISH}`

export async function queueFinish(streams: Streams, importId: string): Promise<void> {
  await streams.append(IMPORT_STREAM, [{ import: importId, step: FINISH }], { keep: KEPT_MESSAGES })
}

interface OpenBatch {
  readonly batch: number
  readonly first: number
  readonly count: number
}

/**
 * Queues what is missing of imports that nobody has touched for long, and of new ones. Two that ask at once queue once.
 * Throws what the stores throw; what was not queued then is queued by whoever asks next.
 */
export async function queueMissingSteps(db: Database, streams: Streams): Promise<void> {
  const { rows } = await db.execute<{ id: string; missing: readonly OpenBatch[] }>(sql`
    with stood as (
      update imports set touched_at = now()
      where status in ('queued', 'running')
        and touched_at < now() - ${STANDS_STILL_SECONDS} * interval '1 second'
      returning id
    )
    select stood.id, coalesce((select jsonb_agg(jsonb_build_object('batch', b.batch, 'first', b.first_ordinal, 'count', b.seat_count)
        order by b.batch) from import_batches b where b.import_id = stood.id and b.done_at is null), '[]') as missing
    from stood`)
  for (const { id, missing } of rows) {
    try {
      if (missing.length === 0) await queueFinish(streams, id)
      else await streams.append(IMPORT_STREAM, missing.map(toFields(id)), { keep: KEPT_MESSAGES })
    } catch (error) {
      await db.execute(sql`update imports set touched_at = 'epoch' where id = ${id}`)
      throw error
    }
  }
}

const toFields =
  (importId: string) =>
  ({ batch, first, count }: OpenBatch) => ({
    import: importId,
    step: String(batch),
    first: String(first),
    count: String(count),
  })
