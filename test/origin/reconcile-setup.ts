// The origin with one small event, for the tests of cron's repairs: how damage is done by hand, and what must hold after it.
// Used by the tests of `reconcile` and of bad luck only.
import { expect } from 'vitest'
import originWorker from '../../origin/index.ts'
import { pump } from '../../origin/outbox/pump.ts'
import { compareSeats } from '../../origin/reconcile/compare-seats.ts'
import { readKnownSeats } from '../../origin/known-seats.ts'
import { withSeatsLoaded } from '../../origin/load-seats.ts'
import { readRepairs } from '../../origin/reconcile/repairs.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import type { TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

export const KEYS = performanceKeys(PERFORMANCE)
const SMALL_HALL = { seats: 20 }

/** Once a file: the hall, whose import is long over as far as cron can tell. */
export async function bringHall(origin: TestOrigin): Promise<void> {
  await origin.importEvent(smallEvent())
  await origin.database.query(`update imports set finished_at = finished_at - interval '5 minutes'`)
}

/** Nothing sold, held, reserved, counted or noted, and no fault. Does not wait for reports of stock, which keep a pace of a second. */
export async function fresh(origin: TestOrigin, hall = SMALL_HALL): Promise<void> {
  for (const faults of [origin.payments.faults, origin.database.gateway.faults, origin.redis.faults])
    faults.clear()
  // What the requests before left running may want the same tables in another order.
  await origin.settled()
  await origin.database
    .query(`truncate orders, order_items, tickets, refunds, outbox, idempotency_keys, webhook_events,
    totals, cron_notes, dead_letters cascade`)
  await origin.parts.redis.flushdb()
  for (const { id, status } of origin.payments.intents.all()) {
    if (status === 'requires_capture') await origin.payments.intents.expire(id)
  }
  await mapOf(origin, hall)
}

/** As if everything that was told had been told five minutes ago: what differs now is explained by nothing. */
export async function whileNothingMoves(origin: TestOrigin): Promise<void> {
  await pump(origin.parts, { idleMs: 0 })
  await origin.database.query(`update outbox set created_at = created_at - interval '5 minutes',
    handled_at = handled_at - interval '5 minutes'`)
}

/** Everything that cron does, when every wait of orders, refunds and the outbox is over. */
export async function cron(origin: TestOrigin): Promise<void> {
  await origin.database.query(`update orders set retry_at = least(retry_at, now() - interval '1 second')`)
  await origin.database.query(`update refunds set retry_at = least(retry_at, now() - interval '1 second')`)
  await origin.database.query(`update outbox set taken_at = taken_at - interval '1 minute'`)
  const besides: Promise<unknown>[] = []
  await originWorker.scheduled({}, origin.env, { waitUntil: (work) => void besides.push(work) })
  await Promise.all(besides)
  await pump(origin.parts, { idleMs: 0 })
}

export const repairs = (origin: TestOrigin): Promise<Readonly<Record<string, number>>> =>
  readRepairs(origin.parts.db)

export async function audit({ parts }: TestOrigin, holds: readonly string[] = [], { seats } = SMALL_HALL) {
  return await withSeatsLoaded(parts, { id: PERFORMANCE, seats }, () => parts.seats.audit(PERFORMANCE, holds))
}

/** Marks of the map by ordinal. */
export const mapOf = async (origin: TestOrigin, hall = SMALL_HALL): Promise<string> =>
  (await audit(origin, [], hall)).map

export async function expectMapAgrees(origin: TestOrigin): Promise<void> {
  const shown = await audit(origin)
  const known = { ...SMALL_HALL, ...(await readKnownSeats(origin.parts.db, PERFORMANCE)) }
  expect(compareSeats(shown, known, { moving: new Set() })).toEqual({})
}

/** Every payment is captured for an order that is paid, or reserves nothing; every paid order has its money and its seats. */
export async function expectMoneyAgrees(origin: TestOrigin): Promise<void> {
  const rows = await origin.database.query(`
    select id, status, payment_intent, total_minor, captured_minor,
      (select count(*)::int from order_items where order_id = orders.id and live) as live,
      (select count(*)::int from tickets where order_id = orders.id and voided_at is null) as tickets, seat_count
    from orders`)
  const paid = rows.filter(({ status }) => status === 'paid')
  for (const order of paid) {
    expect(order).toMatchObject({
      captured_minor: order['total_minor'],
      live: order['seat_count'],
      tickets: order['seat_count'],
    })
  }
  for (const order of rows.filter(({ status }) => status !== 'paid'))
    expect(order).toMatchObject({ live: 0, tickets: 0 })
  const ids = new Set(rows.map(({ id }) => id))
  for (const intent of origin.payments.intents.all()) {
    if (!ids.has(intent.metadata['order'])) continue
    const owner = paid.find(({ payment_intent: id }) => id === intent.id)
    const { status, amountReceived } = intent
    if (owner === undefined) expect(['canceled', 'requires_payment_method']).toContain(status)
    else
      expect({ status, amountReceived }).toEqual({
        status: 'succeeded',
        amountReceived: owner['total_minor'],
      })
  }
}

/** Lets the clock of a hold run out: its record and its score. */
export async function expireHold({ parts: { redis } }: TestOrigin, holdId: string): Promise<void> {
  const record = String(await redis.hget(KEYS.holders, holdId)).split(' ')
  record[3] = '1'
  await redis.hset(KEYS.holders, { [holdId]: record.join(' ') })
  await redis.zadd(KEYS.holds, { score: 1, member: holdId })
}
