// Relays the outbox: what Postgres has decided goes to the seats in Redis and onto the stream `outbox`, at least once.
// Called after a commit and by cron. A row is marked only after Redis has taken it; consumers drop repeats by its id.

import { asc, inArray, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import { outbox } from '../../src/db/orders.ts'
import { callStore } from '../../src/redis/client.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import type { Parts } from '../env.ts'
import { seatsChanged } from '../stock.ts'

/** The stream keeps about this many entries; Postgres keeps all. */
const STREAM_LENGTH = 100_000
const BATCH = 100

type Row = typeof outbox.$inferSelect

const ordinals = z.array(z.int().min(0))
const soldPayload = z.object({ hold: z.string(), ordinals })
const freedPayload = z.object({ ordinals })

/** The number of rows relayed, at most one batch. Throws StoreUnavailable with the rest left for the next run. */
export async function relayOutbox(parts: Parts): Promise<number> {
  const { db } = parts
  const rows = await db
    .select()
    .from(outbox)
    .where(isNull(outbox.publishedAt))
    .orderBy(asc(outbox.id))
    .limit(BATCH)
  const done: number[] = []
  try {
    for (const row of rows) {
      await relay(parts, row)
      done.push(row.id)
    }
  } finally {
    if (done.length > 0) {
      await db
        .update(outbox)
        .set({ publishedAt: sql`now()` })
        .where(inArray(outbox.id, done))
    }
  }
  return done.length
}

async function relay(parts: Parts, row: Row): Promise<void> {
  const { redis, seats } = parts
  switch (row.topic) {
    case 'seats.sold': {
      const sold = soldPayload.parse(row.payload)
      await seats.confirm(row.performanceId, sold.hold, sold.ordinals)
      seatsChanged(parts, row.performanceId)
      break
    }
    case 'seats.freed':
      // The row's id as request id: a late repeat must not free a seat that was sold again since.
      await seats.free(row.performanceId, freedPayload.parse(row.payload).ordinals, {
        requestId: String(row.id),
      })
      seatsChanged(parts, row.performanceId)
      break
    case 'order.paid':
      break
  }
  await callStore(() =>
    redis.xadd(
      OUTBOX_STREAM,
      '*',
      { id: String(row.id), topic: row.topic, order: row.orderId, payload: JSON.stringify(row.payload) },
      { trim: { type: 'MAXLEN', comparison: '~', threshold: STREAM_LENGTH } },
    ),
  )
}
