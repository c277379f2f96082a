// Parts of statements that write to the outbox what a change of an order means for others. Called by `move`, `commit`,
// `give-back` and the refunds. Each reads a part named `moved` (id, number, performance_id, status, …) of its statement, so
// that nothing is told unless this statement moved the order, and nothing is moved without being told.

import { sql } from 'drizzle-orm'

/** `order.closed`, where the order came to rest without a sale; needs `moved.reason`. */
export const tellClosed = sql`
  insert into outbox (topic, order_id, performance_id, payload)
  select 'order.closed', moved.id, moved.performance_id, jsonb_build_object(
    'number', moved.number, 'event', performances.event_id, 'outcome', moved.status, 'reason', moved.reason)
  from moved join performances on performances.id = moved.performance_id
  where moved.status in ('voided', 'cancelled', 'expired', 'failed')`

/** `order.paid`; needs `moved.total_minor` and `moved.currency`. */
export const tellPaid = sql`
  insert into outbox (topic, order_id, performance_id, payload)
  select 'order.paid', moved.id, moved.performance_id, jsonb_build_object(
    'number', moved.number, 'event', performances.event_id, 'total', moved.total_minor, 'currency', moved.currency)
  from moved join performances on performances.id = moved.performance_id`

/** `seats.freed`, where a part named `freed` returned seats. */
export const tellFreed = sql`
  insert into outbox (topic, order_id, performance_id, payload)
  select 'seats.freed', moved.id, moved.performance_id,
    jsonb_build_object('ordinals', (select jsonb_agg(seat_ordinal order by seat_ordinal) from freed))
  from moved where exists (select 1 from freed)`
