// The demo's event and hall written into an empty database. Used by `catalogue.ts` of the benchmarks; the import has its own
// way and its own tests.
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { eventFile } from '../origin/import/event-file.ts'
import { layOut } from '../origin/import/lay-out.ts'

const DEMO = new URL('../local/demo/event.json', import.meta.url)

export interface DemoCatalogue {
  /** Id of its first performance. */
  readonly performance: string
  /** Ids, in the order of the file. */
  readonly sections: readonly string[]
}

/** `url` is that of Postgres itself. */
export async function writeDemo(url: string): Promise<DemoCatalogue> {
  const file = eventFile.parse(JSON.parse(await readFile(DEMO, 'utf8')))
  const { seats, sections } = layOut(file.hall)
  const client = new Client({ connectionString: url })
  await client.connect()
  const { event } = file
  const [first] = file.performances
  if (first === undefined) throw new Error('the demo has no performance')
  const id = `${event.id}-${first.id}`
  try {
    await client.query(`insert into halls (id, name, seat_count, layout) values ('h', 'h', $1, 'l')`, [
      seats.length,
    ])
    await client.query(
      `insert into sections (hall_id, id, name, tier_id, x, y, width, height, outline, first_ordinal, seat_count)
       select 'h', s.id, s.name, s.tier, s.x, s.y, s.width, s.height, s.outline, s."firstOrdinal", s.count
       from jsonb_to_recordset($1::jsonb) as s(id text, name text, tier text, x real, y real, width real, height real,
         outline jsonb, "firstOrdinal" int, count int)`,
      [JSON.stringify(sections)],
    )
    await client.query(
      `insert into seats (hall_id, ordinal, id, section_id, row, label, tier_id, x, y, accessible)
       select 'h', s.ordinal, s.id, s.section, s.row, s.label, s.tier, s.x, s.y, s.accessible
       from jsonb_to_recordset($1::jsonb) as s(ordinal int, id text, section text, row text, label text, tier text,
         x real, y real, accessible boolean)`,
      [JSON.stringify(seats)],
    )
    await client.query(
      'insert into events (id, name, description, venue, currency) values ($1, $2, $3, $4, $5)',
      [event.id, event.name, event.description, event.venue, event.currency],
    )
    await client.query(
      `insert into performances (id, event_id, hall_id, name, starts_at, room, currency, version)
       values ($1, $2, 'h', $3, $4, $5, $6, 'v')`,
      [id, event.id, first.name, first.startsAt, first.room, event.currency],
    )
    await client.query(
      `insert into price_tiers (performance_id, id, position, name, price_minor, fee_minor)
       select $1, t.id, 1, t.name, t.price, t.fee
       from jsonb_to_recordset($2::jsonb) as t(id text, name text, price int, fee int)`,
      [id, JSON.stringify(first.tiers)],
    )
  } finally {
    await client.end()
  }
  return { performance: id, sections: sections.map((section) => section.id) }
}
