// What is not as it must be, after a storm: in Postgres alone (truths.sql), between Postgres and the payment provider, and between
// Postgres and the seats in Redis. Reads only.
import { readFile } from 'node:fs/promises'
import { performanceKeys } from '../../src/redis/keys.ts'
import { PERFORMANCE } from './hall.ts'
import type { Shop } from './shop.ts'

export interface Untruth {
  /** `open`: work under way, which must be gone when everything rests. */
  readonly kind: 'wrong' | 'open'
  readonly rule: string
  readonly what: string
}

const QUERY = await readFile(new URL('truths.sql', import.meta.url), 'utf8')

export async function untruths(shop: Shop): Promise<Untruth[]> {
  return [
    ...(await shop.query<Untruth>(QUERY)),
    ...(await untruthsOfMoney(shop)),
    ...(await untruthsOfMap(shop)),
  ]
}

/** How often each rule was broken. */
export function tally(found: readonly Untruth[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { rule } of found) counts[rule] = (counts[rule] ?? 0) + 1
  return counts
}

interface PaidOrder {
  readonly number: string
  readonly status: string
  readonly intent: string | null
  readonly total: number
  readonly captured: number
  readonly refunded: number
}

/** The provider's ledger against the orders, both ways. */
async function untruthsOfMoney({ payments, query }: Shop): Promise<Untruth[]> {
  const orders = await query<PaidOrder>(
    `select number, status, payment_intent as intent, total_minor as total, captured_minor as captured,
       refunded_minor as refunded from orders`,
  )
  const byIntent = new Map(orders.map((order) => [order.intent, order]))
  const found: Untruth[] = []
  const wrong = (rule: string, what: string) => found.push({ kind: 'wrong', rule, what })
  for (const { id, status, amountReceived } of payments.intents.all()) {
    const order = byIntent.get(id)
    const sold = order?.status === 'paid' || order?.status === 'refunded'
    if (amountReceived > 0 && !(sold && order.captured === amountReceived)) {
      wrong('money was taken and nothing was sold for it', `${id} ${order?.status}`)
    }
    if (status === 'requires_capture') {
      found.push({
        kind: 'open',
        rule: 'money is reserved and neither taken nor released',
        what: `${id} ${order?.status}`,
      })
    }
  }
  for (const { number, status, intent, total, refunded } of orders) {
    if (status !== 'paid' && status !== 'refunded') continue
    if (total > 0 && payments.intents.get(intent ?? '')?.amountReceived !== total) {
      wrong('a sold order was not paid for', number)
    }
    const given = payments.refunds
      .all()
      .filter((refund) => refund.intent === intent && refund.status === 'succeeded')
    if (given.reduce((sum, { amount }) => sum + amount, 0) !== refunded)
      wrong('a refund is not the provider’s', number)
  }
  return found
}

/** Each seat of the map against what was sold, and the holds that Redis knows. */
async function untruthsOfMap({ hall, redis, query }: Shop): Promise<Untruth[]> {
  const keys = performanceKeys(PERFORMANCE)
  const [map, holders] = await Promise.all([redis.get(keys.map), redis.hgetall(keys.holders)])
  const found: Untruth[] = []
  const note = (rule: string, what: string | number) => found.push({ kind: 'open', rule, what: String(what) })
  if (map?.length !== hall.seats) {
    note('the map has another number of seats than the hall', map?.length ?? 'no map')
    return found
  }
  const seats = await query<{ ordinal: number; sold: boolean; reason: string | null }>(
    `select seats.ordinal, reason, exists (select 1 from order_items where live and performance_id = performances.id
       and seat_ordinal = seats.ordinal) as sold
     from performances join seats using (hall_id)
       left join blocked_seats on blocked_seats.performance_id = performances.id and seat_ordinal = seats.ordinal
     where performances.id = $1`,
    [PERFORMANCE],
  )
  for (const { ordinal, sold, reason } of seats) {
    const mark = map.charAt(ordinal)
    const resting = reason === null ? 'f' : reason === 'accessible' ? 'a' : 'b'
    const holder = holders[ordinal]?.split(' ')[1]
    if (sold && mark !== 's') note('the map offers a sold seat, or has it held', `${ordinal}${mark}`)
    else if (!sold && mark === 's') note('the map shows a seat as sold that is not', ordinal)
    else if (mark === 'h' && !holders[holder ?? '']?.startsWith('live '))
      note('a seat is held by nobody', ordinal)
    else if (!sold && mark !== 'h' && mark !== resting)
      note('a seat that nobody has is not what it was', `${ordinal}${mark}`)
  }
  return found
}
