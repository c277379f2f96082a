// Where a seat is sold, and where it is given back: one Postgres statement each, guarded by the order's state in its first
// part. Called by the saga. The unique index on live (performance, seat) decides; Redis and holds are not asked.

import { sql } from 'drizzle-orm'
import { sqlState, type Database } from '../../src/db/client.ts'

const UNIQUE_VIOLATION = '23505'

export type CommitOutcome =
  /** This call sold the seats: items, tickets and the outbox row exist, and the order is `capturing`. */
  | 'committed'
  /** A seat belongs to another order; nothing was written. */
  | 'seat_lost'
  /** The order was not `committing`: another call, or an earlier one whose reply was lost, has moved it. */
  | 'not_committing'

/**
 * Seats are inserted in order of their ordinal, so that two orders which want the same seats wait for each other and
 * never deadlock. Under READ COMMITTED a loser waits until the winner commits and then fails on the index.
 */
export async function commitOrder(db: Database, orderId: string): Promise<CommitOutcome> {
  try {
    const { rows } = await db.execute(sql`
      with moved as (
        update orders set status = 'capturing', attempts = 0, retry_at = now() + interval '30 seconds', updated_at = now()
        where id = ${orderId} and status = 'committing'
        returning id, performance_id, hold_id, seats
      ), wanted as (
        select moved.id, moved.performance_id, seat.ordinal, seat.price, seat.fee
        from moved, jsonb_to_recordset(moved.seats) as seat(ordinal int, price int, fee int)
      ), sold as (
        insert into order_items (order_id, performance_id, seat_ordinal, price_minor, fee_minor)
        select id, performance_id, ordinal, price, fee from wanted order by ordinal
        returning order_id, performance_id, seat_ordinal
      ), issued as (
        insert into tickets (order_id, performance_id, seat_ordinal)
        select order_id, performance_id, seat_ordinal from sold
      ), told as (
        insert into outbox (topic, order_id, performance_id, payload)
        select 'seats.sold', id, performance_id, jsonb_build_object('hold', hold_id,
          'ordinals', (select jsonb_agg(ordinal order by ordinal) from wanted))
        from moved
      )
      select id from moved`)
    return rows.length === 1 ? 'committed' : 'not_committing'
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return 'seat_lost'
    throw error
  }
}

/** The money is ours: `capturing` → `paid`. From here on tickets can be read. */
export async function completeOrder(db: Database, orderId: string): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = 'paid', failure = null, attempts = 0, updated_at = now()
      where id = ${orderId} and status = 'capturing'
      returning id, number, performance_id
    ), told as (
      insert into outbox (topic, order_id, performance_id, payload)
      select 'order.paid', id, performance_id, jsonb_build_object('number', number) from moved
    )
    select id from moved`)
  return rows.length === 1
}

/** The authorisation lapsed before it was captured: `capturing` → `failed`, seats free, tickets void. */
export async function giveBackSeats(db: Database, orderId: string, failure: string): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = 'failed', failure = ${failure}, attempts = 0, updated_at = now()
      where id = ${orderId} and status = 'capturing'
      returning id, performance_id
    ), freed as (
      update order_items set live = false from moved where order_id = moved.id and live
      returning seat_ordinal
    ), voided as (
      update tickets set voided_at = now() from moved where order_id = moved.id and voided_at is null
    ), told as (
      insert into outbox (topic, order_id, performance_id, payload)
      select 'seats.freed', id, performance_id,
        jsonb_build_object('ordinals', (select jsonb_agg(seat_ordinal order by seat_ordinal) from freed))
      from moved
    )
    select id from moved`)
  return rows.length === 1
}
