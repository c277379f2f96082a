// The list of orders for operators, latest first, and above all of those that wait for a person. Called by the operators'
// routes; changes nothing.

import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../src/db/client.ts'
import { ORDER_STATUSES, type OrderStatus } from '../../src/db/orders.ts'

const LISTED_BY_DEFAULT = 50
const LISTED_MOST = 200

const number = z
  .string()
  .regex(/^[0-9A-Za-z]{4}-[0-9A-Za-z]{4}$/, 'must be the number of an order, such as 7K3M-9QXA')
  .transform((text) => text.toUpperCase())

/** Unknown parameters are refused: one that is misspelt would list everything. */
export const listQuery = z.strictObject({
  /** `stuck` also finds orders of which a refund is stuck. */
  status: z.enum(ORDER_STATUSES, 'must be a status of an order').optional(),
  number: number.optional(),
  performance: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be the id of a performance')
    .optional(),
  limit: z.coerce
    .number()
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(LISTED_MOST, `must be at most ${LISTED_MOST}`)
    .default(LISTED_BY_DEFAULT),
  /** The number of the last order of the page before. */
  before: number.optional(),
})

interface Row extends Record<string, unknown> {
  readonly number: string
  readonly status: OrderStatus
  readonly performance: string
  readonly seats: number
  readonly total: number
  readonly refunded: number
  readonly currency: string
  readonly attempts: number
  readonly failure: string | null
  readonly reason: string | null
  readonly nextStatus: OrderStatus | null
  readonly refundsUnderWay: number
  readonly refundsStuck: number
  readonly createdAt: string
  readonly updatedAt: string
}

/** `next` is the `before` of the following page; `null` where there is none. Amounts in minor units. */
export async function listOrders(
  db: Database,
  { status, number: wanted, performance, limit, before }: z.output<typeof listQuery>,
): Promise<{ orders: Row[]; next: string | null }> {
  const rfc3339 = (column: 'created_at' | 'updated_at') =>
    sql`to_char(${sql.identifier(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  const { rows } = await db.execute<Row>(sql`
    select number, status, performance_id as performance, seat_count as seats, total_minor as total,
      refunded_minor as refunded, currency, attempts, failure, reason, next_status as "nextStatus",
      (select count(*)::int from refunds where order_id = orders.id and status = 'requested') as "refundsUnderWay",
      (select count(*)::int from refunds where order_id = orders.id and status = 'stuck') as "refundsStuck",
      ${rfc3339('created_at')} as "createdAt", ${rfc3339('updated_at')} as "updatedAt"
    from orders
    where ${wanted === undefined ? sql`true` : sql`number = ${wanted}`}
      and ${performance === undefined ? sql`true` : sql`performance_id = ${performance}`}
      and ${statusIs(status)}
      and ${before === undefined ? sql`true` : sql`(created_at, number) < (select created_at, number from orders where number = ${before})`}
    order by created_at desc, number desc
    limit ${limit + 1}`)
  const page = rows.slice(0, limit)
  return { orders: page, next: rows.length > limit ? (page.at(-1)?.number ?? null) : null }
}

function statusIs(status: OrderStatus | undefined) {
  if (status === undefined) return sql`true`
  if (status !== 'stuck') return sql`status = ${status}`
  return sql`(status = 'stuck' or id in (select order_id from refunds where status = 'stuck'))`
}
