// Who follows a wrong link in a browser reads a page; programs get the problem as ever. The status is the same for both.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin

beforeAll(async () => {
  origin = await startOrigin()
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())

/** As a browser opens an address; `fetch` of Node always says that it does not navigate. */
async function navigate(path: string) {
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }
  const [response]: IncomingMessage[] = await once(get(origin.url + path, { headers }), 'response')
  if (response === undefined) throw new Error(`no answer at ${path}`)
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

test.each([
  [`/orders/${'A'.repeat(27)}`, 404],
  ['/performances/none', 404],
  ['/nothing/%3Cb%3Ehere', 404],
  [`/performances/${PERFORMANCE}`, 401],
])('%s opens as a page with status %i', async (path, status) => {
  const page = await navigate(path)
  expect(page.status).toBe(status)
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  expect(page.headers['cache-control']).toContain('no-store')
  expect(page.body).toContain('href="/"')
  expect(page.body).not.toMatch(/\{\{|<b>here|not_found|admission_required/)
})

test('a request that is no navigation, or asks for JSON, gets the problem', async () => {
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }, { accept: 'text/html' }]) {
    const answer = await origin.request('/performances/none', { headers })
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
})
