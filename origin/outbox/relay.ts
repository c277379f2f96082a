// Relays the outbox: rows that Redis does not have yet go onto the stream `outbox`, at least once. Called by `pump` and
// `nudge`. A row is published only when Redis has said so; a relay that died leaves its rows to the next after half a minute.

import { sql } from 'drizzle-orm'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { toFields, type OutboxRow } from './message.ts'

/** The stream keeps about this many entries; Postgres keeps all. */
const STREAM_LENGTH = 100_000
export const RELAY_BATCH = 100
/** A relay is done, or dead, after this time: each of its three requests has a deadline of seconds. */
const TAKEN_SECONDS = 30

type Sources = Pick<Parts, 'db' | 'streams'>

/** The number of rows published, at most one batch. Throws where a store cannot be asked; nothing is lost then. */
export async function relay({ db, streams }: Sources): Promise<number> {
  const rows = await takeRows(db)
  if (rows.length === 0) return 0
  let failure: unknown
  const published: { id: number; entry: string }[] = []
  const publish = async (some: readonly OutboxRow[]) => {
    const entries = await streams.append(OUTBOX_STREAM, some.map(toFields), { keep: STREAM_LENGTH })
    for (const [at, { id }] of some.entries()) published.push({ id, entry: entries[at] ?? '' })
  }
  try {
    await publish(rows)
  } catch (error) {
    failure = rows.length === 1 ? error : await publishSingly(rows, publish)
  }
  await settle(db, { rows, published })
  if (failure !== undefined) throw failure
  return published.length
}

/**
 * One of them may be what Redis refuses (too large, say): the others go alone. Two that fail are an outage, and end the
 * attempt: with its error, which says nothing about the rows behind.
 */
async function publishSingly(
  rows: readonly OutboxRow[],
  publish: (some: readonly OutboxRow[]) => Promise<void>,
): Promise<StoreUnavailable | undefined> {
  let failed = 0
  for (const row of rows) {
    try {
      await publish([row])
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      logError('a row of the outbox could not be published', error, { row: row.id, topic: row.topic })
      failed += 1
      if (failed === 2) return error
    }
  }
  return undefined
}

/** Those that were tried before come last, so that one that always fails does not hold up the others. */
async function takeRows(db: Sources['db']): Promise<readonly OutboxRow[]> {
  const { rows } = await db.execute<{
    id: string
    topic: string
    order_id: string
    performance_id: string
    payload: unknown
  }>(sql`
    update outbox set taken_at = now() where id in (
      select id from outbox
      where published_at is null and (taken_at is null or taken_at < now() - ${TAKEN_SECONDS} * interval '1 second')
      order by taken_at nulls first, id limit ${RELAY_BATCH} for update skip locked)
    returning id, topic, order_id, performance_id, payload`)
  return rows
    .map((row) => ({
      id: Number(row.id),
      topic: row.topic,
      orderId: row.order_id,
      performanceId: row.performance_id,
      payload: row.payload,
    }))
    .toSorted((a, b) => a.id - b.id)
}

/** Marks what Redis has. Where nothing got through, all are free for the next relay at once; what is left of a batch waits. */
async function settle(
  db: Sources['db'],
  { rows, published }: { rows: readonly OutboxRow[]; published: readonly { id: number; entry: string }[] },
): Promise<void> {
  if (published.length === 0) {
    const ids = JSON.stringify(rows.map(({ id }) => id))
    await db.execute(sql`
      update outbox set taken_at = null
      where published_at is null and id in (select jsonb_array_elements_text(${ids}::jsonb)::bigint)`)
    return
  }
  await db.execute(sql`
    update outbox set published_at = now(), entry = sent.entry, taken_at = null
    from jsonb_to_recordset(${JSON.stringify(published)}::jsonb) as sent(id bigint, entry text)
    where outbox.id = sent.id and published_at is null`)
}
