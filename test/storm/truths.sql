-- What must be true of everything that was sold, as one query: each row is something that is not. Read by the storms, and by
-- operators: psql "$DATABASE_URL" -f test/storm/truths.sql. Changes nothing.
-- `wrong` must never be seen; `open` is work under way, and must be gone when everything rests.
-- Weakness: reads all orders, items and outbox rows; meant for after a sale, or for a replica.
with items as (
  select order_id, count(*) filter (where live) as live, count(*) as sold from order_items group by order_id
), told as (
  select order_id, count(*) filter (where topic = 'seats.sold') as sold, count(*) filter (where topic = 'order.paid') as paid,
    count(*) filter (where topic = 'order.closed') as closed
  from outbox group by order_id
), facts as (
  select orders.*, coalesce(items.live, 0) as live_items, coalesce(items.sold, 0) as sold_items,
    coalesce(told.sold, 0) as told_sold, coalesce(told.paid, 0) as told_paid, coalesce(told.closed, 0) as told_closed
  from orders left join items on items.order_id = orders.id left join told on told.order_id = orders.id
), recent as (
  -- The outbox forgets after thirty days.
  select * from facts where created_at > now() - interval '29 days'
)
select 'wrong' as kind, 'a seat is sold twice' as rule, performance_id || ' ' || seat_ordinal as what
from order_items where live group by performance_id, seat_ordinal having count(*) > 1
union all
select 'wrong', 'a paid order took another amount than its total', number
from facts where status = 'paid' and captured_minor <> total_minor
union all
select 'wrong', 'a paid order lacks a seat', number
from facts where status = 'paid' and sold_items <> seat_count
union all
select 'wrong', 'an order that was not sold has a seat', number
from facts where status not in ('capturing', 'paid', 'stuck') and live_items > 0
union all
select 'wrong', 'a valid ticket has no seat', tickets.id::text
from tickets where voided_at is null and not exists (
  select 1 from order_items where order_id = tickets.order_id and seat_ordinal = tickets.seat_ordinal and live)
union all
select 'wrong', 'a sold seat has no valid ticket', performance_id || ' ' || seat_ordinal
from order_items where live and not exists (
  select 1 from tickets where order_id = order_items.order_id and seat_ordinal = order_items.seat_ordinal and voided_at is null)
union all
select 'wrong', 'an order ended unsold without a reason', number
from facts where status in ('voided', 'failed', 'expired', 'cancelled') and reason is null
union all
select 'wrong', 'more was given back than was taken', number
from facts where refunded_minor > captured_minor
  or refunded_minor <> (select coalesce(sum(amount_minor), 0) from refunds where order_id = facts.id and refunds.status = 'succeeded')
union all
select 'wrong', 'a refund has no reason', id::text from refunds where reason = ''
union all
select 'wrong', 'a hold has two orders', hold_id
from orders where status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'paid', 'stuck')
group by hold_id having count(*) > 1
union all
select 'wrong', 'a sale was not told once', number from recent where told_sold <> (sold_items > 0)::int
union all
select 'wrong', 'a payment was not told once', number
from recent where told_paid > 1 or (status = 'paid' and told_paid = 0) or (status not in ('paid', 'refunded') and told_paid > 0)
union all
select 'wrong', 'an end without a sale was not told once', number
from recent where told_closed <> (status in ('voided', 'failed', 'expired', 'cancelled'))::int
union all
select 'open', 'an order is under way', number || ' ' || status
from facts where status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'voiding')
union all
select 'wrong', 'an order waits for a person', number || ' ' || coalesce(failure, '') from facts where status = 'stuck'
union all
select 'open', 'a refund is under way', id::text from refunds where status = 'requested'
union all
select 'wrong', 'a refund waits for a person', id::text from refunds where status = 'stuck'
union all
select 'open', 'the outbox has a row that was not handled', id || ' ' || topic from outbox where handled_at is null
union all
select 'wrong', 'a message was given up', message from dead_letters where redriven_at is null
union all
select 'open', 'the totals count other orders than there are', name || ' ' || value
from totals join (
  select 'foyer_orders_total event="' || event_id || '",outcome="paid"' as name, count(*) as ever,
    count(*) filter (where status = 'paid') as still
  from orders join performances on performances.id = performance_id where status in ('paid', 'refunded') group by event_id
) as counted using (name) where value not between still and ever
order by 1, 2, 3;
