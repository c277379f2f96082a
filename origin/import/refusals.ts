// What an event file may not change of what is there already: performances of other events, numbers of ordered seats, and the
// currency of an event of which seats were ordered. Asked when an import is accepted, and again by the transaction that
// writes it, since orders and other imports may have come between. Writes nothing.

import { sql, type SQL } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { Problem } from '../../src/problem.ts'
import type { ImportPlan } from './plan.ts'

const RENUMBERING_REFUSED =
  'Seats of this hall have been ordered, so its sections, rows and numbers can no longer change.'

const CURRENCY_REFUSED = 'Seats of this event have been ordered, so its currency can no longer change.'

const idsOf = ({ performances }: ImportPlan): string[] => performances.map(({ id }) => id)

/** In SQL: where the plan gives ordered seats other ordinals, or an ordered performance another hall. */
const renumbersOrderedSeats = (plan: ImportPlan): SQL => sql`exists (
  select from orders o join performances p on p.id = o.performance_id join halls h on h.id = p.hall_id
  where (h.id = ${plan.hall.id} and h.layout <> ${plan.hall.layout})
    or (p.id in ${idsOf(plan)} and p.event_id = ${plan.event.id} and p.hall_id <> ${plan.hall.id}))`

/** In SQL: where an ordered performance has another currency, and the plan changes its own or the event's. */
const changesOrderedCurrency = (plan: ImportPlan): SQL => sql`exists (
  select from orders o join performances p on p.id = o.performance_id join events e on e.id = p.event_id
  where e.id = ${plan.event.id} and p.currency <> ${plan.event.currency}
    and (e.currency <> ${plan.event.currency} or p.id in ${idsOf(plan)}))`

/** In SQL, after `from`: event `q` with performance `bb-cc`, and event `q-bb` with performance `cc`, make the same id. */
const othersPerformances = (plan: ImportPlan): SQL =>
  sql`performances p where p.id in ${idsOf(plan)} and p.event_id <> ${plan.event.id}`

/** In SQL: why the plan may not be written, in words for operators; null where it may. */
export const unfitReason = (plan: ImportPlan): SQL => sql`coalesce(
  (select 'Performance "' || p.id || '" belongs to event "' || p.event_id || '".'
    from ${othersPerformances(plan)} order by p.id limit 1),
  case when ${renumbersOrderedSeats(plan)} then ${RENUMBERING_REFUSED}::text
    when ${changesOrderedCurrency(plan)} then ${CURRENCY_REFUSED}::text end)`

/** Throws the Problem `validation_failed` with every refusal. */
export async function refuseUnfit(db: Database, plan: ImportPlan): Promise<void> {
  const { rows } = await db.execute<{
    reason: string | null
    others: Readonly<Record<string, string>>
    renumbers: boolean
    currency: boolean
  }>(sql`
    select ${unfitReason(plan)} as reason, ${renumbersOrderedSeats(plan)} as renumbers,
      ${changesOrderedCurrency(plan)} as currency,
      (select coalesce(jsonb_object_agg(p.id, p.event_id), '{}') from ${othersPerformances(plan)}) as others`)
  const [found] = rows
  if (found === undefined) throw new Error('the checks of an import have no answer')
  if (found.reason === null) return
  const errors = plan.performances.flatMap(({ id }, index) => {
    const owner = found.others[id]
    if (owner === undefined) return []
    return [
      { field: `/performances/${index}/id`, message: `performance "${id}" belongs to event "${owner}"` },
    ]
  })
  if (found.renumbers) {
    errors.push({ field: '/hall', message: 'must be the same hall with the same seats in the same order' })
  }
  if (found.currency) {
    errors.push({ field: '/event/currency', message: 'must stay as it is: seats of this event were ordered' })
  }
  throw new Problem('validation_failed', { detail: found.reason, errors })
}
