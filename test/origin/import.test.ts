// The import against a real Postgres, with the small event and with the demo's 15,000 seats.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  blockedOrdinals,
  describeSeats,
  listPerformances,
  seatOrdinals,
  soldOrdinals,
} from '../../origin/catalogue.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { importEvent } from '../../origin/import/import-event.ts'
import { readOverview, readSection } from '../../origin/seat-map.ts'
import { startDatabase, type TestDatabase } from './database.ts'
import { PERFORMANCE, smallEvent, type EventInput } from './small-event.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database.stop())
beforeEach(() =>
  database.query('truncate halls, sections, seats, events, performances, imports, orders cascade'),
)

const bring = (event: EventInput) => importEvent(database.db, eventFile.parse(event))

/** Every row of the catalogue and the transaction that wrote it: a rewritten row shows another one. */
const contents = (withWriter: string) =>
  database.query(`select ${withWriter} as writer, seats::text as row from seats order by ordinal`)

test('the demo file is a hall of exactly 15,000 seats for two performances, whole in Postgres', async () => {
  const text = await readFile(new URL('../../local/demo/event.json', import.meta.url), 'utf8')
  const imported = await importEvent(database.db, eventFile.parse(JSON.parse(text)))
  expect(imported.seats).toBe(15_000)
  const performances = await listPerformances(database.db, 'winter-lights')
  expect(performances.map(({ id, room, seats }) => ({ id, room, seats }))).toEqual([
    { id: 'winter-lights-matinee', room: 'demo', seats: 15_000 },
    { id: 'winter-lights-evening', room: 'demo', seats: 15_000 },
  ])
  const [evening] = performances.slice(1)
  if (evening === undefined) throw new Error('no evening')
  const overview = await readOverview(database.db, evening)
  expect(overview.sections.length).toBeGreaterThanOrEqual(30)
  expect(overview.sections.reduce((sum, section) => sum + section.count, 0)).toBe(15_000)
  const ordinals: number[] = []
  for (const section of overview.sections) {
    const read = await readSection(database.db, evening, section.id)
    ordinals.push(...(read?.seats ?? []).map(({ ordinal }) => ordinal))
  }
  expect(ordinals).toEqual(Array.from({ length: 15_000 }, (_, ordinal) => ordinal))
  expect(await blockedOrdinals(database.db, evening.id)).toHaveLength(10)
})

test('importing the same file again rewrites no seat', async () => {
  await bring(smallEvent())
  const before = await contents('xmin::text')
  await bring(smallEvent())
  expect(await contents('xmin::text')).toEqual(before)
  expect(before).toHaveLength(20)
})

test('a changed price and a changed block arrive, and the version of the map changes', async () => {
  await bring(smallEvent())
  const [before] = await listPerformances(database.db, 'tiny')
  const changed = smallEvent()
  const [night] = changed.performances
  if (night === undefined) throw new Error('no performance')
  night.tiers = night.tiers.map((tier) => ({ ...tier, price: tier.price + 1 }))
  night.blocked = ['A-1-1', 'A-1-2']
  await bring(changed)
  const [after] = await listPerformances(database.db, 'tiny')
  expect(after?.version).not.toBe(before?.version)
  expect(await blockedOrdinals(database.db, PERFORMANCE)).toEqual([0, 1])
  expect(await describeSeats(database.db, PERFORMANCE, [19, 0])).toEqual([
    { ordinal: 0, id: 'A-1-1', section: 'Front', row: '1', label: '1', tier: 'Near', price: 5_001, fee: 250 },
    {
      ordinal: 19,
      id: 'B-1-10',
      section: 'Back',
      row: '1',
      label: '10',
      tier: 'Far',
      price: 2_001,
      fee: 100,
    },
  ])
})

test('seat ids are found in the order asked, and unknown ones are named', async () => {
  await bring(smallEvent())
  expect(await seatOrdinals(database.db, PERFORMANCE, ['B-1-1', 'Z-1-1', 'A-1-3'])).toEqual({
    ordinals: [10, 2],
    unknown: ['Z-1-1'],
  })
  expect(await soldOrdinals(database.db, PERFORMANCE)).toEqual([])
})

test('a hall may be renumbered while nothing is ordered, and not afterwards', async () => {
  await bring(smallEvent())
  const renumbered = smallEvent()
  renumbered.hall.sections.reverse()
  await bring(renumbered)
  expect(await seatOrdinals(database.db, PERFORMANCE, ['B-1-1'])).toMatchObject({ ordinals: [0] })
  await database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, seats,
       seat_count, total_minor, currency, pay_by) values ('o', 'o', $1, 'h', 's', 'n', 'e', 'e', '[]', 0, 0, 'EUR', now())`,
    [PERFORMANCE],
  )
  await expect(bring(smallEvent())).rejects.toMatchObject({ code: 'validation_failed' })
  expect(await seatOrdinals(database.db, PERFORMANCE, ['B-1-1'])).toMatchObject({ ordinals: [0] })
  // The same hall with another price is still welcome.
  const [night] = renumbered.performances
  if (night !== undefined) night.name = 'Late night'
  await bring(renumbered)
  expect((await listPerformances(database.db, 'tiny'))[0]?.name).toBe('Late night')
})

test('an import that fails half-way leaves what was there', async () => {
  await bring(smallEvent())
  const before = await contents(`''`)
  const changed = smallEvent()
  changed.hall.sections.reverse()
  database.gateway.faults.next('insert into price_tiers', { kind: 'status', status: 503 })
  await expect(bring(changed)).rejects.toThrow()
  expect(await contents(`''`)).toEqual(before)
})
