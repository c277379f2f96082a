// What is refused of a request for a hold: each fault is named by its field, and nothing is held.

import { describe, expect, test } from 'vitest'
import { HOLDS, setUpOrigin } from './setup.ts'

const origin = setUpOrigin()

describe('bad input', () => {
  const nine = Array.from({ length: 9 }, (_, i) => `B-1-${i + 1}`)
  test.each<[string, unknown, number, string, string[]]>([
    ['no seat', { seats: [] }, 422, 'validation_failed', ['/seats']],
    ['no list', {}, 422, 'validation_failed', ['/seats']],
    ['too many seats', { seats: nine }, 422, 'validation_failed', ['/seats']],
    ['the same seat twice', { seats: ['A-1-1', 'A-1-2', 'A-1-1'] }, 422, 'validation_failed', ['/seats/2']],
    [
      'seats that do not exist',
      { seats: ['A-1-1', 'Z', 'Y'] },
      422,
      'validation_failed',
      ['/seats/1', '/seats/2'],
    ],
    ['a seat that is no text', { seats: [1] }, 422, 'validation_failed', ['/seats/0']],
    [
      'seats that no table can name',
      { seats: ['A-1-1', '\u0000', 'A\ud800'] },
      422,
      'validation_failed',
      ['/seats/1', '/seats/2'],
    ],
    ['a price from the browser', { seats: ['A-1-1'], price: 1 }, 422, 'validation_failed', ['/price']],
    [
      'best available, which is not offered yet',
      { bestAvailable: { quantity: 2 } },
      422,
      'validation_failed',
      ['/seats', '/bestAvailable'],
    ],
    ['a text that is no JSON', '{"seats":', 400, 'invalid_json', []],
    ['a body that is too large', { seats: ['A'.repeat(20_000)] }, 413, 'body_too_large', []],
  ])('%s', async (_, body, status, code, fields) => {
    const response = await (await origin.visitor('owner')).post(HOLDS, body)
    const problem = (await response.json()) as { errors?: { field: string }[] }
    expect(problem).toMatchObject({ status, code })
    expect((problem.errors ?? []).map(({ field }) => field)).toEqual(fields)
    expect((await origin.map()) ?? '').not.toMatch(/h/)
  })

  test('a body of another type, and a performance that does not exist', async () => {
    const visitor = await origin.visitor('owner')
    const text = await visitor.post(HOLDS, 'seats=A-1-1', { 'content-type': 'text/plain' })
    expect(await text.json()).toMatchObject({ status: 415 })
    const nowhere = await visitor.post('/api/performances/none/holds', { seats: ['A-1-1'] })
    expect(await nowhere.json()).toMatchObject({ status: 404, code: 'not_found' })
  })
})
