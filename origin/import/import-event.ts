// Writes an event file into Postgres: a few statements in one transaction, each carrying its rows as one JSON value.
// Called by the admin route and, through it, by the demo. Running it again with the same file changes nothing.

import { and, eq, inArray, ne, or, sql } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { base64url } from 'jose'
import { halls, imports, performances } from '../../src/db/halls.ts'
import { orders } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import type { EventFile } from './event-file.ts'
import { layOut, type LaidOutSeat } from './lay-out.ts'

export interface Imported {
  readonly event: string
  readonly performances: readonly {
    readonly id: string
    readonly seats: number
    readonly blocked: readonly number[]
  }[]
  readonly seats: number
  readonly sections: number
}

/** Rows of one statement: about a megabyte of JSON. */
const SEATS_PER_STATEMENT = 5_000

/**
 * Throws the Problem `validation_failed` where the file would renumber the seats of a hall in which seats were ordered:
 * orders, holds and tickets name seats by ordinal.
 */
export async function importEvent(db: Database, file: EventFile): Promise<Imported> {
  const { seats, sections } = layOut(file.hall)
  const layout = await digest(seats.map(({ id }) => id).join(' '))
  const ordinalOf = new Map(seats.map(({ id, ordinal }) => [id, ordinal]))
  const planned = await Promise.all(
    file.performances.map(async (performance) => ({
      ...performance,
      id: `${file.event.id}-${performance.id}`,
      version: await digest(JSON.stringify([file.event, file.hall, performance.name, performance.tiers])),
      blocked: performance.blocked.flatMap((id) => ordinalOf.get(id) ?? []),
    })),
  )
  const ids = planned.map(({ id }) => id)
  const hallId = file.hall.id
  await refuseRenumbering(db, { hallId, layout, performanceIds: ids })
  const importId = crypto.randomUUID()
  await db
    .insert(imports)
    .values({ id: importId, eventId: file.event.id, status: 'running', seatsTotal: seats.length })
  await db.batch([
    // Renumbered seats are written anew, all of them: ids would collide on the way from one order to another.
    db.execute(sql`
      delete from seats where hall_id = ${hallId}
        and exists (select from halls where id = ${hallId} and layout <> ${layout})`),
    db.execute(sql`
      insert into halls (id, name, seat_count, layout)
      values (${hallId}, ${file.hall.name}, ${seats.length}, ${layout})
      on conflict (id) do update set name = excluded.name, seat_count = excluded.seat_count, layout = excluded.layout`),
    db.execute(sql`delete from sections where hall_id = ${hallId}`),
    db.execute(sql`
      insert into sections (hall_id, id, name, tier_id, x, y, width, height, outline, first_ordinal, seat_count)
      select ${hallId}, s.id, s.name, s.tier, s.x, s.y, s.width, s.height, s.outline, s."firstOrdinal", s.count
      from jsonb_to_recordset(${JSON.stringify(sections)}::jsonb) as s(id text, name text, tier text, x real, y real,
        width real, height real, outline jsonb, "firstOrdinal" int, count int)`),
    ...chunks(seats).map((chunk) => upsertSeats(db, hallId, chunk)),
    db.execute(sql`
      insert into events (id, name, description, venue, currency)
      values (${file.event.id}, ${file.event.name}, ${file.event.description}, ${file.event.venue}, ${file.event.currency})
      on conflict (id) do update set name = excluded.name, description = excluded.description,
        venue = excluded.venue, currency = excluded.currency`),
    db.execute(sql`
      insert into performances (id, event_id, hall_id, name, starts_at, room, currency, version)
      select p.id, ${file.event.id}, ${hallId}, p.name, p."startsAt", p.room, ${file.event.currency}, p.version
      from jsonb_to_recordset(${JSON.stringify(planned)}::jsonb)
        as p(id text, name text, "startsAt" timestamptz, room text, version text)
      on conflict (id) do update set event_id = excluded.event_id, hall_id = excluded.hall_id, name = excluded.name,
        starts_at = excluded.starts_at, room = excluded.room, currency = excluded.currency, version = excluded.version`),
    db.execute(sql`delete from price_tiers where performance_id in ${ids}`),
    db.execute(sql`
      insert into price_tiers (performance_id, id, position, name, price_minor, fee_minor)
      select p.id, t.tier->>'id', t.position, t.tier->>'name', (t.tier->>'price')::int, (t.tier->>'fee')::int
      from jsonb_to_recordset(${JSON.stringify(planned)}::jsonb) as p(id text, tiers jsonb),
        jsonb_array_elements(p.tiers) with ordinality as t(tier, position)`),
    db.execute(sql`delete from blocked_seats where performance_id in ${ids}`),
    db.execute(sql`
      insert into blocked_seats (performance_id, seat_ordinal)
      select p.id, b.ordinal::int
      from jsonb_to_recordset(${JSON.stringify(planned)}::jsonb) as p(id text, blocked jsonb),
        jsonb_array_elements_text(p.blocked) as b(ordinal)`),
    db
      .update(imports)
      .set({ status: 'done', seatsDone: seats.length, finishedAt: sql`now()` })
      .where(eq(imports.id, importId)),
  ])
  return {
    event: file.event.id,
    performances: planned.map(({ id, blocked }) => ({ id, seats: seats.length, blocked })),
    seats: seats.length,
    sections: sections.length,
  }
}

function upsertSeats(db: Database, hallId: string, chunk: readonly LaidOutSeat[]) {
  return db.execute(sql`
    insert into seats (hall_id, ordinal, id, section_id, row, label, tier_id, x, y, accessible)
    select ${hallId}, s.ordinal, s.id, s.section, s.row, s.label, s.tier, s.x, s.y, s.accessible
    from jsonb_to_recordset(${JSON.stringify(chunk)}::jsonb) as s(ordinal int, id text, section text, row text,
      label text, tier text, x real, y real, accessible boolean)
    on conflict (hall_id, ordinal) do update set tier_id = excluded.tier_id, x = excluded.x, y = excluded.y,
      accessible = excluded.accessible
    where (seats.tier_id, seats.x, seats.y, seats.accessible)
      is distinct from (excluded.tier_id, excluded.x, excluded.y, excluded.accessible)`)
}

function chunks(seats: readonly LaidOutSeat[]): LaidOutSeat[][] {
  return Array.from({ length: Math.ceil(seats.length / SEATS_PER_STATEMENT) }, (_, index) =>
    seats.slice(index * SEATS_PER_STATEMENT, (index + 1) * SEATS_PER_STATEMENT),
  )
}

async function refuseRenumbering(
  db: Database,
  { hallId, layout, performanceIds }: { hallId: string; layout: string; performanceIds: readonly string[] },
): Promise<void> {
  const [ordered] = await db
    .select({ number: orders.number })
    .from(orders)
    .innerJoin(performances, eq(performances.id, orders.performanceId))
    .innerJoin(halls, eq(halls.id, performances.hallId))
    .where(
      or(
        and(eq(halls.id, hallId), ne(halls.layout, layout)),
        and(inArray(performances.id, [...performanceIds]), ne(performances.hallId, hallId)),
      ),
    )
    .limit(1)
  if (ordered === undefined) return
  throw new Problem('validation_failed', {
    detail: 'Seats of this hall have been ordered, so its sections, rows and numbers can no longer change.',
    errors: [{ field: '/hall', message: 'must be the same hall with the same seats in the same order' }],
  })
}

/** Short and stable: 22 characters of SHA-256. */
async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return base64url.encode(bytes).slice(0, 22)
}
