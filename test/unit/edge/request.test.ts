import { describe, expect, test } from 'vitest'
import { addressOf } from '../../../src/http/address.ts'
import { requestKind } from '../../../edge/request-kind.ts'
import { isBypassed, matchRoom } from '../../../edge/room-match.ts'
import { sameOriginPath } from '../../../edge/same-origin-path.ts'
import { parseRooms } from '../../../src/config/room.ts'

const ask = (headers: Record<string, string>, method = 'GET') =>
  ({ headers: new Headers(headers), method }) as unknown as Request
const browser = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

describe('a top-level navigation', () => {
  test.each([
    ['a link from another site', { ...browser, 'sec-fetch-site': 'cross-site' }, 'GET', true],
    ['an old browser or curl', { accept: 'text/html' }, 'GET', true],
    ['a program', { accept: '*/*' }, 'GET', false],
    ['HEAD', browser, 'HEAD', false],
    ['a form', browser, 'POST', false],
    ['a frame', { ...browser, 'sec-fetch-dest': 'iframe' }, 'GET', false],
    [
      'a fetch by a page',
      { accept: 'text/html', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      'GET',
      false,
    ],
    ['a prefetch', { ...browser, 'sec-purpose': 'prefetch;prerender' }, 'GET', false],
    ['an old prefetch', { ...browser, purpose: 'prefetch' }, 'GET', false],
    ['an old preview', { ...browser, 'x-moz': 'prefetch' }, 'GET', false],
  ])('%s', (_name, headers, method, expected) => {
    expect(requestKind(ask(headers, method)).navigation).toBe(expected)
  })
})

describe('the address that limits count by', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['not:an:address', 'not:an:address'],
  ])('%s counts as %s', (header, expected) => {
    expect(addressOf(ask({ 'cf-connecting-ip': header }))).toBe(expected)
  })

  test('comes from the platform alone', () => {
    expect(addressOf(ask({ 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9' }))).toBeUndefined()
  })
})

describe('rooms', () => {
  const rooms = parseRooms({
    shop: { hosts: ['shop.example', '*.shop.example'], paths: ['/sale/*', '/a.b'] },
    rest: { bypass: [{ path: '/open/*', methods: ['GET'] }, { methods: ['OPTIONS'] }] },
  })
  const room = (url: string) => matchRoom(rooms.values(), new URL(url))?.id

  test('match by host and path, the first in order', () => {
    expect(room('https://shop.example/sale/x')).toBe('shop')
    expect(room('https://WWW.shop.example:8443/sale/')).toBe('shop')
    expect(room('https://shop.example/sale')).toBe('rest')
    expect(room('https://shop.example/axb')).toBe('rest')
    expect(room('https://evilshop.example/sale/x')).toBe('rest')
    // Dot segments are gone before anything is compared.
    expect(room('https://shop.example/sale/../other')).toBe('rest')
  })

  test('a bypass rule counts only with all its members', () => {
    const rest = [...rooms.values()].find(({ id }) => id === 'rest')
    if (rest === undefined) throw new Error('rest is configured')
    expect(isBypassed(rest, 'GET', '/open/x')).toBe(true)
    expect(isBypassed(rest, 'POST', '/open/x')).toBe(false)
    expect(isBypassed(rest, 'OPTIONS', '/x')).toBe(true)
    expect(isBypassed(rest, 'GET', '/opened')).toBe(false)
  })
})

test.each([
  ['/shop?a=1&b=%C3%A4', '/shop?a=1&b=%C3%A4'],
  [null, '/'],
  ['', '/'],
  ['shop', '/'],
  ['https://evil.example/', '/'],
  ['//evil.example', '/'],
  [String.raw`/\evil.example`, '/'],
  ['/.//evil.example', '/'],
  ['/x/..//evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['javascript:alert(1)', '/'],
])('after joining by form, next=%j leads to %s', (next, expected) => {
  expect(sameOriginPath(next, 'https://shop.example/.waiting-room/demo/join')).toBe(expected)
})
