import { expect, test } from 'vitest'
import { findRoomWarnings } from '../../../edge/room-overlap.ts'
import { ConfigError } from '../../../src/config/fault.ts'
import { parseRooms } from '../../../src/config/room.ts'

const nowMs = Date.parse('2026-11-20T12:00:00Z')
const warningsOf = (rooms: Record<string, object>) =>
  findRoomWarnings(parseRooms(rooms, { nowMs }).values(), { nowMs })
const faultsOf = (room: object): readonly string[] => {
  try {
    parseRooms({ demo: room })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test('rooms side by side give no warning', () => {
  expect(
    warningsOf({
      a: { hosts: ['shop.example'], paths: ['/sale/*'], bypass: [{ path: '/sale/open/*' }] },
      b: { hosts: ['shop.example'], paths: ['/club/*'] },
      c: { hosts: ['*.shop.example'], bypass: [{ path: '/x', methods: ['GET'] }, { methods: ['OPTIONS'] }] },
    }),
  ).toEqual([])
})

test('a room behind one that covers it is never reached, however its hosts and paths are written', () => {
  expect(
    warningsOf({
      all: { hosts: ['Shop.Example.'], paths: ['/caf%C3%A9/*'] },
      late: { hosts: ['shop.example'], paths: ['/café/x', '/café/y/*'] },
    }),
  ).toEqual(['ROOMS.late can never be reached: ROOMS.all comes before it and covers its hosts and paths.'])
})

test('several rooms together can cover one, and one address left to it is enough to be reached', () => {
  const rooms = (paths: string[]) => ({
    a: { hosts: ['shop.example'], paths: ['/a/*'] },
    b: { hosts: ['shop.example'], paths: ['/b/*'] },
    late: { hosts: ['shop.example'], paths },
  })
  expect(warningsOf(rooms(['/a/1', '/b/1']))).toEqual([
    'ROOMS.late can never be reached: ROOMS.a and ROOMS.b come before it and cover its hosts and paths.',
  ])
  expect(warningsOf(rooms(['/a/1', '/c/1']))).toEqual([
    'ROOMS.a and ROOMS.late overlap: requests to host "shop.example" and path "/a/1" can match both, and go to ROOMS.a, which comes first.',
  ])
})

test('rooms that share addresses are named with the first such address, and who gets it', () => {
  expect(warningsOf({ sale: { paths: ['/sale/*'] }, rest: { hosts: ['shop.example'] } })).toEqual([
    'ROOMS.sale and ROOMS.rest overlap: requests to host "shop.example" and path "/sale/*" can match both, and go to ROOMS.sale, which comes first.',
  ])
})

test('a narrow room before a wide one is no slip', () => {
  expect(
    warningsOf({
      sale: { hosts: ['shop.example', 'www.shop.example'], paths: ['/sale/*', '/vip'] },
      shop: { hosts: ['shop.example', '*.shop.example'] },
      rest: {},
    }),
  ).toEqual([])
})

test('rooms of which each has addresses of its own still overlap, by host or by path', () => {
  expect(warningsOf({ a: { hosts: ['a', 'b'] }, b: { hosts: ['b', 'c'] } })).toEqual([
    'ROOMS.a and ROOMS.b overlap: requests to host "b" and path "/*" can match both, and go to ROOMS.a, which comes first.',
  ])
  expect(warningsOf({ a: { paths: ['/a/*', '/b/*'] }, b: { paths: ['/b/*', '/c/*'] } })).toEqual([
    'ROOMS.a and ROOMS.b overlap: requests to host "*" and path "/b/*" can match both, and go to ROOMS.a, which comes first.',
  ])
})

test('a sale that is over, and tokens that outlive their session', () => {
  expect(
    warningsOf({
      over: { hosts: ['a'], event_end_time: '2026-11-20T12:00:00Z' },
      runs: { hosts: ['b'], event_end_time: '2026-11-20T12:00:01Z' },
      long: { hosts: ['c'], session_duration: 1, admission_token_ttl: 61 },
      even: { hosts: ['d'], session_duration: 1, admission_token_ttl: 60 },
    }),
  ).toEqual([
    'ROOMS.over.event_end_time = "2026-11-20T12:00:00Z" has passed: the room is closed, and nobody can join.',
    'ROOMS.long.admission_token_ttl = 61 (seconds) is longer than session_duration = 1 (minutes): a session that has ended keeps its slot until its token ends.',
  ])
})

test('bypass rules without effect, or that open the room', () => {
  expect(
    warningsOf({
      a: {
        paths: ['/sale/*'],
        bypass: [
          { path: '/orders/*' },
          { path: '/sale*' },
          { methods: ['GET', 'HEAD'] },
          { headers: { 'x-monitor': 'secret-of-the-monitor' } },
          { path: '/other', cookies: { staff: 'secret-of-the-staff' } },
          { path: '/*', addresses: ['192.0.2.0/24'] },
        ],
      },
    }),
  ).toEqual([
    'ROOMS.a.bypass.0 can never match: its path lies outside the paths of the room.',
    'ROOMS.a.bypass.1 lets every request of the room by: nobody queues.',
    'ROOMS.a.bypass.2 lets every GET request of the room by: no page queues.',
    'ROOMS.a.bypass.4 can never match: its path lies outside the paths of the room.',
  ])
})

test('a bypass rule that cannot be meant so is a fault in words, which shows no secret', () => {
  const bypass = (rule: object) => faultsOf({ bypass: [rule] })
  expect(bypass({})).toEqual([
    'ROOMS.demo.bypass.0 = {}: must name a path, methods, headers, cookies or addresses',
  ])
  expect(bypass({ paht: '/orders/*' })).toEqual(['ROOMS.demo.bypass.0: unknown setting "paht"'])
  const range =
    'must be an address range such as "198.51.100.0/24" or "2001:db8::/32", with nothing behind the prefix, or one address'
  expect(bypass({ addresses: ['198.51.100.7/24', '2001:db8::/32', 'office'] })).toEqual([
    `ROOMS.demo.bypass.0.addresses.0 = "198.51.100.7/24": ${range}`,
    `ROOMS.demo.bypass.0.addresses.2 = "office": ${range}`,
  ])
  expect(bypass({ addresses: [] })).toEqual(['ROOMS.demo.bypass.0.addresses = []: must not be empty'])
  expect(bypass({ headers: 'x-monitor: s3cret' })).toEqual([
    'ROOMS.demo.bypass.0.headers must be a table of header names and patterns',
  ])
  expect(bypass({ headers: { 'x-monitor': 12345 }, cookies: { staff: '' } })).toEqual([
    'ROOMS.demo.bypass.0.headers.x-monitor must be a pattern',
    'ROOMS.demo.bypass.0.cookies.staff must not be empty: "*" stands for any run of characters',
  ])
  for (const headers of [{}, { 'x monitor': 's3cret' }, { 'x:y': 's3cret' }]) {
    expect(bypass({ headers })).toEqual([
      'ROOMS.demo.bypass.0.headers must have at least one header name, and no name with spaces, separators or letters beyond ASCII',
    ])
  }
})

test.each([
  ['ORIGIN', true],
  ['https://www.example.com', true],
  ['http://10.0.0.7:8080/base/path/', true],
  ['origin', false],
  ['www.example.com', false],
  ['ftp://www.example.com', false],
  ['https://www.example.com/?a=1', false],
  ['https://www.example.com/#top', false],
])('origin = %j: accepted is %s', (origin, accepted) => {
  expect(faultsOf({ origin })).toEqual(
    accepted
      ? []
      : [
          `ROOMS.demo.origin = ${JSON.stringify(origin)}: must be "ORIGIN" (the service binding) or an http(s) address such as "https://www.example.com", without user, query or fragment`,
        ],
  )
})

test('an origin with a password in it is refused without being shown', () => {
  expect(faultsOf({ origin: 'https://admin:s3cret@www.example.com' })).toEqual([
    expect.not.stringContaining('s3cret'),
  ])
})
