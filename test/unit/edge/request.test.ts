import { describe, expect, test } from 'vitest'
import { addressOf } from '../../../src/http/address.ts'
import { compileGlob, matchesGlob } from '../../../edge/glob.ts'
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

describe('patterns', () => {
  test.each([
    ['*', '', true],
    ['/*', '/', true],
    ['/a', '/a', true],
    ['/a', '/ab', false],
    ['/a*a', '/a', false],
    ['/a*a', '/aa', true],
    ['/*ab*b', '/ab', false],
    ['/*ab*b', '/abb', true],
    ['/*/x/*.json', '/1/x/2/x/3.json', true],
    ['/*/x/*.json', '/1/x.json', false],
    ['/**', '/a/b', true],
    ['/a.c', '/abc', false],
  ])('%s and %s', (pattern, text, expected) => {
    expect(matchesGlob(compileGlob(pattern), text)).toBe(expected)
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

  const rest = [...rooms.values()].find(({ id }) => id === 'rest')
  if (rest === undefined) throw new Error('rest is configured')

  test.each([
    ['a host with its final dot', 'https://shop.example./sale/x'],
    ['an escaped letter', 'https://shop.example/s%61le/x'],
    ['an escaped slash', 'https://shop.example/sale%2Fx'],
    ['a way back for origins that do not decode it', 'https://shop.example/sale/..%2Fother'],
    ['a way in for origins that do', 'https://shop.example/other/..%2fsale/x'],
    ['backslashes', 'https://shop.example/other/..%5Csale/x'],
    ['repeated slashes', 'https://shop.example//sale//x'],
    ['escapes that are no UTF-8', 'https://shop.example/s%61le/%ff'],
  ])('no spelling leads around the gate: %s', (_name, url) => {
    expect(room(url)).toBe('shop')
  })

  test('patterns are written as addresses are shown or as they are sent', () => {
    const cafes = parseRooms({ a: { paths: ['/café/*'] }, b: { paths: ['/th%C3%A9/*'] } })
    const of = (path: string) => matchRoom(cafes.values(), new URL(path, 'https://shop.example'))?.id
    expect([of('/café/1'), of('/thé/1'), of('/eau/1')]).toEqual(['a', 'b', undefined])
  })

  test.each([
    ['/open/..%2Fapi', false],
    ['/open/%2e%2e%2fapi', false],
    ['/open/..%5Capi', false],
    ['/open%2Fx', false],
    ['/x/..%2Fopen/x', false],
    ['//open/x', false],
    ['/open/%', false],
    ['/open/%ff', false],
    ['/open/a%20b', true],
    ['/open/a%2Fb', true],
    ['/o%70en/x', true],
  ])('a bypass rule counts only if every origin reads the path so: %s', (path, expected) => {
    expect(isBypassed(rest, 'GET', path)).toBe(expected)
  })

  test('a pattern with many stars costs no more than a walk along the path', () => {
    const many = [...parseRooms({ many: { bypass: [{ path: '/*/orders/*/tickets/*.json' }] } }).values()]
    const [only] = many
    if (only === undefined) throw new Error('one room is configured')
    // With a cost that grows by the square or more this takes minutes, far beyond the test's own time.
    expect(isBypassed(only, 'GET', '/orders/tickets'.repeat(5_000))).toBe(false)
  })

  test('a bypass rule counts only with all its members', () => {
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
