// What each limit does when Redis cannot be asked. The limit of holds is tested over HTTP, in holds.test.ts.

import { Hono } from 'hono'
import { expect, test } from 'vitest'
import type { OriginConfig } from '../../origin/config.ts'
import type { OriginEnv } from '../../origin/env.ts'
import { limitAdmin, limitHolds, limitOrders, limitTicketChecks } from '../../origin/limits.ts'
import { onError } from '../../origin/on-error.ts'
import { createRedis } from '../../src/redis/client.ts'
import { expectErrorsInLog, setUpOrigin } from './setup.ts'

const origin = setUpOrigin()
const LIMITS = { holds: limitHolds, orders: limitOrders, verify: limitTicketChecks, admin: limitAdmin }
type Name = keyof typeof LIMITS

/** A Worker of one route that counts a call of `caller` and answers 204 where it may pass. */
function worker() {
  const redis = createRedis({ url: origin.upstash.url, token: 'a-token-for-tests' })
  const app = new Hono<OriginEnv>()
    .use(async (c, next) => {
      c.set('redis', redis)
      c.set('config', { holdsPerMinute: 3, ordersPerMinute: 2 } as OriginConfig)
      await next()
    })
    .post('/:limit/:caller', async (c) => {
      const { limit, caller } = c.req.param()
      if (!isName(limit)) return c.body(null, 404)
      await LIMITS[limit](c, caller)
      return c.body(null, 204)
    })
  app.onError(onError)
  return async (limit: Name, caller = 'somebody') =>
    (await app.request(`/${limit}/${caller}`, { method: 'POST' })).status
}
const isName = (text: string): text is Name => text in LIMITS

test.each<[Name, number]>([
  ['holds', 3],
  ['orders', 2],
  ['admin', 20],
])(
  '%s: %i a minute for one caller, and a caller of one limit is a stranger to the others',
  async (name, most) => {
    const call = worker()
    const statuses: number[] = []
    for (let i = 0; i < most + 2; i += 1) statuses.push(await call(name))
    expect(statuses).toEqual([...Array.from({ length: most }, () => 204), 429, 429])
    expect(await call(name, 'another')).toBe(204)
    expect(await call(name === 'holds' ? 'orders' : 'holds')).toBe(204)
  },
)

test('calls that Redis counted late were counted: a caller who is over the limit is refused without Redis', async () => {
  const call = worker()
  for (let i = 0; i < 3; i += 1) await call('orders')
  origin.upstash.faults.set({ kind: 'status', status: 503 })
  expect(await call('orders')).toBe(429)
})

test.each<[Name, number]>([
  ['holds', 503],
  ['orders', 503],
  ['verify', 204],
  ['admin', 204],
])('without Redis, %s answers %i', async (name, status) => {
  expectErrorsInLog()
  const call = worker()
  // A third of the holds is counted without Redis.
  if (name === 'holds') await call(name)
  origin.upstash.faults.set({ kind: 'status', status: 503 })
  expect(await call(name)).toBe(status)
})

test('the first third of the calls of a visitor asks nothing of Redis, and each visitor has their own', async () => {
  const call = worker()
  const limited: string[] = []
  // Looks at every request and hits none.
  origin.upstash.faults.set({ kind: 'delay', ms: 0 }, (request) => {
    limited.push(JSON.stringify(request))
    return false
  })
  expect(await call('holds', 'one')).toBe(204)
  expect(await call('holds', 'other')).toBe(204)
  expect(limited).toEqual([])
  expect(await call('holds', 'one')).toBe(204)
  expect(limited).toHaveLength(1)
})

test.each<[Name, number]>([
  ['orders', 503],
  ['verify', 204],
])(
  'with a Redis that does not answer in time, %s answers %i, though the library would allow',
  async (name, status) => {
    expectErrorsInLog()
    origin.upstash.faults.set({ kind: 'delay', ms: 10_000, when: 'after' })
    expect(await worker()(name)).toBe(status)
  },
)
