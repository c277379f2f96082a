// Availability over HTTP: the map and its deltas, one Redis call for all who watch, and what happens when stores fail.

import { expect, test, vi } from 'vitest'
import type { SqlRequest } from '../../local/neon/request.ts'
import type { CommandRequest } from '../../local/upstash/request.ts'
import { reloadSeats } from '../../origin/load-seats.ts'
import {
  AVAILABILITY,
  countCalls,
  expectErrorsInLog,
  PERFORMANCE,
  setUpOrigin,
  type Visitor,
} from './setup.ts'
import { apply, type SeatNews } from './watcher.ts'

const origin = setUpOrigin()

interface Answer {
  readonly version: number
  readonly map?: string
  readonly changes?: Readonly<Record<string, string>>
}

async function ask(visitor: Visitor, since?: number): Promise<Answer> {
  const response = await visitor.get(since === undefined ? AVAILABILITY : `${AVAILABILITY}?since=${since}`)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const news = (await response.json()) as SeatNews
  return news.packed === undefined ? news : apply(undefined, news)
}

// Each test is a Worker of its own: an isolate's copy must not carry over from the test before.
let workers = 0
async function watcher(name = 'watcher'): Promise<Visitor> {
  workers += 1
  const visitor = await origin.visitor(name, { vars: { HOLDS_PER_MINUTE: 10_000 + workers } })
  // The isolate's first request; it touches no seats.
  await visitor.get('/api/holds/none')
  return visitor
}

const isSeatScript = ({ commands }: CommandRequest) =>
  commands.some((command) => command.some((part) => String(part).endsWith(':deltas')))
const readsPostgres = (request: SqlRequest) => JSON.stringify(request).includes('blocked_seats')

test('the first to ask gets the whole map, from Postgres where Redis has none', async () => {
  await origin.sellInPostgres([3, 4])
  const visitor = await watcher()
  expect(await ask(visitor)).toEqual({
    version: expect.any(Number) as number,
    map: 'fffxxffffffffffffffx',
  })
})

test('a watcher hears what changed since its version, and nothing else', async () => {
  const visitor = await watcher()
  const { version } = await ask(visitor)
  expect(await ask(visitor, version)).toEqual({ version, changes: {} })
  const hold = await visitor.hold(['A-1-2'])
  expect(hold.status).toBe(201)
  const delta = await vi.waitFor(
    async () => {
      const answer = await ask(visitor, version)
      expect(answer.changes).toEqual({ 1: 'h' })
      return answer
    },
    { timeout: 5_000 },
  )
  expect(delta.version).toBeGreaterThan(version)
  expect(await ask(visitor, delta.version)).toEqual({ version: delta.version, changes: {} })
})

test('a version from another isolate between two of our readings gets exactly what changed for it', async () => {
  const here = await watcher()
  const elsewhere = await watcher('elsewhere')
  const { version } = await ask(here)
  await here.hold(['A-1-1'])
  const between = await ask(elsewhere)
  await here.hold(['A-1-2'])
  await vi.waitFor(async () => expect((await ask(here)).map).toMatch(/^hhf/), { timeout: 5_000 })
  expect(between.map).toMatch(/^hff/)
  expect((await ask(here, between.version)).changes).toEqual({ 1: 'h' })
  expect((await ask(here, version)).changes).toEqual({ 0: 'h', 1: 'h' })
})

test('a version that nobody knows gets the whole map, however high it is', async () => {
  const visitor = await watcher()
  const { version, map } = await ask(visitor)
  for (const unknown of [version - 1, version + 1, version + 1_000_000, 0]) {
    expect(await ask(visitor, unknown)).toEqual({ version, map })
  }
})

test.each(['x', '-1', '1.5', '', '9999999999999999'])('since=%s is refused', async (since) => {
  const response = await (await watcher()).get(`${AVAILABILITY}?since=${since}`)
  expect(await response.json()).toMatchObject({ status: 422, errors: [{ field: 'since' }] })
})

test('without admission, or for another room, nothing is told', async () => {
  const stranger = await origin.visitor('stranger', { room: 'quiet' })
  expect(await (await stranger.get(AVAILABILITY)).json()).toMatchObject({ status: 401, room: 'demo' })
})

test('100 who ask at once cost one reading of Redis, and a loss one reading of Postgres', async () => {
  const visitor = await watcher()
  const scripts = countCalls(origin.upstash.faults, isSeatScript)
  const readings = countCalls(origin.database.gateway.faults, readsPostgres)
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(visitor)))
  expect(new Set(answers.map(({ map }) => map))).toEqual(new Set(['fffffffffffffffffffx']))
  expect(readings()).toBe(1)
  // Unloaded, rebuilt, read: each at most twice, where the gateway did not know the script yet.
  expect(scripts()).toBeLessThanOrEqual(6)
})

test('a storm of holds after a loss reads Postgres once', async () => {
  const visitor = await watcher()
  const readings = countCalls(origin.database.gateway.faults, readsPostgres)
  const responses = await Promise.all(
    ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'A-1-5'].map((id) => visitor.hold([id])),
  )
  expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
  expect(readings()).toBe(1)
  expect(await origin.map()).toMatch(/^hhhhhf/)
})

test('seats that were sold while Redis was away are shown sold after the loss', async () => {
  const visitor = await watcher()
  const { version } = await ask(visitor)
  await origin.sellInPostgres([7])
  await origin.raw.flushdb()
  await vi.waitFor(
    async () => {
      const answer = await ask(visitor, version)
      expect(answer.map).toBe('fffffffxfffffffffffx')
      expect(answer.version).toBeGreaterThan(version)
    },
    { timeout: 5_000 },
  )
})

test('without Redis the answer is 503, and the next request does not ask Redis again at once', async () => {
  expectErrorsInLog()
  const visitor = await watcher()
  let asked = 0
  origin.upstash.faults.set({ kind: 'status', status: 503 }, (request) => {
    asked += isSeatScript(request) ? 1 : 0
    return isSeatScript(request)
  })
  const response = await visitor.get(AVAILABILITY)
  expect(await response.json()).toMatchObject({ status: 503, code: 'store_unavailable' })
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async () => (await visitor.get(AVAILABILITY)).status),
  )
  expect(new Set(statuses)).toEqual(new Set([503]))
  expect(asked).toBeLessThan(10)
  origin.upstash.faults.clear()
  await vi.waitFor(async () => expect((await ask(visitor)).map).toHaveLength(20), { timeout: 5_000 })
})

test('Postgres away during a rebuild is 503 and leaves no empty map behind', async () => {
  expectErrorsInLog()
  const visitor = await watcher()
  origin.database.gateway.faults.set({ kind: 'status', status: 503 }, readsPostgres)
  const response = await visitor.get(AVAILABILITY)
  expect(await response.json()).toMatchObject({ status: 503, code: 'database_unavailable' })
  expect(await origin.map()).toBeNull()
  origin.database.gateway.faults.clear()
  await vi.waitFor(async () => expect((await ask(visitor)).map).toHaveLength(20), { timeout: 5_000 })
})

test('a reload shows what Postgres blocks and sells now, and keeps the holds on other seats', async () => {
  const visitor = await watcher()
  await visitor.hold(['A-1-1'])
  await visitor.hold(['A-1-2'])
  await origin.sellInPostgres([1, 5])
  const sources = { db: origin.database.db, seats: origin.seats }
  await reloadSeats(sources, { id: PERFORMANCE, seats: 20 })
  expect(await origin.map()).toBe('hsfffsfffffffffffffb')
})

test('a reload whose reading of Postgres is overtaken by a sale keeps that sale', async () => {
  const visitor = await watcher()
  await visitor.hold(['A-1-1'])
  const { seats, database } = origin
  const overtaken = {
    db: database.db,
    seats: {
      ...seats,
      rebuild: async (...args: Parameters<typeof seats.rebuild>) => {
        await seats.confirm(PERFORMANCE, `${PERFORMANCE}.meanwhile`, [4])
        return seats.rebuild(...args)
      },
    },
  }
  await reloadSeats(overtaken, { id: PERFORMANCE, seats: 20 })
  expect(await origin.map()).toBe('hfffsffffffffffffffb')
})
