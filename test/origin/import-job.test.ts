// The import as a job, over HTTP and with real stores: accepted at once, done in batches, looked at, driven again.
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { driveImports, runImports } from '../../origin/import/run-imports.ts'
import { redrive } from '../../origin/outbox/dead-letters.ts'
import { IMPORT_STREAM } from '../../src/redis/keys.ts'
import {
  accept,
  marksShown,
  progressOf,
  REFUSED,
  WIDE_PERFORMANCE,
  WIDE_SEATS,
  wideEvent,
} from './import-support.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { smallEvent } from './small-event.ts'

let origin: TestOrigin
let admin: Record<string, string>
beforeAll(async () => {
  origin = await startOrigin()
  admin = { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` }
})
afterEach(async () => {
  origin.database.gateway.faults.clear()
  await origin.settled()
  await origin.database.query(
    'truncate halls, sections, seats, events, performances, imports, orders, dead_letters cascade',
  )
  await origin.parts.redis.flushall()
})
afterAll(() => origin.stop())

const post = (body: unknown, headers = admin) => origin.request('/api/admin/events/import', { headers, body })
const look = (path: string) => origin.request(path, { headers: admin })
const drive = () => runImports(origin.parts, { idleMs: 0 })

/** Statements that write seats of an import, from now on. */
function countBatches(): () => number {
  let count = 0
  origin.database.gateway.faults.set({ kind: 'delay', ms: 0 }, ({ statements }) => {
    if (statements.some((one) => one.sql.includes('insert into import_seats'))) count += 1
    return false
  })
  return () => count
}

test('15,000 seats are accepted at once and brought in batch by batch, each once, while two drive', async () => {
  const demo = JSON.parse(await readFile(new URL('../../local/demo/event.json', import.meta.url), 'utf8'))
  const batches = countBatches()
  const accepted = await post(demo)
  const { importId, statusUrl } = accepted.body as Record<string, unknown>
  const driving = driveImports(origin.parts)
  expect(accepted.status).toBe(202)
  expect(accepted.body).toMatchObject({ event: 'winter-lights', status: 'queued', seatsTotal: 15_000 })
  expect(accepted.headers.get('location')).toBe(statusUrl)
  const seen: number[] = []
  for (let over = false; !over;) {
    const { status, body } = await look(String(statusUrl))
    expect(status).toBe(200)
    seen.push(Number(body['seatsDone']))
    expect(['queued', 'running', 'done']).toContain(body['status'])
    over = body['status'] === 'done'
  }
  await driving
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(batches()).toBe(15)
  const listed = await look('/api/admin/imports')
  expect(listed.body).toEqual({
    imports: [
      expect.objectContaining({
        importId,
        status: 'done',
        seatsDone: 15_000,
        seatsTotal: 15_000,
        error: null,
      }),
    ],
  })
  const [kept] = await origin.database.query(
    `select (select count(*)::int from seats) as seats, (select count(*)::int from import_seats) as left, file
     from imports`,
  )
  expect(kept).toEqual({ seats: 15_000, left: 0, file: null })
  const { map } = (await origin.parts.seats.availability('winter-lights-evening')) as { map?: string }
  expect(map?.replaceAll(/[^b]/g, '')).toHaveLength(18)
})

test('what is not a good file is refused whole, before anything is written', async () => {
  const event = smallEvent()
  expect((await post(event, {})).status).toBe(401)
  const refused = await post({ ...event, format: 'csv', hall: { ...event.hall, sections: [] } })
  expect(refused.status).toBe(422)
  expect(
    (refused.body['errors'] as unknown as { field: string }[]).map(({ field }) => field).toSorted(),
  ).toEqual(['/format', '/hall/sections'])
  expect((await look('/api/admin/imports')).body).toEqual({ imports: [] })
})

test('the routes of imports ask for the token, and know nothing of what there is not', async () => {
  for (const path of [
    '/api/admin/imports',
    '/api/admin/imports/x',
    `/api/admin/imports/${crypto.randomUUID()}`,
  ]) {
    expect((await origin.request(path)).status).toBe(401)
  }
  expect((await look('/api/admin/imports/x')).status).toBe(404)
  expect((await look(`/api/admin/imports/${crypto.randomUUID()}`)).status).toBe(404)
  const path = `/api/admin/imports/${crypto.randomUUID()}/redrive`
  expect((await origin.request(path, { method: 'POST' })).status).toBe(401)
  expect((await origin.request(path, { method: 'POST', headers: admin })).status).toBe(404)
})

test('the same file finds its import while that is under way, and afterwards is a run that changes nothing', async () => {
  const { parts, database } = origin
  const accepted = await Promise.all([1, 2, 3, 4].map(() => accept(parts, wideEvent(1))))
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(1)
  await drive()
  const writers = () => database.query('select xmin::text, ordinal from seats order by ordinal')
  const before = await writers()
  expect(before).toHaveLength(WIDE_SEATS)
  const again = await accept(parts, wideEvent(1))
  expect(again.id).not.toBe(accepted[0]?.id)
  await drive()
  expect(await progressOf(parts, again.id)).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS })
  expect(await writers()).toEqual(before)
})

test('a later file of the event takes the place of one that is under way, which cannot be driven again', async () => {
  const { parts } = origin
  const earlier = await accept(parts, wideEvent(1))
  const later = await accept(parts, wideEvent(2))
  await drive()
  expect(await progressOf(parts, earlier.id)).toMatchObject({ status: 'failed', seatsDone: 0 })
  expect(await progressOf(parts, later.id)).toMatchObject({ status: 'done' })
  expect(await marksShown(origin.database)).toEqual(['2'])
  for (const [id, importStatus] of [
    [earlier.id, 'failed'],
    [later.id, 'done'],
  ]) {
    const refused = await origin.request(`/api/admin/imports/${id}/redrive`, {
      method: 'POST',
      headers: admin,
    })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ code: 'import_conflict', importStatus })
  }
})

test('an earlier import that is driven again does not overwrite a later one', async () => {
  const { parts, database } = origin
  const earlier = await accept(parts, wideEvent(1))
  database.gateway.faults.set(REFUSED, 'delete from sections')
  await drive()
  database.gateway.faults.clear()
  await origin.importEvent(wideEvent(2))
  const path = `/api/admin/imports/${earlier.id}/redrive`
  expect((await origin.request(path, { method: 'POST', headers: admin })).status).toBe(202)
  await origin.settled()
  expect(await progressOf(parts, earlier.id)).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/later/i),
  })
  expect(await marksShown(database)).toEqual(['2'])
})

test('steps that come twice, and steps that mean nothing, change nothing', async () => {
  const { parts } = origin
  const { id } = await accept(parts, wideEvent(1))
  const batch = { import: id, step: '1', first: '1000', count: '1000' }
  const finish = { import: id, step: 'finish' }
  const unknown = { ...batch, import: crypto.randomUUID() }
  await parts.streams.append(IMPORT_STREAM, [
    batch,
    finish,
    batch,
    unknown,
    { import: 'x' },
    { ...batch, step: '77' },
  ])
  await drive()
  await parts.streams.append(IMPORT_STREAM, [finish, batch, { ...batch, only: 'importers' }])
  await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS })
  expect(await marksShown(origin.database)).toEqual(['1'])
  expect(await parts.streams.state(IMPORT_STREAM, 'importers')).toMatchObject({ pending: 0 })
})

test('a batch that fails five times is a dead letter, its import has failed and is carried on from there', async () => {
  const { parts, database } = origin
  const { id } = await accept(parts, wideEvent(1))
  const ofBatch =
    (batch: string) => (request: { statements: readonly { sql: string; params: readonly unknown[] }[] }) =>
      request.statements.some(
        (one) => one.sql.includes('insert into import_seats') && one.params.includes(batch),
      )
  let tries = 0
  database.gateway.faults.set(REFUSED, (request) => {
    if (!ofBatch('1')(request)) return false
    tries += 1
    return true
  })
  await drive()
  expect(tries).toBe(5)
  const failed = await look(`/api/admin/imports/${id}`)
  expect(failed.body).toMatchObject({
    status: 'failed',
    error: 'value "17" is out of range',
    seatsDone: 1_001,
  })
  expect(await marksShown(database)).toEqual([])
  const letters = () =>
    database.query('select message, reason, attempts, redriven_at is null as open from dead_letters')
  expect(await letters()).toEqual([
    { message: `${id}:1`, reason: 'value "17" is out of range', attempts: 5, open: true },
  ])
  // Nobody drives it by itself.
  await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'failed' })

  const again = await origin.request(`/api/admin/imports/${id}/redrive`, { method: 'POST', headers: admin })
  expect(again.status).toBe(202)
  expect(again.body).toMatchObject({ status: 'running', seatsDone: 1_001, error: null, finishedAt: null })
  await origin.settled()
  await drive()
  // It was still refused: buried anew.
  expect(await progressOf(parts, id)).toMatchObject({ status: 'failed' })
  expect((await letters()).map(({ open }) => open)).toEqual([false, true])

  database.gateway.faults.clear()
  const batches = countBatches()
  const [letter] = await database.query('select id from dead_letters where redriven_at is null')
  await redrive(parts, String(letter?.['id']))
  await drive()
  expect(batches()).toBe(1)
  expect(await progressOf(parts, id)).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS, error: null })
  expect(await marksShown(database)).toEqual(['1'])
  expect((await letters()).map(({ open }) => open)).toEqual([false, false])
})

test('what was kept of an import that failed long ago is forgotten, and then it cannot be driven again', async () => {
  const { parts, database } = origin
  const { id } = await accept(parts, wideEvent(1))
  database.gateway.faults.set(REFUSED, 'delete from sections')
  await drive()
  database.gateway.faults.clear()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'failed', seatsDone: WIDE_SEATS })
  await drive()
  expect(await database.query('select from import_seats')).toHaveLength(WIDE_SEATS)
  await database.query(`update imports set touched_at = now() - interval '8 days'`)
  await drive()
  expect(await database.query('select from import_seats')).toHaveLength(0)
  const refused = await origin.request(`/api/admin/imports/${id}/redrive`, { method: 'POST', headers: admin })
  expect(refused.status).toBe(409)
})

test('an import is on the map, and in the catalogue, when it is done', async () => {
  const { parts } = origin
  await origin.importEvent(wideEvent(1))
  const visitor = await origin.admit()
  const name = async () =>
    (await origin.request('/api/events/wide', { headers: visitor })).body['description']
  expect(await name()).toBe('mark 1')
  await accept(parts, wideEvent(2))
  await driveImports(parts)
  expect(await name()).toBe('mark 2')
  const { map } = (await parts.seats.availability(WIDE_PERFORMANCE)) as { map?: string }
  expect(map?.indexOf('b')).toBe(2)
  expect(map?.lastIndexOf('b')).toBe(2)
})
