// What people read of a body or a setting that does not fit: what is accepted, never the schema library's own text.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { holdBody } from '../../origin/holds.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { orderRequest } from '../../origin/orders/place.ts'
import { verifyRequest } from '../../origin/routes/tickets.ts'
import { ConfigError } from '../../src/config/fault.ts'
import { parseRooms } from '../../src/config/room.ts'
import { fieldErrors } from '../../src/http/read-json.ts'

// By address: the edge is type-checked against the Workers' types.
const { settingsChange }: { settingsChange: z.ZodType } = await import(
  new URL('../../edge/settings-change.ts', import.meta.url).href
)

function messages(schema: z.ZodType, body: unknown): Record<string, string> {
  const { error } = schema.safeParse(body)
  if (error === undefined) return {}
  return Object.fromEntries(fieldErrors(error, body).map(({ field, message }) => [field, message]))
}

function faults(rooms: unknown): readonly string[] {
  try {
    parseRooms(rooms)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test.each<[string, z.ZodType, unknown, Record<string, string>]>([
  [
    'an order without anything',
    orderRequest,
    {},
    { '/holdId': 'is missing: must be the id of a hold', '/buyer': 'is missing: must be an object' },
  ],
  [
    'a hold without seats',
    holdBody(8),
    {},
    { '/seats': 'is missing: must be exactly one of `seats`, `bestAvailable` and `areas`' },
  ],
  ['a list in place of settings', settingsChange, [], { '': 'must be an object' }],
  ['null in place of settings', settingsChange, null, { '': 'must be an object' }],
  ['a wrong setting', settingsChange, { paused: 'yes' }, { '/paused': 'must be true or false' }],
  ['an empty ticket code', verifyRequest, { code: '' }, { '/code': 'must not be empty' }],
  ['a ticket code that is a number', verifyRequest, { code: 1 }, { '/code': 'must be text' }],
  [
    'a ticket code that is too long',
    verifyRequest,
    { code: 'x'.repeat(2_001) },
    { '/code': 'must have at most 2000 characters' },
  ],
  [
    'an import without anything',
    eventFile,
    {},
    {
      '/format': 'is missing: must be "foyer-event/1"',
      '/event': 'is missing: must be an object',
      '/performances': 'is missing: must be a list',
      '/hall': 'is missing: must be an object',
    },
  ],
])('%s is told what is accepted', (_name, schema, body, expected) => {
  expect(messages(schema, body)).toEqual(expected)
})

test('a limit that has no words of its own is named, not the kind that the value already is', () => {
  const row = { label: '1', count: 1, first: -1, line: { x: 1e9, y: 0, dx: 'a', dy: 0 } }
  const section = { id: 'A', name: 'A', tier: 't', rows: [row] }
  expect(messages(eventFile, { hall: { id: 'h', name: 'H', sections: [section] } })).toMatchObject({
    '/hall/sections/0/rows/0/first': 'must be 0 or more',
    '/hall/sections/0/rows/0/line/x': 'must be 100000 or less',
    '/hall/sections/0/rows/0/line/dx': 'must be a number',
  })
})

test('so are rooms', () => {
  expect(
    faults({ two: { hosts: 'a', title: '', paths: [], bypass: [{ path: 'x' }], sale: 1 }, three: 'x' }),
  ).toEqual([
    'ROOMS.two.title = "": must not be empty',
    'ROOMS.two.hosts = "a": must be a list',
    'ROOMS.two.paths = []: must not be empty',
    'ROOMS.two.sale = 1: must be an object',
    'ROOMS.two.bypass.0.path = "x": must begin with "/"',
    'ROOMS.three = "x": a room is a table; put its settings under [vars.ROOMS.<room>]',
  ])
})

describe('whatever a schema asks for', () => {
  const anything = [undefined, null, true, 1.5, -1, 1e12, '', 'x', 'x'.repeat(5_000), [], [1], {}, { a: 1 }]
  const fields = [
    'seats',
    'holdId',
    'buyer',
    'code',
    'format',
    'event',
    'performances',
    'hall',
    'burst',
    'message',
  ]
  test.each([
    ['orders', orderRequest],
    ['holds', holdBody(8)],
    ['ticket checks', verifyRequest],
    ['imports', eventFile],
    ['settings', settingsChange],
  ])('%s never answer the words of zod', (_name, schema) => {
    for (const value of anything) {
      for (const body of [value, ...fields.map((field) => ({ [field]: value }))]) {
        for (const message of Object.values(messages(schema, body))) {
          expect(message).toMatch(/^(?:is missing: )?(?:must |is not )/)
          expect(message).not.toBe('is not acceptable')
        }
      }
    }
  })
})
