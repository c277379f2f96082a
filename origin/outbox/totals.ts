// The consumer `totals`: what each message adds to the counters of the table `totals`, and those counters for operators.
// A counter only ever grows. Its name is a Prometheus series: the metric, a space, its labels without their braces.

import { asc } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { totals } from '../../src/db/orders.ts'
import type { OutboxMessage } from './message.ts'
import type { Addition } from './standing.ts'

/** Pure. Amounts are minor units of their currency; seats are counted by performance, orders and money by event. */
export function additionsOf(message: OutboxMessage): readonly Addition[] {
  const add = (metric: string, labels: Readonly<Record<string, string>>, value: number): Addition => ({
    id: message.id,
    name: `${metric} ${spellLabels(labels)}`,
    value,
  })
  switch (message.topic) {
    case 'seats.sold': {
      const { ordinals } = message.payload
      return [add('foyer_seats_sold_total', { performance: message.performance }, ordinals.length)]
    }
    case 'seats.freed': {
      const { ordinals } = message.payload
      return [add('foyer_seats_given_back_total', { performance: message.performance }, ordinals.length)]
    }
    case 'seats.changed':
      return []
    case 'order.paid': {
      const { event, total, currency } = message.payload
      return [
        add('foyer_orders_total', { event, outcome: 'paid' }, 1),
        add('foyer_paid_minor_total', { event, currency }, total),
      ]
    }
    case 'order.closed': {
      const { event, outcome } = message.payload
      return [add('foyer_orders_total', { event, outcome }, 1)]
    }
    case 'order.refunded': {
      const { event, amount, currency, whole } = message.payload
      return [
        ...(whole ? [add('foyer_orders_total', { event, outcome: 'refunded' }, 1)] : []),
        add('foyer_refunds_total', { event }, 1),
        add('foyer_refunded_minor_total', { event, currency }, amount),
      ]
    }
  }
}

export interface Total {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** All counters by name. */
export async function readTotals(db: Database): Promise<readonly Total[]> {
  const rows = await db.select().from(totals).orderBy(asc(totals.name))
  return rows.map(({ name, value }) => {
    const [metric = '', ...labels] = name.split(' ')
    return { name: metric, labels: parseLabels(labels.join(' ')), value }
  })
}

/** Ids and currencies have no quotes or backslashes (`event-file.ts`); another's would be left out of the name. */
const spellLabels = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\\n]/g, '')}"`)
    .join(',')

const parseLabels = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]))
