// A room that is not open yet, through the edge: what the page, programs and `join` are told, and that nobody gets in.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshKey, startEdge, type Edge } from './support.ts'

const HOUR = 3_600_000
const OPENS = new Date(Date.now() + HOUR).toISOString()
const STARTS = new Date(Date.now() + 2 * HOUR).toISOString()

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    rooms: {
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
