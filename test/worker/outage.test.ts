// Redis cannot be asked: for a moment, for a minute, or from the first request on. Refusals and slowness are in
// refusals.test.ts, what is lost in loss.test.ts.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { snapshotOnce } from './crowd.ts'
import { cookieHeader, freshKey, startEdge, until, type Answer, type Edge } from './support.ts'
import { startSwitchedStores } from './switched-stores.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      shut: { hosts: ['shut.test'] },
      open: { hosts: ['open.test'], on_store_failure: 'open' },
      'open-but-queue': { hosts: ['both.test'], on_store_failure: 'open', queue_all: true },
      unseen: { hosts: ['unseen.test'] },
      lost: { hosts: ['lost.test'], paused: true },
      renewing: { hosts: ['renewing.test'], admission_token_ttl: 60 },
    },
  })
})
afterAll(() => edge.stop())

/** Redis is gone for the time of `act`, for every command; `asked` is how often it was tried. */
async function withoutRedis<T>(act: (asked: () => number) => Promise<T>): Promise<T> {
  let count = 0
  edge.gateway.faults.set({ kind: 'status', status: 503 }, () => (count += 1) > 0)
  try {
    return await act(() => count)
  } finally {
    edge.gateway.faults.clear()
  }
}

describe('while Redis cannot be asked', () => {
  test('polls get the last snapshot, marked; joins are told to come again; the health check says so', async () => {
    await edge.send('/.waiting-room/shut/now')
    await withoutRedis(async () => {
      const now = await until('the copy is marked as old', async () => {
        const answer = await edge.send('/.waiting-room/shut/now')
        return answer.json.degraded ? answer : undefined
      })
      expect(now.status).toBe(200)
      const join = await edge.post('/.waiting-room/shut/join', { 'idempotency-key': freshKey() })
      expect([join.status, join.json.code]).toEqual([503, 'store_unavailable'])
      expect(Number(join.headers['retry-after'])).toBeGreaterThan(0)
      const health = await edge.send('/healthz')
      expect([health.status, health.json]).toMatchObject([
        503,
        { levels: { config: 'ok', redis: 'failing' } },
      ])
    })
    await until('all is well again', async () => {
      const { json } = await edge.send('/.waiting-room/shut/now')
      return json.degraded ? undefined : json
    })
  })

  test('a room that nobody had looked at before answers as soon as Redis does', async () => {
    await withoutRedis(async (asked) => {
      await until('two refreshes have failed', async () => {
        expect((await edge.send('/.waiting-room/unseen/now')).json.code).toBe('store_unavailable')
        return asked() >= 2 ? true : undefined
      })
    })
    const answer = await edge.post('/.waiting-room/unseen/join', { 'idempotency-key': freshKey() })
    expect(answer.status).toBe(201)
  })

  test('a closed room holds newcomers, an open one lets everyone through, and queue_all holds even then', async () => {
    await withoutRedis(async () => {
      const shut = await edge.visit('/shop', { host: 'shut.test' })
      expect(shut.text).toContain('wr-data')
      const open = await until('the outage is noticed', async () => {
        const answer = await edge.visit('/shop', { host: 'open.test' })
        return answer.status === 200 && answer.text.startsWith('{') ? answer : undefined
      })
      expect(open.json.headers['waiting-room-token']).toBe(open.cookies['__Host-wr-pass-open'])
      const both = await edge.visit('/shop', { host: 'both.test' })
      expect(both.text).toContain('wr-data')
    })
  })

  test('an admitted visitor goes on', async () => {
    const entered = await until('the room is quiet', async () => {
      const answer = await edge.visit('/shop', { host: 'renewing.test' })
      return answer.cookies['__Host-wr-pass-renewing'] === undefined ? undefined : answer
    })
    await withoutRedis(async () => {
      // The pass of a quiet entry is due for renewal at once, which cannot be had now.
      const answer = await edge.send('/shop', {
        headers: { host: 'renewing.test', cookie: cookieHeader(entered.cookies) },
      })
      expect(answer.status).toBe(200)
      expect(answer.cookies['__Host-wr-pass-renewing']).toMatch(/^ey/)
    })
  })
})

test('a reply that is lost costs nobody a second place', async () => {
  const headers = { 'idempotency-key': freshKey() }
  const lost = edge.gateway.faults.next(/evalsha/i, { kind: 'drop-reply' })
  const first = await edge.post('/.waiting-room/shut/join', headers)
  // It was this join's reply, not a snapshot's.
  expect(JSON.stringify(await lost.fired)).toContain(first.json.visitor)
  const second = await edge.post('/.waiting-room/shut/join', headers)
  expect([first.status, second.status]).toEqual([201, 201])
  expect(second.json.place).toBe(first.json.place)
})

test('a store that lost everything puts visitors back at their own places, in order', async () => {
  const join = (headers: Record<string, string>) => edge.post('/.waiting-room/lost/join', headers)
  const joined: Answer[] = []
  for (let visitor = 0; visitor < 3; visitor += 1) joined.push(await join({ 'idempotency-key': freshKey() }))
  await edge.redis.flushall()
  const epoch = await until('a new epoch', async () => {
    const { json } = await edge.send('/.waiting-room/lost/now')
    return json.epoch > (joined[0]?.json.epoch ?? 0) ? json.epoch : undefined
  })
  const newcomer = await join({ 'idempotency-key': freshKey() })
  const restored: Answer[] = []
  for (const { json } of joined.toReversed()) {
    // What a client has is no longer of this epoch, which status says; join and claim put it back.
    const status = await edge.send('/.waiting-room/lost/status', {
      headers: { authorization: `Bearer ${json.queueToken}` },
    })
    expect(status.json.code).toBe('not_in_queue')
    const path = restored.length === 0 ? 'join' : 'claim'
    restored.push(
      await edge.post(`/.waiting-room/lost/${path}`, { authorization: `Bearer ${json.queueToken}` }),
    )
  }
  expect(restored.map(({ status }) => status)).toEqual([201, 202, 202])
  expect(restored.map(({ json }) => json.place)).toEqual(joined.map(({ json }) => json.place).toReversed())
  expect(restored.every(({ json }) => json.epoch === epoch)).toBe(true)
  expect(restored.every(({ json }) => json.place < newcomer.json.place)).toBe(true)
})

test('a minute without Redis: places stay, who is inside goes on, nobody new comes in, and all recovers', async () => {
  const stores = await startSwitchedStores()
  onTestFinished(() => stores.stop())
  const rooms = {
    minute: { hosts: ['minute.test'], burst: 2, new_users_per_minute: 1, admission_token_ttl: 60 },
    letting: { hosts: ['letting.test'], on_store_failure: 'open', queue_all: false },
  }
  const isolate = await startEdge({ rooms, on: stores, ownClock: true })
  onTestFinished(() => isolate.stop())
  const join = () => isolate.post('/.waiting-room/minute/join', { 'idempotency-key': freshKey() })
  const bearer = ({ json }: Answer) => ({ authorization: `Bearer ${json.queueToken}` })
  const status = (visitor: Answer) =>
    isolate.send('/.waiting-room/minute/status', { headers: bearer(visitor) })
  const [first, called, waiting] = [await join(), await join(), await join()]
  await snapshotOnce(isolate, 'minute', { what: 'two are called', is: (json) => json.called === 2 })
  const inside = await isolate.post('/.waiting-room/minute/claim', bearer(first))
  await isolate.send('/.waiting-room/letting/now')
  const before = await status(waiting)

  await stores.unplug()
  await snapshotOnce(isolate, 'minute', { what: 'the copy is marked', is: (json) => json.degraded })
  const host = 'minute.test'
  let pass = inside.json.admissionToken
  for (const seconds of [20, 40, 60, 80]) {
    await isolate.setClock({ shiftMs: seconds * 1_000 })
    const now = await isolate.send('/.waiting-room/minute/now')
    expect([now.status, now.json.degraded, now.json.waiting]).toEqual([200, true, 1])
    const during = await status(waiting)
    expect([during.json.place, during.json.position]).toEqual([before.json.place, before.json.position])
    // A browser that stays inside: what the gate sets is what it shows next.
    const name = '__Host-wr-pass-minute'
    const visit = await isolate.visit('/shop', { host, cookie: `${name}=${pass}` })
    expect([visit.status, visit.json.path]).toEqual([200, '/shop'])
    pass = visit.cookies[name] ?? pass
  }
  // Whoever was away all the time shows a dead pass: it is not renewed without Redis.
  const away = await isolate.visit('/shop', { host, 'waiting-room-token': inside.json.admissionToken })
  expect([away.status, away.text.includes('wr-data')]).toEqual([503, true])
  expect((await isolate.post('/.waiting-room/minute/claim', bearer(called))).json.code).toBe(
    'store_unavailable',
  )
  const letIn = await until('the outage is noticed', async () => {
    const answer = await isolate.visit('/shop', { host: 'letting.test' })
    return answer.cookies['__Host-wr-pass-letting'] === undefined ? undefined : answer
  })
  expect(letIn.json.path).toBe('/shop')

  await stores.plugIn()
  await snapshotOnce(isolate, 'minute', { what: 'the store is asked again', is: (json) => !json.degraded })
  const back = await isolate.post('/.waiting-room/minute/renew', { 'waiting-room-token': pass })
  expect(back.status).toBe(200)
  expect((await isolate.post('/.waiting-room/minute/claim', bearer(called))).status).toBe(200)
  expect((await status(waiting)).json.position).toBe(1)
})

test('suspended, queue_all and on_store_failure of a deployment act although Redis never answered', async () => {
  const stores = await startSwitchedStores()
  onTestFinished(() => stores.stop())
  await stores.unplug()
  const on = (name: string, settings: object) => ({ [name]: { hosts: [`${name}.test`], ...settings } })
  const rooms = {
    ...on('off', { suspended: true }),
    ...on('through', { queueing_method: 'passthrough' }),
    ...on('let-in', { on_store_failure: 'open' }),
    ...on('all', { on_store_failure: 'open', queue_all: true }),
    ...on('held', {}),
    ...on('nobody', { queueing_method: 'reject', on_store_failure: 'closed' }),
  }
  const isolate = await startEdge({ rooms, on: stores, armed: false })
  onTestFinished(() => isolate.stop())
  for (const room of ['off', 'through', 'let-in']) {
    // The very first request of the isolate to this room, and one of a program.
    const visit = await isolate.visit('/shop', { host: `${room}.test` })
    expect([room, visit.status, visit.json.path]).toEqual([room, 200, '/shop'])
    expect(visit.json.headers['waiting-room-token']).toMatch(/^ey/)
    const program = await isolate.send('/shop', { headers: { host: `${room}.test` } })
    expect([room, program.status, program.json.path]).toEqual([room, 200, '/shop'])
  }
  for (const room of ['all', 'held', 'nobody']) {
    const visit = await isolate.visit('/shop', { host: `${room}.test` })
    expect([room, visit.status, visit.text.includes('wr-data')]).toEqual([room, 503, true])
    expect(Number(visit.headers['retry-after'])).toBeGreaterThan(0)
    const program = await isolate.send('/shop', { headers: { host: `${room}.test` } })
    expect([room, program.status, program.json.code]).toEqual([room, 503, 'store_unavailable'])
    expect(Number(program.headers['retry-after'])).toBeGreaterThan(0)
  }
  await stores.plugIn()
  const place = await until('the store is asked again', async () => {
    const answer = await isolate.post('/.waiting-room/held/join', { 'idempotency-key': freshKey() })
    return answer.status === 201 ? answer : undefined
  })
  expect(place.json.position).toBe(1)
})
