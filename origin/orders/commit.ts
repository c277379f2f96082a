// Where a seat is sold, where its money is ours, and where it is given back unsold: one Postgres statement each, guarded by
// the order's state in its first part. Called by the saga and by an operator's void. The unique index on live
// (performance, seat) decides; Redis and holds are not asked.

import { sql } from 'drizzle-orm'
import { sqlState, violatedConstraint, type Database } from '../../src/db/client.ts'
import type { OrderStatus } from '../../src/db/orders.ts'
import { logError } from '../log.ts'
import { LEFT_BEHIND_SECONDS } from './move.ts'
import { tellClosed, tellFreed, tellPaid } from './outbox-rows.ts'

const UNIQUE_VIOLATION = '23505'
const LIVE_SEAT = 'order_items_live_seat'
/** Classes of SQL state that are about the rows themselves: data, integrity, raised by a trigger. */
const REFUSED = /^(22|23|P0)/

export type CommitOutcome =
  /** This call sold the seats: items, tickets and the outbox row exist, and the order is `capturing`. */
  | 'committed'
  /** A seat belongs to another order; nothing was written. */
  | 'seat_lost'
  /** The order was not `committing`: another call, or an earlier one whose reply was lost, has moved it. */
  | 'not_committing'
  /** Postgres refuses these rows themselves (a check, a key, a type): every repeat fails alike. Nothing was written. */
  | 'refused'

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
    const state = sqlState(error)
    if (state === UNIQUE_VIOLATION && violatedConstraint(error) === LIVE_SEAT) return 'seat_lost'
    if (state === undefined || !REFUSED.test(state)) throw error
    logError('Postgres refuses the rows of a commit', error)
    return 'refused'
  }
}

/** The money is ours: `capturing` → `paid`. From here on tickets can be read. */
export async function completeOrder(db: Database, orderId: string): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = 'paid', failure = null, captured_minor = total_minor, attempts = 0, updated_at = now()
      where id = ${orderId} and status = 'capturing'
      returning id, number, performance_id, total_minor, currency
    ), told as (${tellPaid})
    select id from moved`)
  return rows.length === 1
}

/**
 * An order that will not be sold after all: its seats are free again, its tickets void. `to` is `failed` where no money is
 * reserved any more, `voiding` where it still has to be released. `failure` is what the buyer may read.
 */
export async function giveBackSeats(
  db: Database,
  orderId: string,
  {
    from,
    to,
    reason,
    failure = reason,
  }: { from: OrderStatus; to: 'failed' | 'voiding'; reason: string; failure?: string },
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with moved as (
      update orders set status = ${to}, next_status = ${to === 'voiding' ? 'voided' : null}, reason = ${reason},
        failure = ${failure}, attempts = 0, updated_at = now(),
        retry_at = now() + ${LEFT_BEHIND_SECONDS} * interval '1 second'
      where id = ${orderId} and status = ${from}
      returning id, number, performance_id, status, reason
    ), freed as (
      update order_items set live = false from moved where order_id = moved.id and live
      returning seat_ordinal
    ), voided as (
      update tickets set voided_at = now() from moved where order_id = moved.id and voided_at is null
    ), told as (${tellFreed}), closed as (${tellClosed})
    select id from moved`)
  return rows.length === 1
}
