// Escaped paths that servers read in different ways: bypass rules, rooms and base paths hold against each reading.

import { describe, expect, test } from 'vitest'
import { leavesRoot } from '../../../edge/path-readings.ts'
import { isBypassed, matchRoom } from '../../../edge/room-match.ts'
import { parseRooms } from '../../../src/config/room.ts'

const rooms = parseRooms({
  sale: { paths: ['/sale/*'] },
  rest: { bypass: [{ path: '/open/*' }] },
})
const roomOf = (path: string) => matchRoom(rooms.values(), new URL(`https://shop.example${path}`))?.id
const rest = [...rooms.values()].find(({ id }) => id === 'rest')
if (rest === undefined) throw new Error('rest is configured')
const bypassed = (path: string) =>
  isBypassed(rest, { method: 'GET', url: `https://shop.example${path}`, headers: new Headers() })

describe('a bypass rule by path does not match where a server may read another path', () => {
  test.each([
    '/open/..;/admin',
    '/open/..;a=1/admin',
    '/open/%2e%2e;/admin',
    '/open/..%3b/admin',
    '/open/..%253b/admin',
    '/open/x;jsessionid=1',
    '/open/%252e%252e/admin',
    '/open/..%252fadmin',
    '/open/..%255cadmin',
    '/open/%25252e%25252e/admin',
    '/open/%2525252e%2525252e/admin',
    '/open/%252e%252e/%25',
    '/open/..%00/admin',
    '/open/..%00x/admin',
    '/open/.%09./admin',
    '/open/%0d%0aadmin',
    '/open/..%20/admin',
    '/open/..%3f/admin',
    '/open/.%2e%20.%2fadmin',
  ])('%s', (path) => {
    expect(bypassed(path)).toBe(false)
  })

  test.each([
    '/open/a.b..c',
    '/open/100%25',
    '/open/a%20b',
    '/open/a%2Fb',
    '/open/caf%C3%A9',
    '/open/.well-known',
  ])('and %s is what it says', (path) => {
    expect(bypassed(path)).toBe(true)
  })
})

test.each([
  '/other/..;/sale/x',
  '/other/..%3b/sale/x',
  '/sale/..;/other',
  '/sale;a=1/x',
  '/%2573ale/x',
  '/other/%252e%252e/sale/x',
  '/other/..%00/sale/x',
  '/other/.%09./sale/x',
])('a room is asked for by any reading: %s', (path) => {
  expect(roomOf(path)).toBe('sale')
})

describe('a path leads above the root', () => {
  test.each([
    '/..%2fadmin',
    '/..%5cadmin',
    '/..;/admin',
    '/..%3b/admin',
    '/%252e%252e/admin',
    '/..%252fadmin',
    '/..%00/admin',
    '/.%09./admin',
    '/a/..%2f..%2fadmin',
    '/a/..;/..;/admin',
    '/%ff/..%2f..%2fadmin',
    '/a%2fb/..;/..;/admin',
    '//..%2fadmin',
    '/%2e%2f..%2fadmin',
    '/%2525252e',
  ])('with %s', (path) => {
    expect(leavesRoot(new URL(`https://shop.example${path}`).pathname)).toBe(true)
  })

  test.each(['/', '//', '/a/..%2fb', '/a/b;x/..;/c', '/%ff', '/100%25', '/a...b', '/a%2Fb/%C3%BC', '/%3b'])(
    'but not with %s',
    (path) => {
      expect(leavesRoot(new URL(`https://shop.example${path}`).pathname)).toBe(false)
    },
  )
})
