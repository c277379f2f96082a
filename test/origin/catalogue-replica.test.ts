// Reads of the catalogue at a replica: dead, behind, or in order. Two real databases; what is at the replica is what the test
// put there. Redis is switched off for an isolate where only the databases matter.
import { Redis as RawRedis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { eventFile } from '../../origin/import/event-file.ts'
import { invalidateCatalogue } from '../../origin/catalogue-cache.ts'
import { createDatabase } from '../../src/db/client.ts'
import { catalogueKey } from '../../src/redis/keys.ts'
import { bringEvent } from './bring-event.ts'
import { hold, order } from './buyer.ts'
import { countRequests, newIsolate, type Isolate } from './isolate.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { startReplica, type Replica } from './replica.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

const OVERVIEW = `/api/performances/${PERFORMANCE}/seats`
const PATHS = [
  '/',
  '/api/events',
  '/api/events/tiny',
  '/api/events/tiny/performances',
  '/events/tiny',
  `/performances/${PERFORMANCE}`,
  OVERVIEW,
  `${OVERVIEW}?section=A`,
]
const NO_REDIS = { CATALOGUE_CACHE_SECONDS: 0 }

let replica: Replica
let origin: TestOrigin
let raw: RawRedis
let visitor: Record<string, string>
beforeAll(async () => {
  replica = await startReplica()
  origin = await startOrigin(replica.vars)
  replica.setPrimary(origin.database.gateway.endpoint)
  raw = new RawRedis(origin.redisUrl)
  await origin.importEvent(smallEvent())
  visitor = await origin.admit()
})
beforeEach(async () => {
  await raw.flushdb()
  await catchUp()
})
afterEach(() => {
  for (const { faults } of [origin.redis, origin.database.gateway, replica.database.gateway]) faults.clear()
  vi.restoreAllMocks()
})
afterAll(async () => {
  raw.disconnect()
  await origin.stop()
  await replica.stop()
})

const TABLES = ['halls', 'sections', 'seats', 'events', 'performances', 'price_tiers', 'blocked_seats']

/** Brings the replica to where the primary is. */
async function catchUp(): Promise<void> {
  await replica.database.query(`truncate ${TABLES.join(', ')} cascade`)
  for (const table of TABLES) {
    const rows = await origin.database.query(`select * from ${table}`)
    await replica.database.query(
      `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`,
      [JSON.stringify(rows)],
    )
  }
}

/** Marks what comes from the replica, which a real one could not. */
const nameAtReplica = (name: string) => replica.database.query('update events set name = $1', [name])

const atReplica = () => countRequests(replica.database.gateway.faults)
const atPrimary = () => countRequests(origin.database.gateway.faults)
const quietly = () => vi.spyOn(console, 'error').mockReturnValue()
const breakReplica = () => replica.database.gateway.faults.set({ kind: 'status', status: 500 })

async function readAll(reader: Isolate): Promise<string[]> {
  const texts: string[] = []
  for (const path of PATHS) {
    const response = await reader.get(path, visitor)
    expect(response.status, path).toBe(200)
    texts.push(await response.text())
  }
  return texts
}

async function nameSeenBy(reader: Isolate): Promise<string> {
  const response = await reader.get('/api/events/tiny', visitor)
  return z.object({ name: z.string() }).parse(await response.json()).name
}

test('the catalogue is read at the replica, and the primary is left alone', async () => {
  const [toReplica, toPrimary] = [atReplica(), atPrimary()]
  await readAll(newIsolate(origin))
  expect(toReplica()).toBeGreaterThanOrEqual(5)
  expect(toPrimary()).toBe(0)
})

test('a dead replica: the same answers from the primary, and it is asked once, not each time', async () => {
  const logged = quietly()
  const expected = await readAll(newIsolate(origin, NO_REDIS))
  breakReplica()
  const toReplica = atReplica()
  expect(await readAll(newIsolate(origin, NO_REDIS))).toEqual(expected)
  expect(toReplica()).toBe(1)
  expect(logged).toHaveBeenCalledTimes(1)
})

test('a replica without a column that this Worker reads is passed over like a dead one', async () => {
  quietly()
  const expected = await readAll(newIsolate(origin, NO_REDIS))
  await replica.database.query('alter table sections rename column kind to species')
  expect(await readAll(newIsolate(origin, NO_REDIS))).toEqual(expected)
  await replica.database.query('alter table sections rename column species to kind')
})

test('Redis dead, the replica dead, and both: every answer stays the same', async () => {
  quietly()
  const expected = await readAll(newIsolate(origin))
  origin.redis.faults.set({ kind: 'status', status: 503 })
  expect(await readAll(newIsolate(origin)), 'without Redis').toEqual(expected)
  breakReplica()
  expect(await readAll(newIsolate(origin)), 'without both').toEqual(expected)
  origin.redis.faults.clear()
  await raw.flushdb()
  expect(await readAll(newIsolate(origin)), 'without the replica').toEqual(expected)
})

test('what has not reached the replica is found at the primary; what neither has is a 404', async () => {
  await replica.database.query(`truncate ${TABLES.join(', ')} cascade`)
  const reader = newIsolate(origin, NO_REDIS)
  // The list of events has no way to tell that it is short; each of its parts has.
  for (const path of PATHS.filter((each) => each !== '/' && each !== '/api/events')) {
    expect((await reader.get(path, visitor)).status, path).toBe(200)
  }
  expect((await reader.get('/api/performances/none/seats', visitor)).status).toBe(404)
})

test('after an import the primary is read until the replica has had time to follow, then the replica again', async () => {
  await nameAtReplica('As it was before')
  await invalidateCatalogue(origin.parts, 'tiny')
  expect(await nameSeenBy(newIsolate(origin))).toBe('Tiny <Show>')
  // The same import, two minutes ago.
  await raw.flushdb()
  await raw.set(catalogueKey('generation'), `${Date.now() - 120_000}.of-this-test`)
  expect(await nameSeenBy(newIsolate(origin))).toBe('As it was before')
})

test('orders never ask the replica, and holds only for the layout', async () => {
  const buyer = await origin.admit()
  const forLayout = atReplica()
  const holdId = await hold(origin, ['A-1-1'], buyer)
  // The overview and the section that they show seats from, where the isolate does not know them yet.
  expect(forLayout()).toBeLessThanOrEqual(2)
  const toReplica = atReplica()
  const placed = await order(origin, { holdId, visitor: buyer })
  expect(placed).toMatchObject({ status: 201, body: { total: 5_250 } })
  expect(toReplica()).toBe(0)
})

test('a whole event at the replica alone is no event on sale: a hold for it is a 404', async () => {
  const other = smallEvent()
  other.event.id = 'ghost'
  other.hall.id = 'ghost-hall'
  const { gateway } = replica.database
  // The driver knows one endpoint for this process: the router's, which the origin was given.
  const db = createDatabase({ url: replica.vars.DATABASE_REPLICA_URL, endpoint: '' })
  await bringEvent(db, eventFile.parse(other))
  const asked = countRequests(gateway.faults)
  const answer = await origin.request('/api/performances/ghost-night/holds', {
    headers: visitor,
    body: { seats: ['A-1-1'] },
  })
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect(asked()).toBe(0)
})
