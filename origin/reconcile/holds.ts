// Compares the holds of orders with those orders: a hold that outlived its order is given back, the hold of an order that
// Redis has lost is made again, and an order whose seats can no longer be had is closed before anybody pays for it.
// Called by `seats.ts` with what Redis says of each hold. An order whose payment was begun is left to the saga.

import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import type { OrderedSeat } from '../../src/db/orders.ts'
import type { AuditedHold } from '../../src/redis/seats.ts'
import type { Performance } from '../catalogue.ts'
import type { Parts } from '../env.ts'
import { withSeatsLoaded } from '../load-seats.ts'
import { advanceOrder } from '../orders/advance.ts'
import { closeUnpaid } from '../orders/move.ts'
import { lateHoldId } from '../orders/retake.ts'
import type { Repair, Repairs } from './repairs.ts'

/** Of each kind, a performance and run; they are chosen at random, so that none is passed over for ever. */
const ORDERS_A_RUN = 300
/** A hold that has less to live is not worth repairing. */
const LEAST_SECONDS = 15
/** Whoever ends an order gives its hold back right afterwards. */
const SETTLED_SECONDS = 60
/** No hold lives longer than this after its order was placed. */
const LONGEST_HOURS = 2

export interface OrderWithHold {
  readonly id: string
  readonly holdId: string
  readonly session: string
  readonly ordinals: readonly number[]
  readonly payByMs: number
  /** A payment was begun. */
  readonly begun: boolean
}

interface Row extends Record<string, unknown> {
  readonly kind: 'held' | 'ended'
  readonly id: string
  readonly holdId: string
  readonly session: string
  readonly seats: readonly OrderedSeat[]
  readonly payByMs: string
  readonly begun: boolean
}

/** `held`: orders that wait for their payment. `ended`: holds of orders that came to nothing, those taken late as well. */
export async function readOrdersWithHolds(
  db: Database,
  performanceId: string,
): Promise<{ held: readonly OrderWithHold[]; ended: readonly OrderWithHold[] }> {
  const columns = sql`id, hold_id as "holdId", session, seats,
    floor(extract(epoch from pay_by) * 1000)::text as "payByMs", payment_intent is not null as begun`
  const lately = sql`performance_id = ${performanceId} and created_at > now() - ${LONGEST_HOURS} * interval '1 hour'`
  const { rows } = await db.execute<Row>(sql`
    (select 'held' as kind, ${columns} from orders
      where ${lately} and status = 'awaiting_payment' and pay_by > now() + ${LEAST_SECONDS} * interval '1 second'
      order by random() limit ${ORDERS_A_RUN})
    union all
    (select 'ended' as kind, ${columns} from orders as ended
      where ${lately} and updated_at < now() - ${SETTLED_SECONDS} * interval '1 second'
        and (status in ('voided', 'cancelled', 'failed') or (status = 'expired' and payment_intent is not null))
        and not exists (select from orders as open where open.hold_id = ended.hold_id
          and open.status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'paid', 'stuck'))
      order by random() limit ${ORDERS_A_RUN})`)
  const found = rows.map(({ seats, payByMs, ...row }) => ({
    ...row,
    ordinals: seats.map(({ ordinal }) => ordinal),
    payByMs: Number(payByMs),
  }))
  const ended = found.filter(({ kind }) => kind === 'ended')
  return {
    held: found.filter(({ kind }) => kind === 'held'),
    ended: ended.flatMap((order) => [order, { ...order, holdId: lateHoldId(order) }]),
  }
}

export async function repairHolds(
  parts: Parts,
  performance: Performance,
  {
    held,
    ended,
    statusOf,
  }: {
    held: readonly OrderWithHold[]
    ended: readonly OrderWithHold[]
    statusOf: ReadonlyMap<string, AuditedHold>
  },
): Promise<Repairs> {
  const found = { hold_left: 0, hold_lost: 0, order_without_hold: 0 } satisfies Repairs
  for (const { holdId, session } of ended) {
    if (statusOf.get(holdId) !== 'live') continue
    if (await parts.seats.release(performance.id, holdId, { session })) found.hold_left += 1
  }
  for (const order of held) {
    const repair = await repairHold(parts, performance, order, statusOf.get(order.holdId))
    if (repair !== undefined) found[repair] += 1
  }
  return found
}

async function repairHold(
  parts: Parts,
  performance: Performance,
  order: OrderWithHold,
  status: AuditedHold | undefined,
): Promise<Extract<Repair, 'hold_lost' | 'order_without_hold'> | undefined> {
  if (status === 'unknown') {
    if (await holdAgain(parts, performance, order)) return 'hold_lost'
    if (order.begun) return undefined
  } else if (status !== 'released' && status !== 'lost') return undefined
  const reason = status === 'released' ? 'hold_given_back' : 'seat_lost'
  if (!(await closeUnpaid(parts.db, order.id, { to: 'cancelled', reason }))) return undefined
  await advanceOrder(parts, order.id)
  return 'order_without_hold'
}

/** Under its own id, until the time to pay is over: nobody else sees a difference. False where somebody else has a seat. */
async function holdAgain(parts: Parts, performance: Performance, order: OrderWithHold): Promise<boolean> {
  const { holdId, session, ordinals } = order
  const ttlMs = order.payByMs - Date.now()
  const outcome = await withSeatsLoaded(parts, performance, () =>
    parts.seats.hold(performance.id, {
      holdId,
      session,
      ordinals,
      ttlMs,
      maxLifeMs: Math.max(ttlMs, parts.config.holdMaxMs),
      // Whoever had them was asked when they were held.
      accessible: true,
    }),
  )
  return outcome.status === 'held'
}
