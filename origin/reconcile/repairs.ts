// What cron has repaired, by kind: counted in `totals` and told in one line of the log. Called by every part of cron that
// finds something which should have gone on by itself. A count of zero leaves no trace.

import { asc, like, or, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { totals } from '../../src/db/orders.ts'
import { logInfo } from '../log.ts'

export const REPAIRS = [
  /** A seat that Postgres has sold and the map showed otherwise. */
  'seat_not_sold',
  /** A seat that the map showed sold and nobody has bought. */
  'seat_not_freed',
  /** A seat whose mark or base is not what it is kept for; also a map of another length. */
  'seat_base',
  'seat_held_by_nobody',
  /** A hold that went on although its order had ended. */
  'hold_left',
  /** The hold of an order that Redis had lost, and that it has again. */
  'hold_lost',
  /** An order that nobody can be sold: its hold was given back, or its seats are others'. */
  'order_without_hold',
  'order_carried_on',
  /** A payment of which no event and no return had told. */
  'payment_found',
  'refund_carried_on',
  /** Money that was reserved for no order any more. */
  'authorisation_released',
  'import_carried_on',
] as const
export type Repair = (typeof REPAIRS)[number]
export type Repairs = Readonly<Partial<Record<Repair, number>>>

const TOTAL = 'foyer_repairs_total'
/** Counted by the outbox itself, since it must be one statement with its repair. */
const OUTBOX_TOTAL = 'foyer_outbox_published_again_total'

/** Called after the repair: a run that dies in between has repaired and does not count. */
export async function countRepairs(db: Database, repairs: Repairs): Promise<void> {
  const counted = Object.entries(repairs).filter(([, count]) => count > 0)
  if (counted.length === 0) return
  const rows = counted.map(([kind, count]) => ({ name: `${TOTAL} kind="${kind}"`, value: count }))
  logInfo('cron has repaired something', { repairs: Object.fromEntries(counted) })
  await db.execute(sql`
    insert into totals (name, value)
    select name, value from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as counted(name text, value bigint)
    order by name
    on conflict (name) do update set value = totals.value + excluded.value`)
}

export const addRepairs = (all: readonly Repairs[]): Repairs => {
  const sum: Partial<Record<Repair, number>> = {}
  for (const repairs of all) {
    for (const kind of REPAIRS) {
      const count = (sum[kind] ?? 0) + (repairs[kind] ?? 0)
      if (count > 0) sum[kind] = count
    }
  }
  return sum
}

/** Kind → how many since the beginning. */
export async function readRepairs(db: Database): Promise<Readonly<Record<string, number>>> {
  const rows = await db
    .select()
    .from(totals)
    .where(or(like(totals.name, `${TOTAL} %`), like(totals.name, OUTBOX_TOTAL)))
    .orderBy(asc(totals.name))
  const kind = (name: string) => /kind="(\w+)"/.exec(name)?.[1] ?? 'outbox_published_again'
  return Object.fromEntries(rows.map(({ name, value }) => [kind(name), value]))
}
