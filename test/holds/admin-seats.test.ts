// Operators release, block and keep seats: in Postgres with its outbox row, and at once in the map.

import { afterEach, expect, test, vi } from 'vitest'
import { AVAILABILITY, expectErrorsInLog, PERFORMANCE, setUpOrigin } from './setup.ts'

const origin = setUpOrigin()
const SEATS = `/api/admin/performances/${PERFORMANCE}/seats`

const set = (body: unknown) => origin.admin(SEATS, body)

async function kept(): Promise<Record<string, unknown>> {
  const rows = await origin.database.query('select seat_ordinal, reason from blocked_seats order by 1')
  return Object.fromEntries(rows.map((row) => [String(row['seat_ordinal']), row['reason']]))
}

async function told(): Promise<unknown[]> {
  const rows = await origin.database.query(
    `select payload from outbox where topic = 'seats.changed' order by id`,
  )
  return rows.map((row) => row['payload'])
}

/** The outbox tells the same once more beside the answer, so that the map may lag by that. */
const expectMap = (start: string) =>
  vi.waitFor(async () => expect(((await origin.map()) ?? '').slice(0, start.length)).toBe(start), {
    timeout: 10_000,
  })

/** The map is loaded, and nothing was told yet. */
async function loaded() {
  const visitor = await origin.visitor('owner')
  await visitor.get(AVAILABILITY)
  await origin.database.query('delete from outbox')
  return visitor
}

afterEach(async () => {
  await origin.database.query('delete from blocked_seats where seat_ordinal <> 19')
  await origin.database.query(
    `insert into blocked_seats (performance_id, seat_ordinal) values ($1, 19)
     on conflict (performance_id, seat_ordinal) do update set reason = 'blocked'`,
    [PERFORMANCE],
  )
})

test('seats change in Postgres, in the outbox and in the map, and a repeat changes nothing', async () => {
  await loaded()
  const body = { seats: ['A-1-2', 'A-1-1', 'A-1-1'], state: 'house' }
  expect(await (await set(body)).json()).toEqual({ state: 'house', changed: 2, shown: true })
  expect(await (await set(body)).json()).toEqual({ state: 'house', changed: 0, shown: true })
  expect(await kept()).toEqual({ 0: 'house', 1: 'house', 19: 'blocked' })
  expect(await told()).toEqual([{ ordinals: [0, 1], mark: 'b' }])
  await expectMap('bbfffffffffffffffffb')
  expect(await (await set({ seats: ['A-1-1'], state: 'accessible' })).json()).toMatchObject({ changed: 1 })
  expect(await (await set({ seats: ['A-1-2', 'A-1-3'], state: 'released' })).json()).toMatchObject({
    changed: 1,
  })
  expect(await kept()).toEqual({ 0: 'accessible', 19: 'blocked' })
  await expectMap('affffffffffffffffffb')
})

test('all seats that are kept for one reason are released at once, and no others', async () => {
  await loaded()
  await set({ seats: ['A-1-1', 'A-1-2'], state: 'house' })
  await set({ seats: ['A-1-3'], state: 'accessible' })
  expect(await (await set({ reason: 'house', state: 'released' })).json()).toMatchObject({ changed: 2 })
  expect(await kept()).toEqual({ 2: 'accessible', 19: 'blocked' })
  await expectMap('ffaf')
})

test('a sold seat is not blocked: its list is answered and nothing is changed', async () => {
  await origin.sellInPostgres([1, 3])
  await loaded()
  const seats = ['A-1-1', 'A-1-2', 'A-1-4']
  for (const state of ['blocked', 'house', 'accessible']) {
    expect(await (await set({ seats, state })).json()).toMatchObject({
      status: 409,
      code: 'seats_taken',
      conflicts: [
        { seat: 'A-1-2', state: 'sold' },
        { seat: 'A-1-4', state: 'sold' },
      ],
    })
  }
  expect(await kept()).toEqual({ 19: 'blocked' })
  expect(await told()).toEqual([])
  await expectMap('fsfsf')
})

test('of the seats kept for a reason, a sold one stays as it is unless they are released', async () => {
  await origin.database.query(
    `insert into blocked_seats (performance_id, seat_ordinal, reason) values ($1, 0, 'accessible'), ($1, 1, 'accessible')`,
    [PERFORMANCE],
  )
  await origin.sellInPostgres([1])
  await loaded()
  expect(await (await set({ reason: 'accessible', state: 'house' })).json()).toMatchObject({ changed: 1 })
  expect(await kept()).toEqual({ 0: 'house', 1: 'accessible', 19: 'blocked' })
  expect(await (await set({ reason: 'accessible', state: 'released' })).json()).toMatchObject({ changed: 1 })
  await origin.seats.free(PERFORMANCE, [1])
  await expectMap('bff')
})

test('a held seat is blocked when its hold ends', async () => {
  const visitor = await loaded()
  const { holdId } = (await (await visitor.hold(['A-1-1', 'A-1-2'])).json()) as { holdId: string }
  expect((await set({ seats: ['A-1-1'], state: 'blocked' })).status).toBe(200)
  await expectMap('hhf')
  await visitor.delete(`/api/holds/${holdId}`)
  await expectMap('bff')
})

test('without Redis the change stands in Postgres and in the outbox, and a rebuild shows it', async () => {
  expectErrorsInLog()
  await loaded()
  origin.upstash.faults.set({ kind: 'status', status: 503 })
  const answer = await set({ seats: ['A-1-1'], state: 'blocked' })
  expect(await answer.json()).toEqual({ state: 'blocked', changed: 1, shown: false })
  expect(await told()).toEqual([{ ordinals: [0], mark: 'b' }])
  origin.upstash.faults.clear()
  await origin.raw.flushdb()
  await (await origin.visitor('next', { vars: {} })).get(AVAILABILITY)
  await expectMap('bff')
})

test('operators who set the same seats at once in any order all get an answer, and Postgres one of them', async () => {
  await loaded()
  const [some, others] = [
    ['A-1-1', 'A-1-2', 'A-1-3'],
    ['A-1-3', 'A-1-2', 'A-1-1'],
  ]
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      set({ seats: at % 2 === 0 ? some : others, state: ['released', 'house', 'accessible'][at % 3] }),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const reasons = Object.values(await kept()).slice(0, -1)
  expect(new Set(reasons).size).toBeLessThanOrEqual(1)
  expect([0, 3]).toContain(reasons.length)
})

test.each<[string, unknown, number, string[]]>([
  ['without a token', undefined, 401, []],
  ['no seats and no reason', { state: 'released' }, 422, ['/seats']],
  ['both', { seats: ['A-1-1'], reason: 'house', state: 'released' }, 422, ['/seats']],
  ['no state', { seats: ['A-1-1'] }, 422, ['/state']],
  ['another state', { seats: ['A-1-1'], state: 'sold' }, 422, ['/state']],
  ['another reason', { reason: 'sold', state: 'released' }, 422, ['/reason']],
  ['no seat in the list', { seats: [], state: 'released' }, 422, ['/seats']],
  [
    'seats that the hall lacks',
    { seats: ['A-1-1', 'Z', '\u0000'], state: 'house' },
    422,
    ['/seats/1', '/seats/2'],
  ],
])('%s is refused, and nothing is changed', async (_, body, status, fields) => {
  const response = body === undefined ? await origin.admin(SEATS, {}, 'wrong') : await set(body)
  const problem = (await response.json()) as { status: number; errors?: { field: string }[] }
  expect(problem.status).toBe(status)
  expect((problem.errors ?? []).map(({ field }) => field)).toEqual(fields)
  expect(await kept()).toEqual({ 19: 'blocked' })
})

test('a performance that does not exist has no seats', async () => {
  const response = await origin.admin('/api/admin/performances/none/seats', {
    reason: 'house',
    state: 'released',
  })
  expect(response.status).toBe(404)
})
