// A room that is not open yet, through the edge: what the page, programs and `join` are told, and that nobody gets in.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshKey, startEdge, type Edge } from './support.ts'

const HOUR = 3_600_000
const OPENS = new Date(Date.now() + HOUR).toISOString()
const STARTS = new Date(Date.now() + 2 * HOUR).toISOString()

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    vars: { DRAW_SECRET: 'd'.repeat(43) },
    rooms: {
      drawn: {
        paths: ['/drawn/*'],
        queueing_method: 'lottery',
        prequeue_start_time: OPENS,
        event_start_time: STARTS,
      },
      later: { paths: ['/later/*'], event_start_time: STARTS, prequeue_start_time: OPENS },
      waiting: {
        paths: ['/waiting/*'],
        event_start_time: STARTS,
        prequeue_start_time: new Date(Date.now() - HOUR).toISOString(),
      },
    },
  })
})
afterAll(() => edge.stop())

it('join before the opening is refused with the time to come', async () => {
  const { status, json, headers } = await edge.post('/.waiting-room/later/join', {
    'idempotency-key': freshKey(),
  })
  expect(status).toBe(503)
  expect(json).toMatchObject({ code: 'room_closed', opensAt: OPENS })
  expect(Number(headers['retry-after'])).toBeGreaterThan(3_500)
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(3_600)
})

it('a navigation gets the page that waits for it, and enters nothing', async () => {
  const page = await edge.visit('/later/seats')
  expect(page.text).toContain('"state":"idle"')
  expect(page.cookies).toEqual({})
  expect(await edge.redis.zcard('wr:{later}:sessions')).toBe(0)
})

it('the pre-queue gives places, and nobody is called before the opening', async () => {
  const joined = await edge.post('/.waiting-room/waiting/join', { 'idempotency-key': freshKey() })
  expect(joined.status).toBe(201)
  expect(joined.json.position).toBe(1)
  const claim = await edge.post('/.waiting-room/waiting/claim', {
    authorization: `Bearer ${joined.json.queueToken}`,
  })
  expect(claim.status).toBe(202)
  const now = await edge.send('/.waiting-room/waiting/now')
  expect(now.json).toMatchObject({ state: 'prequeue', startsAt: Date.parse(STARTS), called: 0 })
})

it('a live start that the times of a lottery do not bear is refused in words, and nothing changes', async () => {
  const address = '/.waiting-room/admin/rooms/drawn'
  const headers = { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const change = (body: object) =>
    edge.send(address, { method: 'PATCH', headers, body: JSON.stringify(body) })
  const early = new Date(Date.now() + HOUR / 2).toISOString()
  const refused = await change({ event_start_time: early, message: 'Earlier' })
  expect(refused.status).toBe(422)
  expect(refused.headers['content-type']).toBe('application/problem+json')
  expect(refused.json).toMatchObject({
    code: 'validation_failed',
    errors: [
      {
        field: '/event_start_time',
        message: `leaves prequeue_start_time = "${OPENS}", which must be before event_start_time ("${early}")`,
      },
    ],
  })
  expect(JSON.parse((await edge.send(address, { headers })).text)).toMatchObject({
    live: {},
    snapshot: { message: '' },
  })

  // The end is compared with the start that is live, not with the deployed one.
  const later = new Date(Date.now() + 4 * HOUR).toISOString()
  expect((await change({ event_start_time: later })).status).toBe(200)
  const ended = await change({ event_end_time: new Date(Date.now() + 3 * HOUR).toISOString() })
  expect(ended.status).toBe(422)
  expect(ended.json.errors).toEqual([
    { field: '/event_end_time', message: `must be after event_start_time ("${later}")` },
  ])
})
