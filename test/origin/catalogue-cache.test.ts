// The catalogue through Redis: saved reads, imports that are seen at once, and Redis dead, slow or talking nonsense.
// Against the real stores behind their gateways.
import { Redis as RawRedis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { CommandRequest } from '../../local/upstash/request.ts'
import { invalidateCatalogue } from '../../origin/catalogue-cache.ts'
import { createLookAside } from '../../origin/look-aside.ts'
import { Outage } from '../../origin/outage.ts'
import { readOverview } from '../../origin/seat-map.ts'
import { createDatabase } from '../../src/db/client.ts'
import { createRedis } from '../../src/redis/client.ts'
import { catalogueKey } from '../../src/redis/keys.ts'
import { hold, order } from './buyer.ts'
import { countRequests, newIsolate, partsOfIsolate, type Isolate } from './isolate.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

const PATHS = [
  '/',
  '/api/events',
  '/api/events/tiny',
  '/api/events/tiny/performances',
  '/events/tiny',
  `/performances/${PERFORMANCE}`,
  `/api/performances/${PERFORMANCE}/seats`,
  `/api/performances/${PERFORMANCE}/seats?section=A`,
]
const OVERVIEW = `/api/performances/${PERFORMANCE}/seats`

let origin: TestOrigin
let raw: RawRedis
let visitor: Record<string, string>
beforeAll(async () => {
  origin = await startOrigin()
  raw = new RawRedis(origin.redisUrl)
  await origin.importEvent(smallEvent())
  visitor = await origin.admit()
})
beforeEach(async () => {
  await raw.flushdb()
})
afterEach(() => {
  origin.redis.faults.clear()
  origin.database.gateway.faults.clear()
  vi.restoreAllMocks()
})
afterAll(async () => {
  raw.disconnect()
  await origin.stop()
})

const isolate = (vars?: Record<string, unknown>) => newIsolate(origin, vars)

async function readAll(reader: Isolate): Promise<string[]> {
  const texts: string[] = []
  for (const path of PATHS) {
    const response = await reader.get(path, visitor)
    expect(response.status, path).toBe(200)
    texts.push(await response.text())
  }
  return texts
}

/** What Postgres says, past every cache. */
const truth = () => readAll(isolate({ CATALOGUE_CACHE_SECONDS: 0 }))

const statements = () => countRequests(origin.database.gateway.faults)
/** Calls of the catalogue; reports of stock go on beside the tests. */
const ofCatalogue = ({ commands }: CommandRequest) =>
  commands.some((command) => command.some((word) => String(word).startsWith('catalogue:')))
const redisCalls = () => countRequests(origin.redis.faults, ofCatalogue)
const quietly = () => vi.spyOn(console, 'error').mockReturnValue()

/** Changes a price as an import does, and tells nobody. */
const changePrice = (price: number) =>
  origin.database.query(
    `with p as (update performances set version = $1 where id = $2)
     update price_tiers set price_minor = $3 where performance_id = $2 and id = 'near'`,
    [`v${price}`, PERFORMANCE, price],
  )

async function priceAt(reader: Isolate): Promise<number> {
  const response = await reader.get(OVERVIEW, visitor)
  const body = z.object({ tiers: z.array(z.object({ price: z.number() })) }).parse(await response.json())
  return body.tiers[0]?.price ?? Number.NaN
}

test('what one isolate has read, the next has from Redis: the same answers and no statement', async () => {
  const first = await readAll(isolate())
  expect(first).toEqual(await truth())
  const asked = statements()
  expect(await readAll(isolate())).toEqual(first)
  expect(asked()).toBe(0)
})

test('what an isolate has read it has for some seconds, and asks neither store again', async () => {
  const reader = isolate()
  const first = await readAll(reader)
  const [toPostgres, toRedis] = [statements(), redisCalls()]
  expect(await readAll(reader)).toEqual(first)
  expect([toPostgres(), toRedis()]).toEqual([0, 0])
})

test('forty requests at once in one isolate are one reading', async () => {
  const reader = isolate()
  const toPostgres = countRequests(origin.database.gateway.faults, ({ statements: all }) =>
    all.some(({ sql }) => sql.includes('"price_tiers"')),
  )
  const toRedis = countRequests(origin.redis.faults, ({ commands }) =>
    commands.some((command) => command.join(' ').includes('catalogue:overview')),
  )
  const answers = await Promise.all(Array.from({ length: 40 }, () => reader.get(OVERVIEW, visitor)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  // One MGET, one SET.
  expect([toPostgres(), toRedis()]).toEqual([1, 2])
})

test('readers that wait for a reading that fails hear of it at once, and the next request reads anew', async () => {
  quietly()
  const reader = isolate()
  await reader.get(`/performances/${PERFORMANCE}`, visitor)
  origin.database.gateway.faults.next('"price_tiers"', { kind: 'status', status: 500 })
  const answers = await Promise.all(Array.from({ length: 10 }, () => reader.get(OVERVIEW, visitor)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
  expect((await reader.get(OVERVIEW, visitor)).status).toBe(200)
})

test('an import is seen by the next isolate at once; a change that tells nobody is not', async () => {
  await readAll(isolate())
  await changePrice(5_001)
  expect(await priceAt(isolate())).toBe(5_000)
  await origin.importEvent(smallEvent())
  expect(await priceAt(isolate())).toBe(5_000)
  await changePrice(5_002)
  await invalidateCatalogue(origin.parts, 'tiny')
  expect(await priceAt(isolate())).toBe(5_002)
  await origin.importEvent(smallEvent())
})

/** A reading that has the prices and has not yet told Redis, until `release`. */
function slowReader() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const lookAside = createLookAside(
    {
      db: createDatabase({
        url: origin.database.gateway.connectionString,
        endpoint: origin.database.gateway.endpoint,
      }),
      replica: undefined,
      redis: createRedis({ url: origin.redis.url, token: origin.env.UPSTASH_REDIS_REST_TOKEN }),
      cacheSeconds: 60,
    },
    {
      name: 'overview',
      shape: z.custom<NonNullable<Awaited<ReturnType<typeof readOverview>>>>(() => true),
      keep: 10,
      async load(db, id) {
        const value = await readOverview(db, id)
        reached.resolve()
        await promise
        return value
      },
    },
    { redis: new Outage(), replica: new Outage() },
  )
  return { hasRead: reached.promise, release: () => resolve(), read: () => lookAside.read(PERFORMANCE) }
}

test('a reader that read Postgres before a change and writes after it does not put the old value back', async () => {
  const slow = slowReader()
  const reading = slow.read()
  await slow.hasRead
  await changePrice(5_003)
  await invalidateCatalogue(origin.parts, 'tiny')
  slow.release()
  await reading
  const key = catalogueKey(`overview:${PERFORMANCE}`)
  expect(await raw.get(key), 'the old value was written').toContain('"price":5000')
  expect(await priceAt(isolate())).toBe(5_003)

  // The control: under the generation of now, the same old value would be believed.
  const slower = slowReader()
  await raw.del(key)
  const second = slower.read()
  await slower.hasRead
  await changePrice(5_004)
  slower.release()
  await second
  expect(await priceAt(isolate())).toBe(5_003)
  await origin.importEvent(smallEvent())
})

test('with Redis dead everything is answered from Postgres, and Redis is asked once, not each time', async () => {
  const logged = quietly()
  const expected = await truth()
  const reader = isolate()
  origin.redis.faults.set({ kind: 'status', status: 503 }, ofCatalogue)
  const counted = redisCalls()
  expect(await readAll(reader)).toEqual(expected)
  expect(counted()).toBe(1)
  expect(logged).toHaveBeenCalledTimes(1)
})

test('a Redis that never answers is given up after its deadline, once', async () => {
  quietly()
  const expected = await truth()
  origin.redis.faults.set({ kind: 'delay', ms: 4_000 }, ofCatalogue)
  const counted = redisCalls()
  expect(await readAll(isolate())).toEqual(expected)
  expect(counted()).toBe(1)
})

test('nonsense, another deployment’s shape and another type under our keys are passed over and replaced', async () => {
  const expected = await truth()
  await readAll(isolate())
  const keys = (await raw.keys('catalogue:*')).filter((key) => key !== catalogueKey('generation'))
  expect(keys.length).toBeGreaterThanOrEqual(5)
  const good = z.object({ value: z.unknown() })
  const spoil: readonly ((key: string, text: string) => Promise<unknown>)[] = [
    (key) => raw.set(key, 'not JSON {'),
    (key) => raw.set(key, '""'),
    (key) => raw.set(key, JSON.stringify({ format: 1, generation: '', value: { name: 7 } })),
    (key) => raw.set(key, JSON.stringify({ format: 1, generation: '', value: null })),
    (key, text) =>
      raw.set(key, JSON.stringify({ ...good.parse(JSON.parse(text)), format: 0, generation: '' })),
    (key) => raw.del(key).then(() => raw.rpush(key, 'a list')),
  ]
  for (const [index, each] of spoil.entries()) {
    for (const key of keys)
      await each(key, (await raw.type(key)) === 'string' ? String(await raw.get(key)) : '')
    expect(await readAll(isolate()), `spoilt in way ${index}`).toEqual(expected)
    const types = await Promise.all(keys.map((key) => raw.type(key)))
    expect(new Set(types)).toEqual(new Set(['string']))
  }
})

test('values are stored for about the configured time, not all to end at one moment', async () => {
  const lives: number[] = []
  origin.redis.faults.set({ kind: 'duplicate' }, ({ commands }) => {
    for (const [name, key, , option, ms] of commands.map((command) => command.map(String))) {
      if (name?.toUpperCase() === 'SET' && key?.startsWith('catalogue:') && option?.toUpperCase() === 'PX') {
        lives.push(Number(ms))
      }
    }
    return false
  })
  await readAll(isolate())
  expect(lives.length).toBeGreaterThanOrEqual(5)
  for (const life of lives) {
    expect(life).toBeGreaterThanOrEqual(54_000)
    expect(life).toBeLessThanOrEqual(66_000)
  }
  expect(new Set(lives).size).toBeGreaterThan(1)
})

test('set to 0, the cache is never asked', async () => {
  const asked = redisCalls()
  await readAll(isolate({ CATALOGUE_CACHE_SECONDS: 0 }))
  expect(asked()).toBe(0)
})

test('what does not exist is a 404 that Redis never keeps, and an isolate asks Postgres once for it', async () => {
  const reader = isolate()
  const paths = [
    '/api/events/none',
    '/api/events/none/performances',
    '/performances/none',
    '/api/performances/none/seats',
    `${OVERVIEW}?section=none`,
    `${OVERVIEW}?section=${'x'.repeat(200)}`,
    '/api/events/%00',
    '/api/performances/a:b/seats',
  ]
  for (const path of paths) expect((await reader.get(path, visitor)).status, path).toBe(404)
  const asked = statements()
  for (const path of paths) expect((await reader.get(path, visitor)).status, path).toBe(404)
  expect(asked()).toBe(0)
  expect((await raw.keys('catalogue:*')).filter((key) => /none|x{9}/.test(key))).toEqual([])
})

test('while Postgres is away, what Redis remembers is shown; without both it is a 503 that says which', async () => {
  quietly()
  const seats = `/api/performances/${PERFORMANCE}/availability`
  await isolate().get(seats, visitor)
  const expected = await readAll(isolate())
  origin.database.gateway.faults.set({ kind: 'status', status: 500 })
  expect(await readAll(isolate())).toEqual(expected)
  expect((await isolate().get(seats, visitor)).status, 'which seats are free').toBe(200)
  origin.redis.faults.set({ kind: 'status', status: 503 }, ofCatalogue)
  const response = await isolate().get(OVERVIEW, visitor)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'database_unavailable' })
})

test('an order costs what Postgres says, whatever the cache shows', async () => {
  await readAll(isolate())
  const key = catalogueKey(`overview:${PERFORMANCE}`)
  await raw.set(key, String(await raw.get(key)).replaceAll('"price":5000', '"price":1'))
  expect(await priceAt(isolate()), 'the cache is believed by the map').toBe(1)
  const holdId = await hold(origin, ['A-1-1'], visitor)
  const placed = await order(origin, { holdId, visitor })
  expect(placed).toMatchObject({ status: 201, body: { total: 5_250 } })
})

test('a layout answers 304 to who has it, and not after a change that its version does not name', async () => {
  for (const path of [OVERVIEW, `${OVERVIEW}?section=A`]) {
    const etag = String((await isolate().get(path, visitor)).headers.get('etag'))
    const again = (reader: Isolate) => reader.get(path, { ...visitor, 'if-none-match': etag })
    expect((await again(isolate())).status).toBe(304)
    // As another event in the same hall moves it.
    await origin.database.query(`update sections set x = x + 1 where id = 'A'`)
    await invalidateCatalogue(origin.parts, 'another-event')
    expect((await again(isolate())).status).toBe(200)
  }
})

test('a general area is one entry of its kind, with a count and no seats to choose from', async () => {
  await origin.database.query(`update sections set kind = 'general' where id = 'B'`)
  const reader = isolate()
  const overview = await reader.get(OVERVIEW, visitor)
  expect(await overview.json()).toMatchObject({
    sections: [
      { id: 'A', kind: 'seated' },
      { id: 'B', kind: 'general', count: 10 },
    ],
  })
  const area = await reader.get(`${OVERVIEW}?section=B`, visitor)
  expect(await area.json()).toMatchObject({ section: { kind: 'general', count: 10 }, seats: [] })
  await origin.database.query(`update sections set kind = 'seated' where id = 'B'`)
})

test('an isolate that imports forgets at once what it remembered', async () => {
  const reader = isolate()
  await readAll(reader)
  await changePrice(5_005)
  await invalidateCatalogue(await partsOfIsolate(reader), 'tiny')
  expect(await priceAt(reader)).toBe(5_005)
  await origin.importEvent(smallEvent())
})
