// Holds over HTTP, with every store behind them: what an owner may do, and what anybody else is told.

import { describe, expect, onTestFinished, test } from 'vitest'
import { performanceKeys } from '../../src/redis/keys.ts'
import { AVAILABILITY, expectErrorsInLog, HOLDS, PERFORMANCE, setUpOrigin, type Visitor } from './setup.ts'

const origin = setUpOrigin()

interface Held {
  readonly holdId: string
  readonly expiresAt: string
  readonly lastsUntil: string
  readonly expiresInSeconds: number
}

async function held(response: Promise<Response>): Promise<Held> {
  const answer = await response
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Held
}

/** Lets the clock of a hold run out: its record and its score. */
async function expire(holdId: string): Promise<void> {
  const keys = performanceKeys(PERFORMANCE)
  const fields = ((await origin.raw.hget(keys.holders, holdId)) ?? '').split(' ')
  fields[3] = '1'
  await origin.raw.hset(keys.holders, holdId, fields.join(' '))
  await origin.raw.zadd(keys.holds, 1, holdId)
}

describe('the owner', () => {
  test('holds seats with their prices, finds the hold again, extends it and gives it back', async () => {
    const visitor = await origin.visitor('owner')
    const response = await visitor.hold(['A-1-2', 'B-1-1'])
    expect(response.status).toBe(201)
    const body = (await response.clone().json()) as Held
    expect(body).toEqual({
      holdId: expect.stringMatching(/^tiny-night\.[A-Za-z0-9_-]{22}$/) as string,
      performance: PERFORMANCE,
      seats: [
        { id: 'A-1-2', section: 'Front', row: '1', label: '2', tier: 'Near', price: 5_000, fee: 250 },
        { id: 'B-1-1', section: 'Back', row: '1', label: '1', tier: 'Far', price: 2_000, fee: 100 },
      ],
      total: 7_350,
      currency: 'EUR',
      expiresAt: expect.stringMatching(/Z$/) as string,
      expiresInSeconds: expect.any(Number) as number,
      lastsUntil: expect.stringMatching(/Z$/) as string,
      extensionsLeft: 2,
    })
    expect(body.expiresInSeconds).toBeGreaterThan(290)
    expect(body.expiresInSeconds).toBeLessThanOrEqual(300)
    const path = `/api/holds/${body.holdId}`
    expect(response.headers.get('location')).toBe(path)
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(await origin.map()).toBe('fhffffffffhffffffffb')

    const again = await visitor.get(path)
    expect(again.status).toBe(200)
    expect(await again.json()).toMatchObject({ holdId: body.holdId, total: 7_350, expiresAt: body.expiresAt })

    const extended = await visitor.post(`${path}/extend`)
    expect(extended.status).toBe(200)
    const times = (await extended.json()) as Held
    expect(Date.parse(times.expiresAt)).toBeGreaterThanOrEqual(Date.parse(body.expiresAt))
    expect(times.lastsUntil).toBe(body.lastsUntil)

    expect((await visitor.delete(path)).status).toBe(204)
    expect((await visitor.delete(path)).status).toBe(204)
    expect(await origin.map()).toBe('fffffffffffffffffffb')
    expect(await (await visitor.get(path)).json()).toMatchObject({ status: 409, code: 'hold_expired' })
  })

  test('extends as often as was announced, a repeat counts once, and one more is refused with the end', async () => {
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1']))
    const extend = (key?: string) =>
      visitor.post(
        `/api/holds/${holdId}/extend`,
        undefined,
        key === undefined ? {} : { 'Idempotency-Key': key },
      )
    const first = await (await extend('a-key-of-the-first-press')).json()
    expect(first).toMatchObject({ extensionsLeft: 1 })
    expect(await (await extend('a-key-of-the-first-press')).json()).toMatchObject({ extensionsLeft: 1 })
    const second = (await (await extend()).json()) as Held
    expect(second).toMatchObject({ extensionsLeft: 0 })
    expect(await (await extend()).json()).toMatchObject({
      status: 409,
      code: 'hold_extension_limit',
      expiresAt: second.expiresAt,
      lastsUntil: second.lastsUntil,
      extensionsLeft: 0,
    })
    expect((await extend('short')).status).toBe(400)
    expect(await (await visitor.get(`/api/holds/${holdId}`)).json()).toMatchObject({
      expiresAt: second.expiresAt,
      extensionsLeft: 0,
    })
  })

  test('an extension whose reply is lost between origin and Redis counts once', async () => {
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1']))
    const { fired } = origin.upstash.faults.next(
      ({ commands }) => commands.some((command) => command.includes(holdId)),
      { kind: 'drop-reply' },
    )
    const response = await visitor.post(`/api/holds/${holdId}/extend`)
    await fired
    expect(await response.json()).toMatchObject({ extensionsLeft: 1 })
  })

  test('an extension at the absolute end answers that end and lengthens nothing', async () => {
    const visitor = await origin.visitor('owner', { vars: { HOLD_SECONDS: 60, HOLD_MAX_SECONDS: 60 } })
    const hold = await held(visitor.hold(['A-1-1']))
    const response = await visitor.post(`/api/holds/${hold.holdId}/extend`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ expiresAt: hold.lastsUntil, lastsUntil: hold.lastsUntil })
  })

  test('of an expired hold hears 409, and its seats are for others', async () => {
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1']))
    await expire(holdId)
    for (const response of [
      await visitor.get(`/api/holds/${holdId}`),
      await visitor.post(`/api/holds/${holdId}/extend`),
    ]) {
      expect(await response.json()).toMatchObject({ status: 409, code: 'hold_expired' })
    }
    expect((await (await origin.visitor('next')).hold(['A-1-1'])).status).toBe(201)
    expect((await visitor.delete(`/api/holds/${holdId}`)).status).toBe(204)
    expect(await origin.map()).toMatch(/^h/)
  })
})

describe('anybody else', () => {
  test('is told the same of another’s hold, of an ended one and of none at all', async () => {
    const owner = await origin.visitor('owner')
    const other = await origin.visitor('other')
    const live = await held(owner.hold(['A-1-1']))
    const ended = await held(owner.hold(['A-1-2']))
    await expire(ended.holdId)
    const answers = []
    for (const id of [
      live.holdId,
      ended.holdId,
      `${PERFORMANCE}.aaaaaaaaaaaaaaaaaaaaaa`,
      'no-such-performance.aaaaaaaaaaaaaaaaaaaaaa',
      'nonsense',
    ]) {
      for (const response of [
        await other.get(`/api/holds/${id}`),
        await other.post(`/api/holds/${id}/extend`),
        await other.delete(`/api/holds/${id}`),
      ]) {
        answers.push(`${response.status} ${await response.text()}`)
      }
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toMatch(/^404 .*"not_found"/)
    expect((await owner.get(`/api/holds/${live.holdId}`)).status).toBe(200)
  })

  test('with admission to another room is sent to the queue of this one', async () => {
    const owner = await origin.visitor('owner')
    const { holdId } = await held(owner.hold(['A-1-1']))
    const stranger = await origin.visitor('owner', { room: 'quiet' })
    for (const response of [
      await stranger.hold(['A-1-2']),
      await stranger.get(`/api/holds/${holdId}`),
      await stranger.post(`/api/holds/${holdId}/extend`),
      await stranger.delete(`/api/holds/${holdId}`),
    ]) {
      expect(await response.json()).toMatchObject({
        status: 401,
        code: 'admission_required',
        room: 'demo',
        queueUrl: '/.waiting-room/demo/join',
      })
    }
    expect(await origin.map()).toMatch(/^hf/)
  })

  test('cannot make a browser change a hold from a page of another site', async () => {
    const owner = await origin.visitor('owner')
    const { holdId } = await held(owner.hold(['A-1-1']))
    const foreign = { 'sec-fetch-site': 'cross-site' }
    for (const response of [
      await owner.hold(['A-1-2'], foreign),
      await owner.post(`/api/holds/${holdId}/extend`, undefined, foreign),
      await owner.delete(`/api/holds/${holdId}`, foreign),
    ]) {
      expect(await response.json()).toMatchObject({ status: 403, code: 'cross_site' })
    }
    expect(await origin.map()).toMatch(/^hf/)
  })
})

describe('conflicts', () => {
  test('name every seat that is not free, by id and state, and nothing is held', async () => {
    await origin.sellInPostgres([2])
    await held((await origin.visitor('first')).hold(['A-1-2']))
    const response = await (await origin.visitor('second')).hold(['A-1-1', 'A-1-2', 'A-1-3', 'B-1-10'])
    expect(await response.json()).toMatchObject({
      status: 409,
      code: 'seats_taken',
      conflicts: [
        { seat: 'A-1-2', state: 'held' },
        { seat: 'A-1-3', state: 'sold' },
        { seat: 'B-1-10', state: 'blocked' },
      ],
    })
    expect(await origin.map()).toBe('fhsffffffffffffffffb')
  })

  test('60 visitors at once for the same four seats: one hold, 59 clear refusals', async () => {
    const visitors = await Promise.all(Array.from({ length: 60 }, (_, i) => origin.visitor(`${i}`)))
    const responses = await Promise.all(visitors.map((v) => v.hold(['A-2-1', 'A-2-2', 'A-2-3', 'A-2-4'])))
    const statuses = responses.map(({ status }) => status).toSorted((a, b) => a - b)
    expect(statuses).toEqual([201, ...Array.from({ length: 59 }, () => 409)])
    expect(await origin.map()).toBe('fffffhhhhffffffffffb')
  })
})

describe('in part', () => {
  test('what is free is held and priced, what is not is named; with nothing free it is a conflict', async () => {
    await origin.sellInPostgres([1])
    const visitor = await origin.visitor('owner')
    const asked = { seats: ['A-1-1', 'A-1-2', 'B-1-10', 'B-1-1'], partial: true }
    const key = { 'Idempotency-Key': 'a-key-of-a-partial-hold' }
    const conflicts = [
      { seat: 'A-1-2', state: 'sold' },
      { seat: 'B-1-10', state: 'blocked' },
    ]
    const response = await visitor.post(HOLDS, asked, key)
    expect(response.status).toBe(201)
    const first = (await response.json()) as Held
    expect(first).toMatchObject({ seats: [{ id: 'A-1-1' }, { id: 'B-1-1' }], total: 7_350, conflicts })
    const again = await visitor.post(HOLDS, asked, key)
    expect({ ...((await again.json()) as Held), expiresInSeconds: 0 }).toEqual({
      ...first,
      expiresInSeconds: 0,
    })
    const none = await visitor.post(HOLDS, { seats: ['A-1-2', 'B-1-10'], partial: true })
    expect(await none.json()).toMatchObject({ status: 409, code: 'seats_taken', conflicts })
    expect(await origin.map()).toBe('hsffffffffhffffffffb')
  })
})

describe('accessible seats', () => {
  const seatsOf = (state: string) =>
    origin.admin(`/api/admin/performances/${PERFORMANCE}/seats`, { seats: ['A-2-1', 'A-2-2'], state })

  test('are for those who say that they need them, until an operator releases them', async () => {
    onTestFinished(async () => {
      await seatsOf('released')
    })
    const visitor = await origin.visitor('owner')
    await visitor.get(AVAILABILITY)
    expect(await (await seatsOf('accessible')).json()).toEqual({
      state: 'accessible',
      changed: 2,
      shown: true,
    })
    expect(await (await visitor.hold(['A-2-1', 'A-2-3'])).json()).toMatchObject({
      status: 409,
      conflicts: [{ seat: 'A-2-1', state: 'accessible' }],
    })
    const response = await visitor.post(HOLDS, { seats: ['A-2-1', 'A-2-3'], accessible: true })
    const { holdId } = (await response.json()) as Held
    expect(await origin.map()).toBe('fffffhahfffffffffffb')
    await visitor.delete(`/api/holds/${holdId}`)
    expect(await origin.map()).toBe('fffffaaffffffffffffb')
    await seatsOf('released')
    await held(visitor.hold(['A-2-1', 'A-2-2']))
  })
})

describe('Idempotency-Key', () => {
  const key = { 'Idempotency-Key': 'a-key-of-at-least-16' }

  test('finds the hold again when the reply was lost on its way', async () => {
    const visitor = await origin.visitor('owner')
    const first = await held(visitor.hold(['A-1-1'], key))
    const second = await held(visitor.hold(['A-1-1'], key))
    expect({ ...second, expiresInSeconds: 0 }).toEqual({ ...first, expiresInSeconds: 0 })
  })

  test('of an ended hold does not begin another', async () => {
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1'], key))
    await visitor.delete(`/api/holds/${holdId}`)
    expect(await (await visitor.hold(['A-1-1'], key)).json()).toMatchObject({
      status: 409,
      code: 'hold_expired',
    })
    expect(await origin.map()).toMatch(/^f/)
  })

  test('with other seats is refused, and of another visitor is another key', async () => {
    const visitor = await origin.visitor('owner')
    await held(visitor.hold(['A-1-1'], key))
    expect(await (await visitor.hold(['A-1-2'], key)).json()).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    })
    for (const body of [
      { seats: ['A-1-1'], partial: true },
      { seats: ['A-1-1'], accessible: true },
      { bestAvailable: { quantity: 1 } },
    ]) {
      expect(await (await visitor.post(HOLDS, body, key)).json()).toMatchObject({ status: 422 })
    }
    await held((await origin.visitor('other')).hold(['A-1-2'], key))
    expect(await origin.map()).toMatch(/^hhf/)
  })

  test.each(['short', 'x'.repeat(256), 'with a blank in it'])('"%s" is refused', async (text) => {
    const response = await (await origin.visitor('owner')).hold(['A-1-1'], { 'Idempotency-Key': text })
    expect(await response.json()).toMatchObject({ status: 400, code: 'idempotency_key_invalid' })
  })
})

describe('the limit of seats', () => {
  const five = (row: string) => Array.from({ length: 5 }, (_, i) => `${row}-${i + 1}`)

  test('counts all live holds of a session, and names what it holds and may hold', async () => {
    const visitor = await origin.visitor('greedy')
    const { holdId } = await held(visitor.hold(five('A-1')))
    expect(await (await visitor.hold(five('A-2'))).json()).toMatchObject({
      status: 422,
      code: 'validation_failed',
      errors: [{ field: '/seats' }],
      held: 5,
      limit: 8,
    })
    expect(await origin.map()).toBe('hhhhhffffffffffffffb')
    await visitor.delete(`/api/holds/${holdId}`)
    await held(visitor.hold(five('A-2')))
  })
})

describe('the limit of holds', () => {
  const few = { vars: { HOLDS_PER_MINUTE: 2 } }
  const tryHold = async (visitor: Visitor) => visitor.hold(['A-1-1'])

  test('refuses the third in a minute with the time to wait, for that session alone', async () => {
    const eager = await origin.visitor('eager', few)
    expect((await tryHold(eager)).status).toBe(201)
    expect((await tryHold(eager)).status).toBe(409)
    const refused = await tryHold(eager)
    expect(await refused.json()).toMatchObject({ status: 429, code: 'rate_limited' })
    const waitSeconds = Number(refused.headers.get('retry-after'))
    expect(waitSeconds).toBeGreaterThan(0)
    expect(waitSeconds).toBeLessThanOrEqual(60)
    expect((await tryHold(await origin.visitor('patient', few))).status).toBe(409)
  })

  test.each([
    ['answers an error', { kind: 'error-body', body: { error: 'ERR max requests limit exceeded' } }],
    ['does not answer in time', { kind: 'delay', ms: 4_000, when: 'after' }],
  ] as const)('refuses when Redis %s, and no seat is held', async (_, fault) => {
    expectErrorsInLog()
    const visitor = await origin.visitor('unlucky', few)
    await visitor.hold(['A-1-5'])
    origin.upstash.faults.set(fault, 'limit:holds')
    const response = await tryHold(visitor)
    expect(await response.json()).toMatchObject({ status: 503, code: 'store_unavailable' })
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(await origin.map()).toMatch(/^ffffh/)
  })
})

describe('Redis lost', () => {
  test('in the middle of the sale: sold seats come back from Postgres, and holds go on', async () => {
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1']))
    await origin.sellInPostgres([1, 2])
    await origin.raw.flushdb()
    expect((await visitor.get(`/api/holds/${holdId}`)).status).toBe(404)
    expect(await (await visitor.hold(['A-1-1', 'A-1-2'])).json()).toMatchObject({
      conflicts: [{ seat: 'A-1-2', state: 'sold' }],
    })
    await held(visitor.hold(['A-1-1']))
    expect(await origin.map()).toBe('hssffffffffffffffffb')
  })

  test('for good: holds refuse with 503', async () => {
    expectErrorsInLog()
    const visitor = await origin.visitor('owner')
    const { holdId } = await held(visitor.hold(['A-1-1']))
    origin.upstash.faults.set({ kind: 'status', status: 503 })
    for (const response of [
      await visitor.hold(['A-1-2']),
      await visitor.get(`/api/holds/${holdId}`),
      await visitor.post(`/api/holds/${holdId}/extend`),
      await visitor.delete(`/api/holds/${holdId}`),
    ]) {
      expect(await response.json()).toMatchObject({ status: 503, code: 'store_unavailable' })
    }
  })
})
