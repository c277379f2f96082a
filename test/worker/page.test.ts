// The queue page before the real Worker: what the gate sends to a browser, and the page's own loop through a whole draw.

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openJoinKey } from '../../edge/page/join-key.ts'
import { openEntryNote } from '../../edge/page/kept-entry.ts'
import { openMissedCall } from '../../edge/page/missed-call.ts'
import { openLine } from '../../edge/page/line.ts'
import { readPageData } from '../../edge/page/room-data.ts'
import { startServerClock } from '../../edge/page/server-clock.ts'
import type { Shown } from '../../edge/page/stage.ts'
import { startWaiting } from '../../edge/page/waiting.ts'
import { type Edge, freshKey, startEdge, until } from './support.ts'

const HOUR_MS = 3_600_000
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    vars: { DRAW_SECRET: 'a-draw-secret-of-at-least-forty-three-characters' },
    rooms: {
      draw: {
        paths: ['/draw/*'],
        queueing_method: 'lottery',
        prequeue_start_time: inMs(-HOUR_MS),
        event_start_time: inMs(HOUR_MS),
        total_active_users: 1,
        burst: 1,
      },
      later: { paths: ['/later/*'], event_start_time: inMs(HOUR_MS) },
      own: {
        paths: ['/own/*'],
        queue_all: true,
        paused: true,
        page: {
          languages: ['de', 'ko'],
          background: '#ffffff',
          accent: '#aa0000',
          logo: 'https://cdn.example.com/logo.svg',
          texts: { ko: { heading: '겨울 빛' } },
        },
      },
    },
  })
})
afterAll(() => edge.stop())
afterEach(() => {
  vi.unstubAllGlobals()
})

const dataOf = (html: string) => readPageData(/id="wr-data">([^<]*)</.exec(html)?.[1] ?? '').state

test('a browser gets the page in its language, with the colours of the room and a policy that lets them through', async () => {
  const page = await edge.visit('/own/x', { 'accept-language': 'ko-KR,ko;q=0.9' })
  expect(page.text).toContain('<html lang="ko" dir="ltr">')
  expect(page.text).toContain('/.waiting-room/queue-ko.js')
  expect(page.text).toContain('<h1 id="title">겨울 빛</h1>')
  expect(page.text).toContain('--night:#ffffff')
  const policy = String(page.headers['content-security-policy'])
  const nonce = /<style nonce="([^"]+)"/.exec(page.text)?.[1] ?? 'none'
  expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`)
  expect(policy).toContain("img-src 'self' data: https://cdn.example.com;")
  const other = await edge.visit('/own/x', { 'accept-language': 'en' })
  expect(other.text).toContain('<html lang="de"')
  expect(other.text).not.toContain(nonce)
})

test('before the opening the page knows that it must not join, and tells the time without script', async () => {
  const page = await edge.visit('/later/x')
  expect(page.status).toBe(200)
  expect(dataOf(page.text)).toBe('idle')
  expect(page.text).toContain('Sale opens: ')
  expect(page.text).not.toContain('<form method="post"')
})

test('without script a visitor can leave: a form leads back to the address first asked for', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const leave = (body: string, headers = {}) =>
    edge.send('/.waiting-room/own/leave', { method: 'POST', headers: { ...form, ...headers }, body })
  const left = await leave('next=%2Fown%2Fx%3Fa%3D1')
  expect(left.status).toBe(303)
  expect(new URL(String(left.headers['location']), edge.url).pathname).toBe('/own/x')
  expect(String(left.headers['set-cookie'])).toContain('Max-Age=0')
  expect(String((await leave('next=%2F%2Fevil.example%2F')).headers['location'])).not.toContain('//evil')
  expect((await leave('next=%2Fown%2Fx', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await leave('')).status).toBe(415)
})

test('the page lives through a draw: enters, comes back by itself, and finds its place proven', async () => {
  const cookies = new Map<string, string>()
  const real = fetch
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await real(input, { ...init, headers: { ...Object(init.headers), cookie } })
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = set.split(';')[0]?.split('=') ?? []
      cookies.set(name, value)
    }
    return response
  })
  const shown: Shown[] = []
  const timers = new Set<NodeJS.Timeout>()
  const first = await edge.visit('/draw/x')
  const page = {
    ...readPageData(/id="wr-data">([^<]*)</.exec(first.text)?.[1] ?? ''),
    base: `${edge.url}/.waiting-room/draw`,
  }
  const waiting = startWaiting(page, {
    line: openLine(page.base),
    key: openJoinKey('draw', undefined),
    note: openEntryNote('draw', undefined),
    missedCall: openMissedCall('draw', undefined),
    tabs: { tell: () => undefined, hear: () => undefined, hasLeft: () => false },
    clock: startServerClock(() => performance.now()),
    show: (state) => shown.push(state),
    enter: () => undefined,
    returned: false,
    nowMs: Date.now,
    random: () => 0,
    hidden: () => false,
    online: () => true,
    after(waitMs, callback) {
      // Sooner than a browser would, in the same order.
      const timer = setTimeout(callback, Math.min(waitMs, 200))
      timers.add(timer)
      return () => clearTimeout(timer)
    },
  })
  const reached = (stage: Shown['stage']) =>
    until(`the page is at ${stage}`, () => Promise.resolve(shown.findLast((one) => one.stage === stage)))
  expect(await reached('entered')).toMatchObject({ position: null, entry: { number: 1, entries: 1 } })
  for (let i = 0; i < 5; i += 1) {
    expect((await edge.post('/.waiting-room/draw/join', { 'idempotency-key': freshKey() })).status).toBe(201)
  }
  await until('the page has heard of the others', () =>
    Promise.resolve(shown.at(-1)?.draw?.entries === 6 ? true : undefined),
  )
  const opened = await edge.send('/.waiting-room/admin/rooms/draw', {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    // Nobody is called while paused, so that the place can be looked at.
    body: JSON.stringify({ event_start_time: inMs(-1_000), paused: true }),
  })
  expect(opened.status, opened.text).toBe(200)
  const proven = await until('the draw is judged', () =>
    Promise.resolve(shown.findLast(({ verdict }) => verdict !== undefined)),
  )
  expect(proven).toMatchObject({ stage: 'paused', verdict: { is: 'matches' }, entry: { number: 1 } })
  expect(proven.position).toBeGreaterThanOrEqual(1)
  expect(proven.position).toBeLessThanOrEqual(6)
  const stages = shown.map(({ stage }) => stage)
  expect(stages).not.toContain('recovering')
  expect(stages).not.toContain('closed')
  for (const timer of timers) clearTimeout(timer)
  expect(await waiting.leave()).toBe(true)
})
