// What operators do with seats of a performance: release them, block them, or keep them for the house or for those who need
// accessible ones. Called by the admin route. Postgres is changed first, then the map in Redis, at once where it can be.
//
// A hold that exists may still be bought: a seat that is blocked under it leaves the sale when the hold ends, or never, if it
// is sold by then. A seat that is sold is not taken from its buyer: that is a refund.

import { sql, type SQL } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../src/db/client.ts'
import { BLOCK_REASONS } from '../src/db/halls.ts'
import { Problem } from '../src/problem.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import { ORDINALS_LIMIT } from '../src/redis/seat-arguments.ts'
import type { BaseMark } from '../src/redis/seat-marks.ts'
import { seatOrdinals, type Performance } from './catalogue.ts'
import type { Parts } from './env.ts'
import { logError } from './log.ts'
import { tellOthers } from './orders/tell-others.ts'
import { seatsChanged } from './stock.ts'

const SEATS_MOST = 10_000
const list = `must be a list of 1 to ${SEATS_MOST} seat ids`

const MARKS = { released: 'f', accessible: 'a', house: 'b', blocked: 'b' } as const satisfies Record<
  'released' | (typeof BLOCK_REASONS)[number],
  BaseMark
>

export const seatsBody = z
  .strictObject({
    seats: z.array(z.string(list), list).min(1, list).max(SEATS_MOST, list).optional(),
    reason: z
      .enum(BLOCK_REASONS, `must be one of ${BLOCK_REASONS.join(', ')}`)
      .optional()
      .describe('all that are kept for this reason; sold ones among them only where they are released'),
    state: z.enum(['released', ...BLOCK_REASONS], `must be one of released, ${BLOCK_REASONS.join(', ')}`),
  })
  .refine(({ seats, reason }) => (seats === undefined) !== (reason === undefined), {
    path: ['seats'],
    message: 'must be given, or else `reason`, and not both',
  })

export const seatsAnswer = z.object({
  state: z.enum(['released', ...BLOCK_REASONS]),
  changed: z
    .int()
    .min(0)
    .describe('seats that were in another state; those that are held follow when their hold ends'),
  shown: z.boolean().describe('false where Redis could not be asked: seat maps follow by themselves'),
})

type Body = z.output<typeof seatsBody>

/** Safe to repeat. Throws `validation_failed` for seats that the hall lacks, `seats_taken` for sold ones. */
export async function setSeats(
  parts: Parts,
  performance: Performance,
  body: Body,
): Promise<z.infer<typeof seatsAnswer>> {
  const written = await writeSeats(parts.db, performance, {
    wanted: await wantedSeats(parts.db, performance, body),
    body,
  })
  if (written.sold.length > 0) {
    throw new Problem('seats_taken', {
      detail: `${written.sold.length} of these seats are sold; nothing was changed. Give their money back first.`,
      extensions: { conflicts: written.sold.map((seat) => ({ seat, state: 'sold' })) },
    })
  }
  const { changed, row } = written
  const shown =
    row === null || (await showSeats(parts, performance, { row, changed, mark: MARKS[body.state] }))
  if (row !== null) tellOthers(parts)
  return { state: body.state, changed: changed.length, shown }
}

/** A select of the ordinals that the body names. */
async function wantedSeats(
  db: Database,
  performance: Performance,
  { seats, reason, state }: Body,
): Promise<SQL> {
  if (seats === undefined) {
    const unsold = sql`not exists (select from order_items i
      where i.performance_id = b.performance_id and i.seat_ordinal = b.seat_ordinal and i.live)`
    return sql`select b.seat_ordinal as ordinal from blocked_seats b
      where b.performance_id = ${performance.id} and b.reason = ${reason} and ${state === 'released' ? sql`true` : unsold}`
  }
  const { ordinals, unknown } = await seatOrdinals(db, performance.id, [...new Set(seats)])
  if (unknown.length > 0) {
    throw new Problem('validation_failed', {
      detail: `The hall has no seat ${unknown.slice(0, 20).join(', ')}.`,
      errors: unknown.map((id) => ({
        field: `/seats/${seats.indexOf(id)}`,
        message: 'is not a seat of this hall',
      })),
    })
  }
  return sql`select value::int as ordinal from jsonb_array_elements_text(${JSON.stringify(ordinals)}::jsonb)`
}

interface Written {
  /** Ids of sold seats, because of which nothing was written. */
  readonly sold: readonly string[]
  /** Ordinals that were in another state, ascending. */
  readonly changed: readonly number[]
  /** The outbox row that tells of them; null where nothing changed. */
  readonly row: number | null
}

/** Seats and outbox in one statement. */
async function writeSeats(
  db: Database,
  { id }: Performance,
  { wanted, body: { state } }: { wanted: SQL; body: Body },
): Promise<Written> {
  const write =
    state === 'released'
      ? sql`delete from blocked_seats b using locked
          where b.performance_id = ${id} and b.seat_ordinal = locked.seat_ordinal returning b.seat_ordinal`
      : sql`insert into blocked_seats (performance_id, seat_ordinal, reason)
          select ${id}, ordinal, ${state} from wanted where not exists (select from sold) order by ordinal
          on conflict (performance_id, seat_ordinal) do update set reason = excluded.reason
          where blocked_seats.reason <> excluded.reason returning seat_ordinal`
  const sold =
    state === 'released'
      ? sql`select null::text as id where false`
      : sql`select s.id from wanted
          join performances p on p.id = ${id}
          join seats s on s.hall_id = p.hall_id and s.ordinal = wanted.ordinal
          join order_items i on i.performance_id = p.id and i.seat_ordinal = s.ordinal and i.live`
  const { rows } = await db.execute<{ sold: string[]; changed: number[]; row: string | null }>(sql`
    with wanted as (${wanted}), sold as (${sold}),
    -- In order: two operators who set the same seats wait for each other, and never in a circle.
    locked as (
      select seat_ordinal from blocked_seats
      where performance_id = ${id} and seat_ordinal in (select ordinal from wanted)
      order by seat_ordinal for update
    ),
    written as (${write}),
    told as (
      insert into outbox (topic, order_id, performance_id, payload)
      select 'seats.changed', '', ${id}, jsonb_build_object(
        'ordinals', jsonb_agg(seat_ordinal order by seat_ordinal), 'mark', ${MARKS[state]}::text)
      from written having count(*) > 0
      returning id
    )
    select
      (select coalesce(jsonb_agg(id order by id), '[]') from sold) as sold,
      (select coalesce(jsonb_agg(seat_ordinal order by seat_ordinal), '[]') from written) as changed,
      (select id::text from told) as row`)
  const [first] = rows
  if (first === undefined) throw new Error('a select without from answered no row')
  return { ...first, row: first.row === null ? null : Number(first.row) }
}

/** False where Redis could not be asked: the outbox will tell it. */
async function showSeats(
  parts: Parts,
  { id }: Performance,
  { row, changed, mark }: { row: number; changed: readonly number[]; mark: BaseMark },
): Promise<boolean> {
  try {
    for (let from = 0; from < changed.length; from += ORDINALS_LIMIT) {
      const ordinals = changed.slice(from, from + ORDINALS_LIMIT)
      await parts.seats.change(id, { requestId: `${row}-${from}`, ordinals, mark })
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    logError('the seat map waits for the outbox', error, { performance: id })
    return false
  }
  seatsChanged(parts, id)
  return true
}
