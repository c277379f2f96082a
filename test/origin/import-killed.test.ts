// The import job under bad luck: a Worker that ends between any two calls of a store, stores that are away or emptied,
// somebody who looks, orders or imports all the while. In each, the event is shown whole or not at all, and is there in the end.
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { driveImports, runImports } from '../../origin/import/run-imports.ts'
import { IMPORT_STREAM } from '../../src/redis/keys.ts'
import {
  accept,
  letStand,
  marksShown,
  progressOf,
  WIDE_PERFORMANCE,
  WIDE_SEATS,
  wideEvent,
} from './import-support.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

// Reports of stock wait for their turn of a second, and are tested elsewhere.
vi.mock(import('../../origin/stock.ts'), () => ({ seatsChanged: () => {} }))

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
})
afterEach(async () => {
  calm()
  await origin.settled()
})
afterAll(() => origin.stop())

const admin = () => ({ authorization: `Bearer ${origin.env.ADMIN_TOKEN}` })
const AWAY = { kind: 'status', status: 503 } as const
const shown = () => marksShown(origin.database)
const drive = () => runImports(origin.parts, { idleMs: 0 })

function calm(): void {
  origin.database.gateway.faults.clear()
  origin.redis.faults.clear()
}

/** From its n-th call of a store on, a Worker gets nowhere; the n-th itself is lost on the way there, or on the way back. */
function endAtCall(n: number, lost: 'there' | 'back'): () => boolean {
  let calls = 0
  for (const { faults } of [origin.database.gateway, origin.redis]) {
    faults.set(AWAY, () => calls > n || (calls === n && lost === 'there'))
    // The latest fault is asked first: it counts.
    faults.set({ kind: 'drop-reply' }, () => {
      calls += 1
      return calls === n && lost === 'back'
    })
  }
  return () => calls >= n
}

test.each(['there', 'back'] as const)(
  'a Worker that ends at any call, lost on the way %s, leaves the old event or the new, and the next one brings it in',
  async (lost) => {
    const { parts } = origin
    await origin.importEvent(wideEvent(0))
    let mark = 0
    for (let n = 1; ; n += 1) {
      const before = mark
      mark += 1
      const { id } = await accept(parts, wideEvent(mark))
      const reached = endAtCall(n, lost)
      await driveImports(parts, { idleMs: 0 })
      calm()
      const seen = await shown()
      expect([[String(before)], [String(mark)]], `call ${n}`).toContainEqual(seen)
      const half = await progressOf(parts, id)
      if (half.status === 'done') expect(seen).toEqual([String(mark)])
      await letStand(parts)
      await drive()
      const whole = await progressOf(parts, id)
      expect(whole, `call ${n}`).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS, error: null })
      expect(await shown()).toEqual([String(mark)])
      const { map } = (await parts.seats.availability(WIDE_PERFORMANCE)) as { map?: string }
      expect(map?.indexOf('b'), `call ${n}`).toBe(mark)
      if (!reached()) break
    }
    // Queue, read, plan, three batches, acknowledge, finish, show: an import that makes fewer calls is not this one.
    expect(mark).toBeGreaterThan(12)
  },
  120_000,
)

test('whoever looks while it runs sees the old event or the new one, and progress that only rises', async () => {
  const { parts } = origin
  await origin.importEvent(wideEvent(100))
  const { id } = await accept(parts, wideEvent(101))
  const drivers = { over: false }
  const driving = Promise.all([driveImports(parts), driveImports(parts)]).finally(() => {
    drivers.over = true
  })
  const seen: string[][] = []
  const done: number[] = []
  while (!drivers.over) {
    seen.push(await shown())
    done.push((await progressOf(parts, id)).seatsDone)
  }
  await driving
  expect(await shown()).toEqual(['101'])
  expect(new Set(seen.map((marks) => marks.join())).size).toBeLessThanOrEqual(2)
  for (const marks of seen) expect([['100'], ['101']]).toContainEqual(marks)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
})

test('Redis emptied in the middle: whoever comes once the import has stood still queues what is missing', async () => {
  const { parts, database, redis } = origin
  const { id } = await accept(parts, wideEvent(200))
  // The first batches are written and the stream is gone with the rest of them.
  const emptied = redis.faults.next('XACK', AWAY)
  await driveImports(parts)
  await emptied.fired
  await parts.redis.flushall()
  const half = await progressOf(parts, id)
  expect(half.status).toBe('running')
  // Until then nobody knows that the stream was lost, and nobody queues twice what may still be there.
  await drive()
  expect(await progressOf(parts, id)).toEqual(half)
  await database.query(`update imports set touched_at = now() - interval '121 seconds' where id = $1`, [id])
  await Promise.all([drive(), drive()])
  expect(await progressOf(parts, id)).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS })
  expect(await shown()).toEqual(['200'])
})

test('an outage of Postgres is waited out, however often it is met, and makes no dead letter', async () => {
  const { parts, database } = origin
  const { id } = await accept(parts, wideEvent(300))
  database.gateway.faults.set(AWAY, 'insert into import_seats')
  for (let times = 0; times < 8; times += 1) await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'queued', seatsDone: 0 })
  database.gateway.faults.clear()
  database.gateway.faults.set(AWAY, 'insert into price_tiers')
  for (let times = 0; times < 8; times += 1) await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'running', seatsDone: WIDE_SEATS })
  database.gateway.faults.clear()
  await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'done' })
  expect(await shown()).toEqual(['300'])
  expect(await database.query('select from dead_letters')).toEqual([])
})

test('Redis away: the file is accepted all the same, and brought in when Redis is back', async () => {
  const { redis } = origin
  redis.faults.set(AWAY)
  const headers = admin()
  const { status, body } = await origin.request('/api/admin/events/import', { headers, body: wideEvent(400) })
  expect(status).toBe(202)
  await origin.settled()
  expect((await origin.request(String(body['statusUrl']), { headers })).body).toMatchObject({
    status: 'queued',
  })
  await origin.settled()
  redis.faults.clear()
  // A look at the progress drives it too.
  await origin.request(String(body['statusUrl']), { headers })
  await origin.settled()
  expect((await origin.request(String(body['statusUrl']), { headers })).body).toMatchObject({
    status: 'done',
  })
  expect(await shown()).toEqual(['400'])
})

test('batches whose replies were all lost are not written again, and the import goes on from them', async () => {
  const { parts, database } = origin
  const { id } = await accept(parts, wideEvent(450))
  for (let batch = 0; batch < 3; batch += 1) {
    database.gateway.faults.next('insert into import_seats', { kind: 'drop-reply' })
  }
  await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'running', seatsDone: WIDE_SEATS })
  await drive()
  expect(await progressOf(parts, id)).toMatchObject({ status: 'done', seatsDone: WIDE_SEATS })
  expect(await shown()).toEqual(['450'])
})

test('messages of a Worker that ended are left to it for half a minute, and then taken over', async () => {
  const { parts, database } = origin
  const { id } = await accept(parts, wideEvent(500))
  database.gateway.faults.next('insert into import_seats', AWAY)
  await driveImports(parts)
  expect(await progressOf(parts, id)).toMatchObject({
    seatsDone: expect.any(Number),
    status: expect.any(String),
  })
  const { pending } = await parts.streams.state(IMPORT_STREAM, 'importers')
  expect(pending).toBeGreaterThan(0)
  await driveImports(parts)
  expect((await progressOf(parts, id)).status).toBe('running')
  await driveImports(parts, { idleMs: 0 })
  expect((await progressOf(parts, id)).status).toBe('done')
})

/** Until a statement of the origin with this text waits in Postgres for a lock that the test has. */
const waitsIn = (text: string) =>
  vi.waitFor(
    async () => {
      // Not on the test's own connection: in a transaction, Postgres shows one moment of it.
      const { rows } = await origin.parts.db.execute(sql`
        select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || ${text} || '%'`)
      expect(rows).toHaveLength(1)
    },
    { timeout: 20_000 },
  )

/** Of the test's own connection; a test that fails does not leave it open. */
async function begin(): Promise<void> {
  onTestFinished(() => void origin.database.query('rollback'))
  await origin.database.query('begin')
}

test('an import that is being written is not replaced before it is whole', async () => {
  const { parts, database } = origin
  const earlier = await accept(parts, wideEvent(600))
  await begin()
  await database.query('lock table price_tiers in exclusive mode')
  const driving = driveImports(parts)
  await waitsIn('delete from price_tiers')
  const accepting = accept(parts, wideEvent(601))
  await waitsIn('with superseded')
  await database.query('commit')
  await Promise.all([driving, accepting])
  expect(await progressOf(parts, earlier.id)).toMatchObject({ status: 'done' })
  expect(await marksShown(database)).toEqual(['600'])
  await drive()
  expect(await marksShown(database)).toEqual(['601'])
})

test('seats that are being ordered while their hall is renumbered keep their numbers', async () => {
  const { parts, database } = origin
  await origin.importEvent(smallEvent())
  await origin.settled()
  const renumbered = smallEvent()
  renumbered.hall.sections.reverse()
  const { id } = await accept(parts, renumbered)
  await begin()
  await database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, seats,
       seat_count, total_minor, currency, pay_by) values ('o', 'o', $1, 'h', 's', 'n', 'e', 'e', '[]', 0, 0, 'EUR', now())`,
    [PERFORMANCE],
  )
  const driving = driveImports(parts)
  await waitsIn('order by id for update')
  await database.query('commit')
  await driving
  expect(await progressOf(parts, id)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('have been ordered'),
  })
  expect(await database.query(`select id from seats where hall_id = 'cellar' and ordinal = 0`)).toEqual([
    { id: 'A-1-1' },
  ])
  expect(await database.query('select from import_seats')).toEqual([])
  const refused = await origin.request('/api/admin/events/import', { headers: admin(), body: renumbered })
  expect(refused.body).toMatchObject({ code: 'validation_failed', errors: [{ field: '/hall' }] })
})
