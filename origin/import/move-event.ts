// The last step of an import in Postgres: hall, sections, seats, event, performances and prices change in one transaction,
// so that nobody sees half of an event. Called by run-imports.ts once every batch is done; a repeat changes nothing.

import { sql, type SQL } from 'drizzle-orm'
import type { Database } from '../../src/db/client.ts'
import { SUPERSEDED } from './accept.ts'
import type { ImportPlan } from './plan.ts'
import { unfitReason } from './refusals.ts'

/** One import moves at a time. The number means nothing but must be used for nothing else. */
const MOVE_LOCK = 7_164_020

/**
 * Afterwards the import has no file any more. It has failed instead, and nothing else has changed, where a later import of
 * the event was accepted or where what is there meanwhile forbids it (refusals.ts).
 */
export async function moveEvent(db: Database, importId: string, plan: ImportPlan): Promise<void> {
  const { event, hall, sections } = plan
  const ids = plan.performances.map(({ id }) => id)
  const performances = sql`jsonb_to_recordset(${JSON.stringify(plan.performances)}::jsonb)`
  // Asked by each statement anew: none acts once this import has failed, or was moved by another Worker.
  const open = sql`exists (select from imports where id = ${importId} and status = 'running' and file is not null
    and seats_done = seats_total)`
  const newLayout = sql`exists (select from halls where id = ${hall.id} and layout <> ${hall.layout})`
  await db.batch([
    db.execute(sql`select pg_advisory_xact_lock(${MOVE_LOCK})`),
    // Nobody ends this import between two statements.
    db.execute(sql`select from imports where id = ${importId} for no key update`),
    // Orders that are being placed are waited for, and new ones wait.
    db.execute(sql`
      select id from performances
      where ${open} and ((hall_id = ${hall.id} and ${newLayout}) or (id in ${ids} and hall_id <> ${hall.id})
        or (event_id = ${event.id} and currency <> ${event.currency}))
      order by id for update`),
    db.execute(failUnfit(importId, plan, open)),
    db.execute(sql`
      delete from blocked_seats using performances p
      where ${open} and p.id = performance_id and ((p.hall_id = ${hall.id} and ${newLayout})
        or (p.id in ${ids} and (p.marks is null or p.hall_id <> ${hall.id})))`),
    // Ordinals mean other seats from now on: what was said about the old ones says nothing.
    db.execute(sql`
      update performances set marks = null
      where ${open} and ((hall_id = ${hall.id} and ${newLayout}) or (id in ${ids} and hall_id <> ${hall.id}))`),
    // Renumbered seats are written anew, all of them: ids would collide on the way from one order to another.
    db.execute(sql`delete from seats where ${open} and hall_id = ${hall.id} and ${newLayout}`),
    db.execute(sql`
      insert into halls (id, name, seat_count, layout)
      select ${hall.id}, ${hall.name}, ${plan.seats.length}::int, ${hall.layout} where ${open}
      on conflict (id) do update set name = excluded.name, seat_count = excluded.seat_count, layout = excluded.layout`),
    db.execute(sql`delete from sections where ${open} and hall_id = ${hall.id}`),
    db.execute(sql`
      insert into sections (hall_id, id, name, tier_id, x, y, width, height, outline, first_ordinal, seat_count, kind, runs)
      select ${hall.id}, s.id, s.name, s.tier, s.x, s.y, s.width, s.height, s.outline, s."firstOrdinal", s.count, s.kind,
        s.runs
      from jsonb_to_recordset(${JSON.stringify(sections)}::jsonb) as s(id text, name text, tier text, x real, y real,
        width real, height real, outline jsonb, "firstOrdinal" int, count int, kind text, runs jsonb)
      where ${open}`),
    db.execute(sql`
      insert into seats (hall_id, ordinal, id, section_id, row, label, tier_id, x, y, accessible)
      select ${hall.id}, s.ordinal, s.id, s.section_id, s.row, s.label, s.tier_id, s.x, s.y, s.accessible
      from import_seats s where s.import_id = ${importId} and ${open} order by s.ordinal
      on conflict (hall_id, ordinal) do update set tier_id = excluded.tier_id, x = excluded.x, y = excluded.y,
        accessible = excluded.accessible
      where (seats.tier_id, seats.x, seats.y, seats.accessible)
        is distinct from (excluded.tier_id, excluded.x, excluded.y, excluded.accessible)`),
    db.execute(sql`
      insert into events (id, name, description, venue, currency)
      select ${event.id}, ${event.name}, ${event.description}, ${event.venue}, ${event.currency} where ${open}
      on conflict (id) do update set name = excluded.name, description = excluded.description,
        venue = excluded.venue, currency = excluded.currency`),
    db.execute(sql`
      insert into performances (id, event_id, hall_id, name, starts_at, room, currency, version)
      select p.id, ${event.id}, ${hall.id}, p.name, p."startsAt", p.room, ${event.currency}, p.version
      from ${performances} as p(id text, name text, "startsAt" timestamptz, room text, version text) where ${open}
      on conflict (id) do update set event_id = excluded.event_id, hall_id = excluded.hall_id, name = excluded.name,
        starts_at = excluded.starts_at, room = excluded.room, currency = excluded.currency, version = excluded.version`),
    db.execute(sql`delete from price_tiers where ${open} and performance_id in ${ids}`),
    db.execute(sql`
      insert into price_tiers (performance_id, id, position, name, price_minor, fee_minor)
      select p.id, t.tier->>'id', t.position, t.tier->>'name', (t.tier->>'price')::int, (t.tier->>'fee')::int
      from ${performances} as p(id text, tiers jsonb), jsonb_array_elements(p.tiers) with ordinality as t(tier, position)
      where ${open}`),
    db.execute(changeMarks(performances, open)),
    db.execute(sql`
      delete from import_seats
      where import_id = ${importId} and (${open} or exists (select from imports where id = ${importId} and file is null))`),
    db.execute(sql`
      update imports set file = null, touched_at = now(),
        detail = jsonb_build_object('performances', ${ids.length}::int, 'sections', ${sections.length}::int)
      where id = ${importId} and ${open}`),
  ])
}

function failUnfit(importId: string, plan: ImportPlan, open: SQL): SQL {
  const later = sql`exists (select from imports later where later.event_id = imports.event_id
    and later.file_hash <> imports.file_hash and later.started_at > imports.started_at and later.status <> 'failed')`
  return sql`
    update imports set status = 'failed', file = null, finished_at = now(), touched_at = now(),
      error = case when ${later} then ${SUPERSEDED} else ${unfitReason(plan)} end
    where id = ${importId} and ${open} and (${later} or ${unfitReason(plan)} is not null)`
}

/** Applies what the file says otherwise than the last one: what an operator has set since stays where the file is silent. */
function changeMarks(performances: SQL, open: SQL): SQL {
  return sql`
    with said as (
      select p.id, coalesce(p.marks, '{}') as before, f.marks as now
      from ${performances} as f(id text, marks jsonb) join performances p on p.id = f.id
      where ${open} and p.marks is distinct from f.marks
    ), kept as (
      update performances p set marks = said.now from said where p.id = said.id
    ), withdrawn as (
      delete from blocked_seats b using said, jsonb_each_text(said.before) as o(ordinal, reason)
      where b.performance_id = said.id and b.seat_ordinal = o.ordinal::int and not said.now ? o.ordinal
    )
    insert into blocked_seats (performance_id, seat_ordinal, reason)
    select said.id, n.ordinal::int, n.reason
    from said, jsonb_each_text(said.now) as n(ordinal, reason)
    where said.before->>n.ordinal is distinct from n.reason
    on conflict (performance_id, seat_ordinal) do update set reason = excluded.reason`
}
