import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REDIS_TOKEN, startEdge, until, type Edge } from './support.ts'
import { bundleSource, startWorkerd, type Workerd } from './workerd.ts'

const EDGE = `export { default } from './edge/index.ts'`
/** A runtime whose cache answers nothing but errors, as plain workerd does. */
const THROWING_CACHE = `
const refuse = async () => { throw new Error('No Cache was configured') }
Object.defineProperty(globalThis, 'caches', { value: { default: { match: refuse, put: refuse } } });`
const PATH = '/.waiting-room/shared/now'

let edge: Edge
let isolates: Workerd
beforeAll(async () => {
  const rooms = { shared: { message: 'hello' } }
  edge = await startEdge({ rooms })
  const [plain, throwing] = await Promise.all([bundleSource(EDGE), bundleSource(EDGE, THROWING_CACHE)])
  const { VISITOR_SECRET, QUEUE_KEYS, ADMISSION_KEYS, ADMIN_TOKEN } = edge.secrets
  isolates = await startWorkerd(
    { first: plain, second: plain, uncached: throwing },
    {
      VISITOR_SECRET,
      QUEUE_KEYS,
      ADMISSION_KEYS,
      ADMIN_TOKEN,
      UPSTASH_REDIS_REST_URL: edge.gateway.url,
      UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN,
      ROOMS: rooms,
    },
  )
})
afterAll(async () => {
  await isolates.stop()
  await edge.stop()
})

describe('the public snapshot', () => {
  test('may be shared by every cache, and names nobody', async () => {
    const { status, headers, cookies } = await edge.send(PATH)
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('public, s-maxage=1, stale-while-revalidate=5')
    expect(headers['content-type']).toBe('application/json')
    expect(cookies).toEqual({})
  })

  test('is the same from memory as on the whole way', async () => {
    const first = await edge.send(PATH)
    const again = await edge.send(PATH)
    // HEAD always goes the whole way.
    const head = await edge.send(PATH, { method: 'HEAD' })
    expect(again.json).toMatchObject({ room: 'shared', message: 'hello' })
    expect(Object.keys(again.headers).toSorted()).toEqual(Object.keys(first.headers).toSorted())
    expect([head.status, head.headers['content-type']]).toEqual([200, 'application/json'])
  })

  test('is not sent again to those who have it', async () => {
    const unchanged = await until('the copy is still the same', async () => {
      const { headers } = await edge.send(PATH)
      const again = await edge.send(PATH, { headers: { 'if-none-match': String(headers.etag) } })
      return again.status === 304 ? { again, etag: headers.etag } : undefined
    })
    expect(unchanged.again.text).toBe('')
    expect(unchanged.again.headers.etag).toBe(unchanged.etag)
  })

  test('of an unknown room or by another method is refused as before', async () => {
    expect((await edge.send('/.waiting-room/nowhere/now')).json.code).toBe('room_unknown')
    const posted = await edge.post(PATH)
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD'])
  })
})

describe('isolates of one data centre', () => {
  test('share what one of them fetched, without a command', async () => {
    // More than one try: on a busy machine a copy may have grown old before the other isolate looks.
    const spent = await until('the second shows what the first fetched, and asked no store', async () => {
      const latest = Math.max(await ask('first'), await ask('second'))
      await until('every copy is old', async () => Date.now() - latest > 1_200 || undefined)
      const fetched = await newer('first')
      const before = await commands()
      const shown = await newer('second')
      const cost = (await commands()) - before
      return shown === fetched && cost === 0 ? cost : undefined
    })
    expect(spent).toBe(0)
  })

  test('do without a cache that throws', async () => {
    const at = await ask('uncached')
    const before = await commands()
    expect(await newer('uncached')).toBeGreaterThan(at)
    // Control: what a refresh costs that finds no shared copy.
    expect((await commands()) - before).toBeGreaterThan(0)
  })
})

/** `at` of the snapshot that this isolate shows. */
async function ask(name: string): Promise<number> {
  const response = await fetch(`${isolates.origins.get(name)}${PATH}`)
  const snapshot: unknown = await response.json()
  expect(response.status).toBe(200)
  return Number(Object(snapshot).at)
}

/** Polls until the isolate shows another snapshot than now. */
async function newer(name: string): Promise<number> {
  const held = await ask(name)
  return until(`${name} refreshes`, async () => {
    const at = await ask(name)
    return at === held ? undefined : at
  })
}

/** Of the snapshot: GETs and scripts. */
async function commands(): Promise<number> {
  const stats = await edge.redis.info('commandstats')
  return [...stats.matchAll(/^cmdstat_(?:get|evalsha|eval):calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}
