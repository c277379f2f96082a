// What the tests of the import job share: events that show which file they came from, and looks at what is there.
import { sql } from 'drizzle-orm'
import { acceptImport, type AcceptedImport } from '../../origin/import/accept.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { findImport, type ImportProgress } from '../../origin/import/read-imports.ts'
import type { Parts } from '../../origin/env.ts'
import { errorBody } from '../../local/neon/error-answer.ts'
import type { Fault } from '../../local/faults.ts'
import type { TestDatabase } from './database.ts'
import { smallEvent, type EventInput } from './small-event.ts'

/** Three batches: a thousand, a thousand, and one. */
export const WIDE_SEATS = 2_001
export const WIDE_PERFORMANCE = 'wide-night'

/** An event of three batches; every part of it that is kept apart carries the mark. */
export function wideEvent(mark: number): EventInput {
  const event = smallEvent()
  const tier = `tier-${mark}`
  return {
    ...event,
    event: { ...event.event, id: 'wide', description: `mark ${mark}` },
    performances: [
      {
        id: 'night',
        name: `Night ${mark}`,
        startsAt: '2026-12-24T20:00:00Z',
        room: 'demo',
        tiers: [{ id: tier, name: 'All', price: 1_000 + mark, fee: 0 }],
        house: [`F-GA-${mark + 1}`],
      },
    ],
    hall: {
      id: 'wide',
      name: `Hall ${mark}`,
      sections: [{ id: 'F', name: `Floor ${mark}`, tier, kind: 'general', capacity: WIDE_SEATS }],
    },
  }
}

/** The marks that stand in Postgres now, each once, read in one statement: more than one is a half of an event. */
export async function marksShown(database: TestDatabase): Promise<string[]> {
  const rows = await database.query(`
    select distinct mark from (
      select substring(description from '\\d+') as mark from events where id = 'wide'
      union all select substring(name from '\\d+') from performances where event_id = 'wide'
      union all select (price_minor - 1000)::text from price_tiers where performance_id = '${WIDE_PERFORMANCE}'
      union all select substring(name from '\\d+') from halls where id = 'wide'
      union all select substring(name from '\\d+') from sections where hall_id = 'wide'
      union all select seat_ordinal::text from blocked_seats where performance_id = '${WIDE_PERFORMANCE}'
      union all select distinct substring(tier_id from '\\d+') from seats where hall_id = 'wide'
    ) as shown order by mark`)
  return rows.map(({ mark }) => String(mark))
}

/** Takes a file in without driving it. */
export const accept = ({ db }: Parts, event: EventInput): Promise<AcceptedImport> =>
  acceptImport(db, eventFile.parse(event))

export async function progressOf({ db }: Parts, id: string): Promise<ImportProgress> {
  const found = await findImport(db, id)
  if (found === undefined) throw new Error(`there is no import ${id}`)
  return found.progress
}

/** As if nobody had touched it for long: the next run queues what is missing. */
export const letStand = async ({ db }: Parts): Promise<void> => {
  await db.execute(sql`update imports set touched_at = 'epoch' where status in ('queued', 'running')`)
}

/** What Postgres answers to a statement that can never succeed. */
export const REFUSED: Fault = {
  kind: 'error-body',
  status: 400,
  body: errorBody({ message: 'value "17" is out of range', code: '22003', severity: 'ERROR' }),
}
