// The way back from the provider through the gate of a room that lets nobody in: with the bypass rules that wrangler.toml
// ships, the return, its order and the events reach the site, also as a POST from another site without any cookie.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bodyOf, startSite, type Site } from './site.ts'
import { startEdge, type Edge } from './support.ts'

const settings = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8')
const bypass = [...settings.matchAll(/^\[\[vars\.ROOMS\.demo\.bypass\]\]\npath = "([^"]+)"/gm)].map(
  ([, path]) => ({ path }),
)

let edge: Edge
let site: Site
const bodies: string[] = []
beforeAll(async () => {
  site = await startSite(async (request, response) => {
    bodies.push((await bodyOf(request)).toString())
    if (request.url?.endsWith('/return')) response.writeHead(303, { location: '/orders/o-1' })
    response.end('the site')
  })
  edge = await startEdge({
    rooms: { shop: { hosts: ['shop.test'], origin: site.url, paused: true, bypass } },
  })
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})

const fromTheBank = {
  host: 'shop.test',
  origin: 'https://bank.example',
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
}

test('the return lands on its order, by GET and by a cookieless POST from another site', async () => {
  const got = await edge.send('/orders/o-1/return', { headers: fromTheBank })
  const posted = await edge.send('/orders/o-1/return', {
    method: 'POST',
    headers: { ...fromTheBank, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'payment_intent=pi_1&redirect_status=succeeded',
  })
  for (const answer of [got, posted]) {
    expect([answer.status, answer.headers['location']]).toEqual([303, '/orders/o-1'])
  }
  expect(site.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /orders/o-1/return',
    'POST /orders/o-1/return',
  ])
  expect(bodies.at(-1)).toBe('payment_intent=pi_1&redirect_status=succeeded')
})

test.each([
  ['GET', '/orders/o-1'],
  ['GET', '/api/orders/o-1'],
  ['GET', '/api/orders/o-1/tickets'],
  ['POST', '/api/orders/o-1/pay'],
  ['POST', '/webhooks/payments'],
])('%s %s passes without a place', async (method, path) => {
  const answer = await edge.send(path, { method, headers: { host: 'shop.test', accept: '*/*' } })
  expect([answer.status, answer.text]).toEqual([200, 'the site'])
})

test.each(['/', '/performances/p-1', '/api/performances/p-1/holds', '/orders', '/api/orders'])(
  'control: %s is held by the room',
  async (path) => {
    const before = site.requests.length
    const answer = await edge.send(path, { headers: { host: 'shop.test', accept: 'application/json' } })
    expect(answer.json.code).toBe('waiting_room')
    expect(site.requests).toHaveLength(before)
  },
)
