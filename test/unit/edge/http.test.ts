import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readJson } from '../../../src/http/read-json.ts'
import { isCrossSite } from '../../../src/http/same-site.ts'
import { traceFrom } from '../../../src/http/traceparent.ts'

const schema = z.strictObject({ seats: z.array(z.string()).min(1), 'a/b': z.number().optional() })
const json = { 'content-type': 'application/json; charset=utf-8' }
const read = (body: BodyInit | null, headers: Record<string, string> = json) =>
  readJson(
    new Request('https://x.example/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit),
    schema,
    {
      limitBytes: 100,
    },
  )

describe('a body', () => {
  test('that fits is parsed', async () => {
    expect(await read('{"seats":["a"]}')).toEqual({ seats: ['a'] })
  })
  test.each([
    ['not JSON', '{"seats":', json, 'invalid_json'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), json, 'invalid_json'],
    [
      'of another type',
      'seats=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'unsupported_media_type',
    ],
    [
      'of a type that only looks like JSON',
      '{}',
      { 'content-type': 'application/jsonp' },
      'unsupported_media_type',
    ],
    ['too large', JSON.stringify({ seats: ['x'.repeat(200)] }), json, 'body_too_large'],
    ['empty where fields are required', '', json, 'validation_failed'],
  ])('%s is refused', async (_name, body, headers, code) => {
    await expect(read(body, headers)).rejects.toMatchObject({ code })
  })
  test('too large is refused without reading it to its end', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(60))
      },
    })
    await expect(read(endless)).rejects.toMatchObject({ code: 'body_too_large' })
    expect(sent).toBeLessThan(6)
  })
  test('with several faults names each by JSON Pointer, unknown fields too', async () => {
    const refused = read(JSON.stringify({ seats: [1], 'a/b': 'x', price: 5, 'odd~name': 1 }))
    await expect(refused).rejects.toMatchObject({
      code: 'validation_failed',
      details: {
        errors: [
          { field: '/seats/0' },
          { field: '/a~1b' },
          { field: '/price', message: 'is not a known field' },
          { field: '/odd~0name' },
        ],
      },
    })
  })
})

test.each([
  ['a page of this site', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }, 'POST', false],
  ['typed by the user', { 'sec-fetch-site': 'none' }, 'POST', false],
  ['a neighbouring subdomain', { 'sec-fetch-site': 'same-site' }, 'POST', true],
  ['another site', { 'sec-fetch-site': 'cross-site' }, 'POST', true],
  ['another site, old browser', { origin: 'https://evil.example' }, 'POST', true],
  ['an opaque origin', { origin: 'null' }, 'DELETE', true],
  ['this site, old browser', { origin: 'https://x.example' }, 'POST', false],
  ['a native client', {}, 'POST', false],
  ['another site, only reading', { 'sec-fetch-site': 'cross-site' }, 'GET', false],
])('cross-site is judged for %s', (_name, headers, method, expected) => {
  const request = { url: 'https://x.example/y', method, headers: new Headers(headers) } as unknown as Request
  expect(isCrossSite(request)).toBe(expected)
})

test('a trace goes on with its id and flags, and a broken one is replaced', () => {
  const hex = (bytes: number) => 'ab'.repeat(bytes)
  const incoming = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(traceFrom(incoming, hex).traceparent).toBe(`00-0af7651916cd43dd8448eb211c80319c-${hex(8)}-01`)
  for (const broken of [
    null,
    '',
    'x',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `${incoming}-x`,
    `ff${incoming.slice(2)}`,
  ]) {
    expect(traceFrom(broken, hex)).toEqual({ traceId: hex(16), traceparent: `00-${hex(16)}-${hex(8)}-00` })
  }
})
