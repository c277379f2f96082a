// Seats of a hall in which seats were ordered keep their numbers: orders, holds and tickets name them by ordinal. Asked when
// an import is accepted, and again by the statement that writes it, since orders may have come between.

import { sql, type SQL } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { Problem } from '../../src/problem.ts'
import type { ImportPlan } from './plan.ts'

export const RENUMBERING_REFUSED =
  'Seats of this hall have been ordered, so its sections, rows and numbers can no longer change.'

/** True in SQL where the plan gives ordered seats other ordinals, or an ordered performance another hall. */
export function renumbersOrderedSeats({ hall, performances }: ImportPlan): SQL {
  return sql`exists (
    select from orders o join performances p on p.id = o.performance_id join halls h on h.id = p.hall_id
    where (h.id = ${hall.id} and h.layout <> ${hall.layout})
      or (p.id in ${performances.map(({ id }) => id)} and p.hall_id <> ${hall.id}))`
}

/** Throws the Problem `validation_failed`. */
export async function refuseRenumbering(db: Database, plan: ImportPlan): Promise<void> {
  const { rows } = await db.execute<{ refused: boolean }>(
    sql`select ${renumbersOrderedSeats(plan)} as refused`,
  )
  if (rows[0]?.refused !== true) return
  throw new Problem('validation_failed', {
    detail: RENUMBERING_REFUSED,
    errors: [{ field: '/hall', message: 'must be the same hall with the same seats in the same order' }],
  })
}
