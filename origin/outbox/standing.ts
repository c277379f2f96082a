// What Postgres knows about messages of the outbox before they are handled, and the one statement that records that they
// were. Called by `deliver`. The totals are counted by that very statement, so that no repeat counts twice.

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import type { BlockReason } from '../../src/db/halls.ts'
import { OUTBOX_TOPICS } from '../../src/db/orders.ts'
import { CONSUMERS_OF, type Consumer, type OutboxMessage } from './message.ts'

/** A seat of a message as Postgres has it: who has bought it, and what it is kept for while nobody has. */
export interface SeatStanding {
  readonly id: number
  /** `sale`: the buyer is what the message is about; `base`: what it is kept for. */
  readonly about: 'sale' | 'base'
  readonly performance: string
  readonly ordinal: number
  readonly order: string | null
  /** Of the order that the message is about, where it is told of its sale. */
  readonly session: string | null
  readonly reason: BlockReason | null
}

export interface Standing {
  /** Rows that exist; an old one is forgotten after a month. */
  readonly known: ReadonlySet<number>
  /** `<row> <consumer>` of what was handled before. */
  readonly handled: ReadonlySet<string>
  readonly seats: ReadonlyMap<number, readonly SeatStanding[]>
}

export const handledKey = (id: number, consumer: Consumer): string => `${id} ${consumer}`

/** One request. `ofSeats` are those messages whose seats must be known. */
export async function readStanding(
  db: Database,
  { ids, ofSeats }: { ids: readonly number[]; ofSeats: readonly OutboxMessage[] },
): Promise<Standing> {
  const rows = db.execute<{ id: string; consumers: readonly Consumer[] }>(sql`
    select id, array(select consumer from outbox_handled where outbox_id = id) as consumers
    from outbox where id in (select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)::bigint)`)
  const wanted = ofSeats.flatMap((message) => seatsOf(message))
  const seats = db.execute<Omit<SeatStanding, 'id'> & { id: string }>(sql`
    select wanted.id, wanted.about, wanted.performance, wanted.ordinal, i.order_id as "order", b.reason,
      (select session from orders where id = wanted.sale) as session
    from ${recordset(wanted)} as wanted(id bigint, about text, performance text, ordinal int, sale text)
    ${joined('wanted')}
    order by wanted.id, wanted.ordinal`)
  const [found, standings] = wanted.length === 0 ? [await rows] : await db.batch([rows, seats])
  const byId = Map.groupBy(
    (standings?.rows ?? []).map((row) => ({ ...row, id: Number(row.id) })),
    ({ id }) => id,
  )
  return {
    known: new Set(found.rows.map(({ id }) => Number(id))),
    handled: new Set(
      found.rows.flatMap(({ id, consumers }) =>
        consumers.map((consumer) => handledKey(Number(id), consumer)),
      ),
    ),
    seats: byId,
  }
}

/** A counter and what a message adds to it; `name` as in the table. */
export interface Addition {
  readonly id: number
  readonly name: string
  readonly value: number
}

/**
 * Records who is done with what, adds to the totals what `totals` was done with for the first time, and marks rows that
 * everybody is done with. A message whose seats have changed since `seats` was read is not recorded: what was shown of
 * it may be out of date. Answers the ids of those.
 */
export async function recordHandled(
  db: Database,
  {
    done,
    additions = [],
    seats = [],
  }: {
    done: readonly { readonly id: number; readonly consumer: Consumer }[]
    additions?: readonly Addition[]
    seats?: readonly SeatStanding[]
  },
): Promise<ReadonlySet<number>> {
  if (done.length === 0) return new Set()
  const { rows } = await db.execute<{ id: string }>(sql`
    with changed as (
      select distinct shown.id
      from ${recordset(seats)} as shown(id bigint, about text, performance text, ordinal int, "order" text, reason text)
      ${joined('shown')}
      where case shown.about when 'sale' then i.order_id is distinct from shown.order
        else b.reason is distinct from shown.reason end
    ), marked as (
      insert into outbox_handled (outbox_id, consumer)
      select outbox.id, done.consumer
      from ${recordset(done)} as done(id bigint, consumer text) join outbox on outbox.id = done.id
      where done.consumer <> 'seats' or done.id not in (select id from changed)
      order by outbox.id, done.consumer
      on conflict do nothing
      returning outbox_id, consumer
    ), counted as (
      insert into totals (name, value)
      select addition.name, sum(addition.value)
      from ${recordset(additions)} as addition(id bigint, name text, value bigint)
      join marked on marked.outbox_id = addition.id and marked.consumer = 'totals'
      group by addition.name order by addition.name
      on conflict (name) do update set value = totals.value + excluded.value
    ), complete as (
      update outbox set handled_at = now() where id in (
        select outbox.id from outbox
        where handled_at is null and id in (select outbox_id from marked)
          and (select count(*) from marked where outbox_id = outbox.id)
            + (select count(*) from outbox_handled where outbox_id = outbox.id) >= ${consumersNeeded}
        order by outbox.id for update skip locked)
    )
    select id from changed`)
  return new Set(rows.map(({ id }) => Number(id)))
}

/** How many consumers a row of `outbox` is for. */
export const consumersNeeded = sql`case outbox.topic ${sql.join(
  OUTBOX_TOPICS.map((topic) => sql`when ${topic} then ${CONSUMERS_OF[topic].length}::int`),
  sql` `,
)} else 1 end`

const joined = (seat: 'wanted' | 'shown') => sql`
  left join order_items i on i.performance_id = ${sql.raw(seat)}.performance
    and i.seat_ordinal = ${sql.raw(seat)}.ordinal and i.live
  left join blocked_seats b on b.performance_id = ${sql.raw(seat)}.performance
    and b.seat_ordinal = ${sql.raw(seat)}.ordinal`

/** Rows as one parameter, to be named with `as`. */
const recordset = (rows: readonly object[]) => sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)`

function seatsOf(message: OutboxMessage) {
  const { id, performance, topic } = message
  if (topic !== 'seats.sold' && topic !== 'seats.freed' && topic !== 'seats.changed') return []
  const about = topic === 'seats.changed' ? 'base' : 'sale'
  const sale = topic === 'seats.sold' ? message.order : null
  return message.payload.ordinals.map((ordinal) => ({ id, about, performance, ordinal, sale }))
}
