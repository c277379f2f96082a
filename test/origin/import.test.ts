// What an import writes, against a real Postgres: the small event, the demo's 15,000 seats, and files that change.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeSeats, listPerformances, seatOrdinals } from '../../origin/catalogue.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { readKnownSeats } from '../../origin/known-seats.ts'
import { readOverview, readSection } from '../../origin/seat-map.ts'
import { bringEvent } from './bring-event.ts'
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

const bring = (event: EventInput) => bringEvent(database.db, eventFile.parse(event))

/** Of the small event's performance: ordinal → reason. */
const reasons = async () =>
  Object.fromEntries(
    (await database.query('select * from blocked_seats where performance_id = $1', [PERFORMANCE])).map(
      (row) => [row['seat_ordinal'], row['reason']],
    ),
  )

/** Every row of the catalogue and the transaction that wrote it: a rewritten row shows another one. */
const contents = (withWriter: string) =>
  database.query(`select ${withWriter} as writer, seats::text as row from seats order by ordinal`)

test('the demo file is a hall of exactly 15,000 seats for two performances, whole in Postgres', async () => {
  const text = await readFile(new URL('../../local/demo/event.json', import.meta.url), 'utf8')
  await bringEvent(database.db, eventFile.parse(JSON.parse(text)))
  const performances = await listPerformances(database.db, 'winter-lights')
  expect(performances.map(({ id, room, seats }) => ({ id, room, seats }))).toEqual([
    { id: 'winter-lights-matinee', room: 'demo', seats: 15_000 },
    { id: 'winter-lights-evening', room: 'demo', seats: 15_000 },
  ])
  const [evening] = performances.slice(1)
  if (evening === undefined) throw new Error('no evening')
  const overview = await readOverview(database.db, evening.id)
  if (overview === undefined) throw new Error('no overview')
  expect(overview.sections.length).toBeGreaterThanOrEqual(30)
  expect(overview.sections.reduce((sum, section) => sum + section.count, 0)).toBe(15_000)
  const ordinals: number[] = []
  for (const section of overview.sections) {
    const read = await readSection(database.db, { performanceId: evening.id, sectionId: section.id })
    ordinals.push(...(read?.seats ?? []).map(({ ordinal }) => ordinal))
  }
  expect(ordinals).toEqual(Array.from({ length: 15_000 }, (_, ordinal) => ordinal))
  expect(
    await database.query(
      'select reason, count(*)::int as seats from blocked_seats where performance_id = $1 group by 1 order by 1',
      [evening.id],
    ),
  ).toEqual([
    { reason: 'accessible', seats: 33 },
    { reason: 'blocked', seats: 10 },
    { reason: 'house', seats: 8 },
  ])
})

test('rows, areas and seats that are kept back arrive as the file says', async () => {
  const event = smallEvent()
  event.hall.sections.push({ id: 'F', name: 'Floor', tier: 'far', kind: 'general', capacity: 5 })
  event.hall.accessible = ['A-2-1', 'A-2-2', 'B-1-10']
  event.performances = event.performances.map((one) => ({
    ...one,
    accessible: 'kept',
    house: ['A-1-1', 'A-2-2'],
  }))
  await bring(event)
  const sections = await database.query('select id, kind, runs from sections order by first_ordinal')
  expect(sections).toMatchObject([
    {
      id: 'A',
      kind: 'seated',
      runs: [
        { firstOrdinal: 0, count: 5 },
        { firstOrdinal: 5, count: 5 },
      ],
    },
    { id: 'B', kind: 'seated', runs: [{ row: '1', tier: 'far', firstOrdinal: 10, count: 10, distance: 10 }] },
    { id: 'F', kind: 'general', runs: [] },
  ])
  expect(await seatOrdinals(database.db, PERFORMANCE, ['F-GA-5'])).toMatchObject({ ordinals: [24] })
  // A seat of several lists is what its strongest says: blocked, then the house's, then accessible.
  expect(await reasons()).toEqual({ 0: 'house', 5: 'accessible', 6: 'house', 19: 'blocked' })
})

test('an import leaves what an operator has set since the last one, and applies what its own file says anew', async () => {
  const event = smallEvent()
  const kept = { accessible: 'kept' as const, house: ['A-1-1', 'A-1-2'] }
  event.performances = event.performances.map((one) => ({ ...one, ...kept }))
  await bring(event)
  expect(await reasons()).toEqual({ 0: 'house', 1: 'house', 5: 'accessible', 19: 'blocked' })
  // By the operator: two released, one blocked.
  await database.query('delete from blocked_seats where seat_ordinal in (0, 5)')
  await database.query('insert into blocked_seats values ($1, 9, $2)', [PERFORMANCE, 'blocked'])
  await bring(event)
  expect(await reasons()).toEqual({ 1: 'house', 9: 'blocked', 19: 'blocked' })
  event.performances = event.performances.map((one) => ({ ...one, blocked: [], house: ['A-1-1', 'A-1-3'] }))
  await bring(event)
  // Row 1 seat 2 and the blocked seat are withdrawn, seat 3 comes; seat 1 stands in both files, and stays released.
  expect(await reasons()).toEqual({ 2: 'house', 9: 'blocked' })
})

test('where seats are renumbered, nothing that was set for the old ones counts for the new', async () => {
  await bring(smallEvent())
  await database.query('insert into blocked_seats values ($1, 3, $2)', [PERFORMANCE, 'blocked'])
  const renumbered = smallEvent()
  renumbered.hall.sections.reverse()
  await bring(renumbered)
  expect(await reasons()).toEqual({ 9: 'blocked' })
  expect(await seatOrdinals(database.db, PERFORMANCE, ['B-1-10'])).toMatchObject({ ordinals: [9] })
  await database.query('delete from blocked_seats')
  await database.query('update performances set marks = null')
  await bring(renumbered)
  // Before the first import that knew it: the file counts.
  expect(await reasons()).toEqual({ 9: 'blocked' })
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
  expect((await readKnownSeats(database.db, PERFORMANCE)).blocked).toEqual([0, 1])
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
  expect((await readKnownSeats(database.db, PERFORMANCE)).sold).toEqual([])
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
