// A visitor who is inside takes the short way through the gate: all else that the whole way does still holds.

import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSite, type Site } from './site.ts'
import { cookieHeader, startEdge, until, type Edge } from './support.ts'

let edge: Edge
let site: Site
let handle: RequestListener
let reached: string[]
let cookie: string

beforeAll(async () => {
  site = await startSite((request, response) => {
    reached.push(`${request.method} ${request.url}`)
    handle(request, response)
  })
  edge = await startEdge({ rooms: { inside: { hosts: ['inside.test'], origin: site.url, claim_window: 5 } } })
  handle = (_request, response) => void response.end('the site')
  reached = []
  // The first pass is provisional and renewed by the next visit; from then on the pass is neither new nor due.
  const entered = await edge.visit('/', { host: 'inside.test' })
  const back = await edge.visit('/', { host: 'inside.test', cookie: cookieHeader(entered.cookies) })
  cookie = cookieHeader(back.cookies)
  expect(cookie).toContain('wr-pass-inside=')
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})

const ask = (path: string, method = 'GET') => {
  reached = []
  const body = method === 'POST' ? { body: 'seat=7' } : {}
  return edge.send(path, { method, headers: { host: 'inside.test', cookie }, ...body })
}

test.each(['/shop', '/shop/a@b:1,2.html?x=%2F', '/caf%C3%A9', '//shop', '/'])(
  '%s reaches the site as it came, and nothing is renewed',
  async (path) => {
    const answer = await ask(path)
    expect([answer.status, answer.text, answer.cookies]).toEqual([200, 'the site', {}])
    expect(reached).toEqual([`GET ${path}`])
  },
)

test.each(['/healthz', '/.waiting-room/inside/now', '/%2ewaiting-room/inside/now', '/.waiting-room/nothing'])(
  '%s is answered by the waiting room, not by the site',
  async (path) => {
    const answer = await ask(path)
    expect(answer.headers['content-type']).toMatch(/json/)
    expect(reached).toEqual([])
  },
)

test('a site that goes away is asked once, and the refusal is in the log', async () => {
  const usual = handle
  handle = (request) => void request.socket.destroy()
  const answer = await ask('/order', 'POST')
  handle = usual
  expect([answer.status, answer.json.code]).toEqual([502, 'origin_unreachable'])
  expect(reached).toEqual(['POST /order'])
  const line = await until('the refusal is logged', async () =>
    edge.logs.find((entry) => entry.includes('origin_unreachable')),
  )
  expect(JSON.parse(line)).toMatchObject({ level: 'info', event: 'refused', method: 'POST' })
})
