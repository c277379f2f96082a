// Placing orders: idempotency keys, the limit per buyer, bad input, admission; and what the API says about itself.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { app } from '../../origin/app.ts'
import { onError } from '../../origin/on-error.ts'
import { OPERATIONS } from '../../origin/openapi.ts'
import * as shapes from '../../origin/openapi-schemas.ts'
import { hold, order, place } from './buyer.ts'
import { newKey, startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

interface Described {
  readonly requestBody?: object
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin({ SEATS_PER_BUYER: 3 })
  const event = smallEvent()
  event.hall.sections.push({
    id: 'C',
    name: 'Side',
    tier: 'far',
    rows: [{ label: '1', count: 14, line: { x: 0, y: 20, dx: 13, dy: 0 } }],
  })
  await origin.importEvent(event)
})
afterAll(() => origin.stop())

const orders = async () => (await origin.database.query('select id from orders')).length

describe('Idempotency-Key', () => {
  test('a repeat gets the stored answer and places nothing', async () => {
    const { visitor, holdId, key, answer } = await place(origin, ['A-1-1'], { email: 'repeat@example.com' })
    const before = await orders()
    const again = await order(origin, { holdId, visitor, key, email: 'repeat@example.com' })
    expect(again.status).toBe(201)
    expect(again.body).toEqual(answer.body)
    expect(await orders()).toBe(before)
  })

  test('twenty requests at once with one key place one order; the others are in progress or get its answer', async () => {
    const visitor = await origin.admit()
    const holdId = await hold(origin, ['A-1-2'], visitor)
    const before = await orders()
    const request = { holdId, visitor, key: newKey(), email: 'same@example.com' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => order(origin, request)))
    expect(await orders()).toBe(before + 1)
    const placed = answers.filter(({ status }) => status === 201)
    expect(new Set(placed.map(({ body }) => body['orderId'])).size).toBe(1)
    const others = answers.filter(({ status }) => status !== 201)
    expect(new Set(others.map(({ body }) => body['code']))).toEqual(
      new Set(others.length > 0 ? ['idempotency_in_progress'] : []),
    )
  })

  test('the same key with another body is refused', async () => {
    const { visitor, holdId, key } = await place(origin, ['A-1-3'])
    const other = await order(origin, { holdId, visitor, key, email: 'another@example.com' })
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  })

  test('one visitor’s key says nothing to another visitor', async () => {
    const { key } = await place(origin, ['A-1-4'])
    const visitor = await origin.admit()
    const holdId = await hold(origin, ['A-1-5'], visitor)
    expect((await order(origin, { holdId, visitor, key })).status).toBe(201)
  })

  test('a missing key and an unusable key are two kinds of 400', async () => {
    const visitor = await origin.admit()
    const holdId = `${PERFORMANCE}.${'x'.repeat(22)}`
    const body = { holdId, buyer: { name: 'A', email: 'a@example.com' } }
    const missing = await origin.request('/api/orders', { headers: visitor, body })
    expect(missing).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } })
    const short = await order(origin, { holdId, visitor, key: 'short' })
    expect(short).toMatchObject({ status: 400, body: { code: 'idempotency_key_invalid' } })
  })

  test('a key whose request was refused may try again', async () => {
    const visitor = await origin.admit()
    const key = newKey()
    const gone = await order(origin, { holdId: `${PERFORMANCE}.${'x'.repeat(22)}`, visitor, key })
    expect(gone.status).toBe(404)
    const holdId = await hold(origin, ['A-2-1'], visitor)
    expect((await order(origin, { holdId, visitor, key })).status).toBe(201)
  })

  test('an order whose reply Postgres lost is found by the repeat', async () => {
    const visitor = await origin.admit()
    const request = {
      holdId: await hold(origin, ['A-2-2'], visitor),
      visitor,
      key: newKey(),
      email: 'lost@example.com',
    }
    const before = await orders()
    origin.database.gateway.faults.next('pg_advisory_xact_lock', { kind: 'drop-reply' })
    expect((await order(origin, request)).status).toBe(503)
    expect((await order(origin, request)).status).toBe(201)
    expect(await orders()).toBe(before + 1)
  })
})

describe('the limit of seats per buyer', () => {
  test('counts pending seats of the same person however the address is spelled', async () => {
    await place(origin, ['B-1-1', 'B-1-2'], { email: 'Greedy+one@Example.com' })
    const visitor = await origin.admit()
    const holdId = await hold(origin, ['B-1-3', 'B-1-4'], visitor)
    const refused = await order(origin, { holdId, visitor, email: 'greedy@example.com' })
    expect(refused).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
    expect((await order(origin, { holdId, visitor, email: 'modest@example.com' })).status).toBe(201)
  })

  test('counts the seats of one session under whatever address', async () => {
    const visitor = await origin.admit()
    const holdId = await hold(origin, ['B-1-5', 'B-1-6'], visitor)
    expect((await order(origin, { holdId, visitor })).status).toBe(201)
    const more = await hold(origin, ['B-1-7', 'B-1-8'], visitor)
    const refused = await order(origin, { holdId: more, visitor })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field: '/holdId' }] } })
    const one = await origin.request(`/api/holds/${more}`, { method: 'DELETE', headers: visitor })
    expect(one.status).toBe(204)
    const fewer = await hold(origin, ['B-1-7'], visitor)
    expect((await order(origin, { holdId: fewer, visitor })).status).toBe(201)
  })

  test('holds for two orders of one session, and of one address, placed at the same moment', async () => {
    await origin.database.query(`
      create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return new; end';
      create trigger dawdle before insert on orders for each row execute function dawdle()`)
    const [one, other, third] = [await origin.admit(), await origin.admit(), await origin.admit()]
    const holds = [
      // Two addresses in one session, then one address in two sessions.
      { visitor: one, holdId: await hold(origin, ['C-1-1', 'C-1-2'], one), email: 'first@example.com' },
      { visitor: one, holdId: await hold(origin, ['C-1-3', 'C-1-4'], one), email: 'second@example.com' },
      { visitor: other, holdId: await hold(origin, ['C-1-5', 'C-1-6'], other), email: 'third@example.com' },
      { visitor: third, holdId: await hold(origin, ['C-1-7', 'C-1-8'], third), email: 'third@example.com' },
    ]
    const answers = await Promise.all(holds.map((held) => order(origin, held)))
    await origin.database.query('drop trigger dawdle on orders')
    const statuses = answers.map(({ status }) => status)
    expect(statuses.slice(0, 2).toSorted((a, b) => a - b)).toEqual([201, 422])
    expect(statuses.slice(2).toSorted((a, b) => a - b)).toEqual([201, 422])
    for (const [index, { holdId, visitor }] of holds.entries()) {
      if (statuses[index] === 201) {
        await origin.request(`/api/orders/${String(answers[index]?.body['orderId'])}/cancel`, {
          method: 'POST',
        })
      }
      await origin.request(`/api/holds/${holdId}`, { method: 'DELETE', headers: visitor })
    }
  })

  test('holds for orders placed at the same moment', async () => {
    const seats = Array.from({ length: 12 }, (_, index) => `C-1-${index + 1}`)
    const holds = await Promise.all(
      seats.map(async (seat) => {
        const visitor = await origin.admit()
        return { visitor, holdId: await hold(origin, [seat], visitor) }
      }),
    )
    // Each insert takes a moment, so that without turns all would count before any is written.
    await origin.database.query(`
      create function linger() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return new; end';
      create trigger linger before insert on orders for each row execute function linger()`)
    const answers = await Promise.all(
      holds.map((held) => order(origin, { ...held, email: 'twelve@example.com' })),
    )
    await origin.database.query('drop trigger linger on orders')
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(9)
  })
})

test('a hold has one order', async () => {
  const { visitor, holdId } = await place(origin, ['A-2-3'])
  const second = await order(origin, { holdId, visitor })
  expect(second).toMatchObject({ status: 409, body: { code: 'order_conflict' } })
})

test('a body with several faults is answered with all of them', async () => {
  const visitor = await origin.admit()
  const answer = await origin.request('/api/orders', {
    headers: { ...visitor, 'idempotency-key': newKey() },
    body: { holdId: 'nonsense', buyer: { name: '', email: 'no address' } },
  })
  expect(answer.status).toBe(422)
  expect(answer.body['errors']).toMatchObject([
    { field: '/holdId' },
    { field: '/buyer/name' },
    { field: '/buyer/email' },
  ])
})

test.each(['a\u0000b', 'a\ud800', 'a\nb', '\u0000'])('the name %j is refused by its field', async (name) => {
  const answer = await origin.request('/api/orders', {
    headers: { ...(await origin.admit()), 'idempotency-key': newKey() },
    body: { holdId: `${PERFORMANCE}.${'x'.repeat(22)}`, buyer: { name, email: 'a@example.com' } },
  })
  expect(answer).toMatchObject({
    status: 422,
    body: { code: 'validation_failed', errors: [{ field: '/buyer/name' }] },
  })
})

test.each([
  '/api/performances/a%00b/seats',
  '/api/performances/%00/availability',
  '/performances/%00',
  '/api/events/%00',
  '/api/events/%00/performances',
  '/events/%00',
  `/api/performances/${PERFORMANCE}/seats?section=%00`,
  '/api/holds/%00',
  '/api/orders/%00',
])('%s is not there', async (path) => {
  const answer = await origin.request(path, { headers: await origin.admit() })
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
})

test('a character that Postgres refuses all the same is a 422', async () => {
  const refused = new Hono().onError(onError).get('/:text', async (c) => {
    await origin.parts.db.execute(sql`select ${c.req.param('text')}::text`)
    return c.body(null, 204)
  })
  expect((await refused.request('/fine')).status).toBe(204)
  const answer = await refused.request('/a%00b')
  expect(await answer.json()).toMatchObject({ status: 422, code: 'validation_failed' })
})

test('every protected route asks for admission and says where to queue', async () => {
  const paths = [
    '/',
    '/events/tiny',
    `/performances/${PERFORMANCE}`,
    '/api/events',
    '/api/events/tiny',
    '/api/events/tiny/performances',
    `/api/performances/${PERFORMANCE}/seats`,
    `/api/performances/${PERFORMANCE}/availability`,
  ]
  const other = await origin.admit('another-room')
  for (const path of paths) {
    for (const headers of [{}, other, { 'waiting-room-token': 'nonsense' }]) {
      const answer = await origin.request(path, { headers })
      expect(answer, path).toMatchObject({
        status: 401,
        body: { code: 'admission_required', room: 'demo', queueUrl: '/.waiting-room/demo/join' },
      })
    }
  }
  const placing = await order(origin, { holdId: `${PERFORMANCE}.${'x'.repeat(22)}`, visitor: {} })
  expect(placing.status).toBe(401)
})

test('the catalogue answers in the promised shapes, and the map by section with an ETag', async () => {
  const headers = await origin.admit()
  const read = async (path: string) => (await origin.request(path, { headers })).body
  expect(shapes.event.parse(await read('/api/events/tiny'))).toMatchObject({ name: 'Tiny <Show>' })
  expect((await read('/api/events'))['events']).toHaveLength(1)
  const map = `/api/performances/${PERFORMANCE}/seats`
  const overview = shapes.overview.parse(await read(map))
  expect(overview.sections.map(({ id, count }) => [id, count])).toEqual([
    ['A', 10],
    ['B', 10],
    ['C', 14],
  ])
  const section = shapes.sectionSeats.parse(await read(`${map}?section=B`))
  expect(section.seats[0]).toMatchObject({ ordinal: 10, id: 'B-1-1', tier: 'far' })
  const first = await origin.request(map, { headers })
  const etag = String(first.headers.get('etag'))
  const again = await origin.request(map, { headers: { ...headers, 'if-none-match': etag } })
  expect([again.status, again.text]).toEqual([304, ''])
  expect((await origin.request(`${map}?section=Z`, { headers })).status).toBe(404)
  expect((await origin.request('/api/performances/none/seats', { headers })).status).toBe(404)
})

test('an order answers in the promised shape', async () => {
  const { answer, orderId } = await place(origin, ['A-2-4'])
  expect(shapes.order.parse(answer.body)).toEqual(answer.body)
  const read = await origin.request(`/api/orders/${orderId}`)
  expect(shapes.order.parse(read.body)).toEqual(read.body)
  expect(read.text).not.toContain('@example.com')
})

test('the description names every route, and every route of the API is described', async () => {
  const { body, status } = await origin.request('/openapi.json')
  expect(status).toBe(200)
  const described = OPERATIONS.map(
    ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll('{id}', ':id')}`,
  )
  const pages = ['GET /', 'GET /events/:id', 'GET /performances/:id', 'GET /orders/:id']
  const comings = ['GET /orders/:id/return', 'POST /orders/:id/return', 'GET /openapi.json']
  const routes = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`)
  expect(new Set(routes)).toEqual(new Set([...described, ...pages, ...comings]))
  expect(Object.keys(body['paths'] ?? {})).toHaveLength(new Set(OPERATIONS.map(({ path }) => path)).size)
})

test('whatever answers that a body is no JSON describes its body, and every body of a success has a schema', async () => {
  const { answer, visitor } = await place(origin, ['C-1-14'], { email: 'described@example.com' })
  const holdId = await hold(origin, ['C-1-13'], visitor)
  const { body } = await origin.request('/openapi.json')
  const { paths } = body as unknown as { paths: Record<string, Record<string, Described>> }
  const ids = {
    performances: PERFORMANCE,
    holds: holdId,
    orders: String(answer.body['orderId']),
    'admin/performances': PERFORMANCE,
    'admin/orders': String(answer.body['number']),
  }
  const reading: string[] = []
  for (const { method, path, access } of OPERATIONS) {
    const { requestBody, responses } = paths[path]?.[method] ?? { responses: {} }
    for (const [status, { content }] of Object.entries(responses)) {
      if (status.startsWith('2') && status !== '204')
        expect(Object.values(content ?? {})[0], path).toHaveProperty('schema')
    }
    // The gate's own refusal.
    if (access === 'admission') expect(responses, path).toHaveProperty('429')
    if (method !== 'post' || access === 'signature') continue
    const kind = Object.entries(ids).find(([name]) => path.startsWith(`/api/${name}/`))
    const { status } = await origin.request(path.replace('{id}', kind?.[1] ?? ''), {
      method: 'POST',
      headers: {
        ...visitor,
        authorization: `Bearer ${origin.env.ADMIN_TOKEN}`,
        'idempotency-key': newKey(),
        'content-type': 'text/plain',
      },
      body: 'no JSON',
    })
    if (status === 415) reading.push(path)
    expect(requestBody !== undefined, `${path} answered ${status}`).toBe(status === 415)
  }
  expect(reading.length).toBeGreaterThan(4)
})

test.each([
  ['GET', '/api/tickets/verify', 'POST'],
  ['PUT', '/webhooks/payments', 'POST'],
  ['POST', '/openapi.json', 'GET, HEAD'],
  ['PATCH', '/orders/x', 'GET, HEAD'],
  ['PUT', '/api/holds/x', 'GET, HEAD, DELETE'],
])('%s %s is a 405 that names what the address allows', async (method, path, allow) => {
  const refused = await origin.request(path, { method })
  expect(refused).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
  expect(refused.headers.get('allow')).toBe(allow)
})

test('an import without the admin token is refused before its body is read', async () => {
  const refused = await origin.request('/api/admin/events/import', {
    headers: { authorization: 'Bearer wrong' },
    body: { format: 'nonsense' },
  })
  expect(refused).toMatchObject({ status: 401, body: { code: 'admin_required' } })
  const bad = await origin.request('/api/admin/events/import', {
    headers: { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` },
    body: { format: 'nonsense' },
  })
  expect(bad).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
})

test('a broken database is a 503 with Retry-After, and health says which part is down', async () => {
  origin.database.gateway.faults.set({ kind: 'status', status: 503 })
  const answer = await origin.request(`/api/orders/${'A'.repeat(27)}`)
  const health = await origin.request('/healthz')
  origin.database.gateway.faults.clear()
  expect(answer).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
  expect(answer.headers.get('retry-after')).toBe('2')
  expect(health).toMatchObject({ status: 503, body: { redis: 'ok', postgres: 'down' } })
  expect(await origin.request('/healthz')).toMatchObject({ status: 200 })
})

test('a payment that the provider refuses to begin is a named problem, is logged in its words, and may be begun later', async () => {
  const { orderId, answer } = await place(origin, ['C-1-14'])
  const refusal = {
    error: {
      type: 'invalid_request_error',
      code: 'amount_too_small',
      param: 'amount',
      message: 'Amount must be at least 50 cents.',
    },
  }
  const pay = () => origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  origin.payments.faults.set(
    { kind: 'error-body', status: 400, body: refusal },
    /POST \/v1\/payment_intents$/,
  )
  const refused = await pay()
  origin.payments.faults.clear()
  const lines = logged.mock.calls.flat().join('\n')
  logged.mockRestore()
  expect(refused).toMatchObject({
    status: 502,
    body: { code: 'payment_refused', orderStatus: 'awaiting_payment' },
  })
  expect(refused.body['detail']).toContain(String(answer.body['number']))
  expect(lines).toContain('Amount must be at least 50 cents.')
  expect(lines).toContain('amount_too_small')
  expect((await pay()).status).toBe(202)
})
