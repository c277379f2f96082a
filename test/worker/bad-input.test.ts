import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKey, startEdge, type Edge } from './support.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ rooms: { demo: { hosts: ['demo.test'], queue_all: true } } })
})
afterAll(() => edge.stop())

describe('bodies and headers', () => {
  const json = { 'content-type': 'application/json' }
  test.each([
    ['not JSON', '{"a"', json, 400, 'invalid_json'],
    ['not an object', '[]', json, 422, 'validation_failed'],
    ['of another type', 'a', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['too large', JSON.stringify({ a: 'x'.repeat(5_000) }), json, 413, 'body_too_large'],
    ['with an unknown field', '{"visitor":"mine"}', json, 422, 'validation_failed'],
  ])('%s: refused by every call that changes something', async (_name, body, headers, status, code) => {
    for (const path of ['join', 'claim', 'renew', 'leave']) {
      const answer = await edge.send(`/.waiting-room/demo/${path}`, { method: 'POST', headers, body })
      expect([answer.status, answer.json.code], path).toEqual([status, code])
    }
  })

  test('an unknown field is named', async () => {
    const answer = await edge.post(
      '/.waiting-room/demo/join',
      { 'idempotency-key': freshKey() },
      { visitor: 'mine' },
    )
    expect(answer.json.errors).toEqual([{ field: '/visitor', message: 'is not a known field' }])
  })

  test('a body that is no object is told what is accepted', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': freshKey() }
    for (const body of ['[]', 'null']) {
      const answer = await edge.send('/.waiting-room/demo/join', { method: 'POST', headers, body })
      expect(answer.json.errors).toEqual([{ field: '', message: 'must be an object' }])
    }
  })

  test.each([
    [{}, 'idempotency_key_missing'],
    [{ 'idempotency-key': 'short' }, 'idempotency_key_invalid'],
    [{ 'idempotency-key': 'x'.repeat(129) }, 'idempotency_key_invalid'],
    [{ 'idempotency-key': `${'x'.repeat(30)}!` }, 'idempotency_key_invalid'],
  ])('join with %j is refused, and the key is never repeated', async (headers, code) => {
    const answer = await edge.post('/.waiting-room/demo/join', headers)
    expect([answer.status, answer.json.code]).toEqual([400, code])
    for (const key of Object.values(headers)) expect(answer.text + edge.logs.join('')).not.toContain(key)
  })

  test.each(['', ';;;', 'x', '=; =', `__Host-wr-queue-demo`, '__Host-wr-queue-demo=%%%; \u00ff=\u00fe'])(
    'a broken Cookie header %j is no error',
    async (cookie) => {
      const answer = await edge.visit('/shop', { host: 'demo.test', cookie })
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('wr-data')
    },
  )

  test('calls from pages of other sites change nothing', async () => {
    for (const path of ['join', 'claim', 'renew', 'leave']) {
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://evil.example' },
      ]) {
        const answer = await edge.post(`/.waiting-room/demo/${path}`, {
          ...headers,
          'idempotency-key': freshKey(),
        })
        expect([answer.status, answer.json.code], path).toEqual([403, 'cross_site'])
      }
    }
  })
})

describe('addresses', () => {
  test('an unknown room is 404, whatever its name', async () => {
    for (const name of ['nowhere', 'Not%20A%20Room', '__proto__', 'constructor']) {
      const answer = await edge.send(`/.waiting-room/${name}/now`)
      expect([answer.status, answer.json.code], name).toEqual([404, 'room_unknown'])
    }
  })

  test('a wrong method is 405 and names the right ones', async () => {
    const answer = await edge.send('/.waiting-room/demo/join', { method: 'DELETE' })
    expect([answer.status, answer.json.code, answer.headers.allow]).toEqual([
      405,
      'method_not_allowed',
      'POST',
    ])
    expect((await edge.send('/.waiting-room/demo/now', { method: 'POST' })).headers.allow).toBe('GET, HEAD')
    expect((await edge.send('/healthz', { method: 'POST' })).status).toBe(405)
  })

  test('nothing under the reserved prefix reaches the origin', async () => {
    const answer = await edge.send('/.waiting-room/what/is/this')
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
  })

  test('HEAD answers as GET does, without a body', async () => {
    const answer = await edge.send('/.waiting-room/demo/now', { method: 'HEAD' })
    expect([answer.status, answer.text]).toEqual([200, ''])
  })
})
