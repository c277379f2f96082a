import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieHeader, freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

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
