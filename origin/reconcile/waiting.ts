// What waits, for operators: rows of the outbox that lag, imports that stand still, and what only a person can move on.
// Called by `reconcile`, which logs what is too old, and by its route. Changes nothing.

import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../src/db/client.ts'
import { logError } from '../log.ts'

/** Cron's minute, the half minute after which a message is delivered again, and some. */
const LAG_SECONDS = 180
export const STANDING_SECONDS = 120

export const waiting = z.object({
  outboxRows: z.int().describe('of which some consumer has not heard'),
  outboxOldestSeconds: z.int(),
  importsStanding: z.int().describe('under way, without a step for two minutes'),
  deadLetters: z.int().describe('that nobody has had delivered again'),
  ordersStuck: z.int(),
  refundsStuck: z.int(),
})
export type Waiting = z.infer<typeof waiting>

export async function readWaiting(db: Database): Promise<Waiting> {
  const { rows } = await db.execute<Waiting>(sql`
    select (select count(*)::int from outbox where handled_at is null) as "outboxRows",
      (select coalesce(floor(extract(epoch from now() - min(created_at))), 0)::int from outbox
        where handled_at is null) as "outboxOldestSeconds",
      (select count(*)::int from imports where status in ('queued', 'running')
        and touched_at < now() - ${STANDING_SECONDS} * interval '1 second') as "importsStanding",
      (select count(*)::int from dead_letters where redriven_at is null) as "deadLetters",
      (select count(*)::int from orders where status = 'stuck') as "ordersStuck",
      (select count(*)::int from refunds where status = 'stuck') as "refundsStuck"`)
  return waiting.parse(rows[0])
}

/** One line a run for as long as the outbox lags. */
export function complainOfLag({ outboxRows, outboxOldestSeconds }: Waiting): void {
  if (outboxOldestSeconds <= LAG_SECONDS) return
  logError('the outbox lags', `its oldest row is ${outboxOldestSeconds} s old`, { rows: outboxRows })
}
