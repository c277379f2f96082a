// Messages that a consumer has given up, kept in Postgres with the reason until an operator has them delivered again.
// Called by every consumer of a stream and by the admin routes. An open letter stands once for a consumer and a message.

import { and, desc, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { deadLetters } from '../../src/db/orders.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import type { Parts } from '../env.ts'

export type DeadLetter = typeof deadLetters.$inferSelect

const REASON_LENGTH = 500

/** A repeat for the same message replaces the reason; one that failed again after its redrive is a new letter. */
export async function bury(
  db: Database,
  letter: {
    readonly stream: string
    readonly consumer: string
    /** Names the message among those of its stream, whichever entry it came in. */
    readonly message: string
    /** The fields of the entry, as they are appended again. */
    readonly payload: Readonly<Record<string, string>>
    /** For the operator: no secret, no buyer. */
    readonly reason: string
    readonly attempts: number
  },
): Promise<void> {
  const { attempts } = letter
  const reason = letter.reason.slice(0, REASON_LENGTH)
  await db
    .insert(deadLetters)
    .values({ ...letter, reason })
    .onConflictDoUpdate({
      target: [deadLetters.stream, deadLetters.consumer, deadLetters.message],
      targetWhere: sql`redriven_at is null`,
      set: { reason, attempts, deadAt: sql`now()` },
    })
}

export interface DeadLetterQuery {
  readonly stream?: string | undefined
  readonly consumer?: string | undefined
  /** `open` are those that nobody has delivered again yet. */
  readonly state: 'open' | 'redriven'
  readonly limit: number
  readonly before?: Date | undefined
}

/** The latest first. */
export async function listDead(db: Database, query: DeadLetterQuery): Promise<readonly DeadLetter[]> {
  return await db
    .select()
    .from(deadLetters)
    .where(
      and(
        query.state === 'open' ? isNull(deadLetters.redrivenAt) : isNotNull(deadLetters.redrivenAt),
        query.stream === undefined ? undefined : eq(deadLetters.stream, query.stream),
        query.consumer === undefined ? undefined : eq(deadLetters.consumer, query.consumer),
        query.before === undefined ? undefined : lt(deadLetters.deadAt, query.before),
      ),
    )
    .orderBy(desc(deadLetters.deadAt), desc(deadLetters.id))
    .limit(query.limit)
}

/**
 * Has a message delivered again, to the consumer that gave it up; `undefined` for an unknown letter. A letter that was
 * redriven before is answered as it is. Throws where a store cannot be asked: a repeat is safe then.
 */
export async function redrive(
  { db, streams }: Pick<Parts, 'db' | 'streams'>,
  id: string,
): Promise<DeadLetter | undefined> {
  const [letter] = await db.select().from(deadLetters).where(eq(deadLetters.id, id))
  if (letter === undefined || letter.redrivenAt !== null) return letter
  if (!(await publishRowAgain(db, letter))) {
    // Before it is marked: a redrive that dies in between is asked for again, and consumers drop repeats.
    await streams.append(letter.stream, [{ ...letter.payload, only: letter.consumer }])
    await db
      .update(deadLetters)
      .set({ redrivenAt: sql`now()` })
      .where(and(eq(deadLetters.id, id), isNull(deadLetters.redrivenAt)))
  }
  const [redriven] = await db.select().from(deadLetters).where(eq(deadLetters.id, id))
  return redriven
}

/**
 * A row of the outbox is published by the relay, which no loss can stop; consumers that are done with it pass it by.
 * False where the letter is of another stream, or its row is forgotten.
 */
async function publishRowAgain(
  db: Database,
  { id, stream, message, consumer }: DeadLetter,
): Promise<boolean> {
  if (stream !== OUTBOX_STREAM || !/^\d{1,15}$/.test(message)) return false
  const { rows } = await db.execute(sql`
    with again as (
      update outbox set handled_at = null, published_at = null, entry = null, taken_at = null
      where id = ${Number(message)}
      returning id
    ), undone as (
      delete from outbox_handled using again where outbox_id = again.id and consumer = ${consumer}
    )
    update dead_letters set redriven_at = now()
    where dead_letters.id = ${id} and exists (select from again)
    returning dead_letters.id`)
  return rows.length === 1
}
