// Rows that Redis has lost: published, not handled by every consumer, and no longer in the stream. They are published
// again. Called by `pump`, that is by cron; also closes rows whose consumers were done at the very same moment.

import { sql } from 'drizzle-orm'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import type { Parts } from '../env.ts'
import { logInfo } from '../log.ts'
import { consumersNeeded } from './standing.ts'

/** A consumer has usually handled a row within a second, and cron delivers again what it has not within a minute. */
const LATE_SECONDS = 120
const ROWS_A_RUN = 500

/** The number of rows that were lost. Counted in `totals` too, for operators. */
export async function publishAgain({ db, streams }: Pick<Parts, 'db' | 'streams'>): Promise<number> {
  const { rows } = await db.execute<{ id: string; entry: string | null; done: boolean }>(sql`
    select id, entry, (select count(*) from outbox_handled where outbox_id = outbox.id) >= ${consumersNeeded} as done
    from outbox
    where handled_at is null and published_at < now() - ${LATE_SECONDS} * interval '1 second'
    order by published_at limit ${ROWS_A_RUN}`)
  if (rows.length === 0) return 0
  const waiting = rows.filter(({ done }) => !done)
  const kept = await streams.present(
    OUTBOX_STREAM,
    waiting.flatMap(({ entry }) => entry ?? []),
  )
  const verdicts = rows.map(({ id, entry, done }) => ({
    id: Number(id),
    verdict: done ? 'done' : entry !== null && kept.has(entry) ? 'kept' : 'lost',
  }))
  const lost = verdicts.filter(({ verdict }) => verdict === 'lost').length
  await db.execute(sql`
    with judged as (
      select id, verdict from jsonb_to_recordset(${JSON.stringify(verdicts)}::jsonb) as judged(id bigint, verdict text)
    ), moved as (
      update outbox set
        handled_at = case verdict when 'done' then now() end,
        published_at = case verdict when 'lost' then null else now() end,
        entry = case verdict when 'lost' then null else entry end,
        taken_at = null
      from judged where outbox.id = judged.id and handled_at is null and published_at is not null
      returning verdict
    )
    insert into totals (name, value)
    select 'foyer_outbox_published_again_total', count(*) from moved where verdict = 'lost' having count(*) > 0
    on conflict (name) do update set value = totals.value + excluded.value`)
  if (lost > 0) logInfo('rows of the outbox were lost and are published again', { rows: lost })
  return lost
}
