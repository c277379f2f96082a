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
    ...(
      [
        ['two kinds at once', { seats: ['A-1-1'], bestAvailable: { quantity: 1 } }, ['/bestAvailable']],
        [
          'all kinds at once',
          { seats: ['A-1-1'], areas: [{ section: 'A', quantity: 1 }], bestAvailable: { quantity: 1 } },
          ['/bestAvailable', '/areas'],
        ],
        ['a party of none', { bestAvailable: { quantity: 0 } }, ['/bestAvailable/quantity']],
        ['a party of less than none', { bestAvailable: { quantity: -1 } }, ['/bestAvailable/quantity']],
        ['a party of one and a half', { bestAvailable: { quantity: 1.5 } }, ['/bestAvailable/quantity']],
        ['a party above the limit', { bestAvailable: { quantity: 9 } }, ['/bestAvailable/quantity']],
        ['a huge party', { bestAvailable: { quantity: 1e300 } }, ['/bestAvailable/quantity']],
        ['a party in words', { bestAvailable: { quantity: '2' } }, ['/bestAvailable/quantity']],
        ['a party without a number', { bestAvailable: {} }, ['/bestAvailable/quantity']],
        [
          'a section that does not exist',
          { bestAvailable: { quantity: 1, section: 'Z', tier: 'none' } },
          ['/bestAvailable/section', '/bestAvailable/tier'],
        ],
        [
          'a section that no table can name',
          { bestAvailable: { quantity: 1, section: '\u0000' } },
          ['/bestAvailable/section'],
        ],
        ['no areas', { areas: [] }, ['/areas']],
        ['an area that has numbered seats', { areas: [{ section: 'A', quantity: 1 }] }, ['/areas/0/section']],
        [
          'an area twice, and nobody in it',
          {
            areas: [
              { section: 'G', quantity: 1 },
              { section: 'G', quantity: 0 },
            ],
          },
          ['/areas/1/quantity', '/areas/1/section'],
        ],
        [
          'an area twice',
          {
            areas: [
              { section: 'G', quantity: 1 },
              { section: 'G', quantity: 1 },
            ],
          },
          ['/areas/1/section'],
        ],
        [
          'more in all areas together than one may hold',
          {
            areas: [
              { section: 'G', quantity: 5 },
              { section: 'H', quantity: 4 },
            ],
          },
          ['/areas'],
        ],
        ['a part of a party', { bestAvailable: { quantity: 1 }, partial: true }, ['/partial']],
        [
          'a part of an area, and accessible',
          { areas: [{ section: 'G', quantity: 1 }], partial: true, accessible: true },
          ['/partial', '/accessible'],
        ],
        [
          'a wish that is no yes or no',
          { seats: ['A-1-1'], partial: 1, accessible: 'yes' },
          ['/partial', '/accessible'],
        ],
        ['a hold to replace that is none', { seats: ['A-1-1'], replaces: 'nonsense' }, ['/replaces']],
        [
          'a hold to replace of another performance',
          { seats: ['A-1-1'], replaces: 'another-night.aaaaaaaaaaaaaaaaaaaaaa' },
          ['/replaces'],
        ],
      ] as const
    ).map(([name, body, fields]): [string, unknown, number, string, string[]] => [
      name,
      body,
      422,
      'validation_failed',
      [...fields],
    ]),
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
