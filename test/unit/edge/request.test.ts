import { describe, expect, test } from 'vitest'
import { addressOf } from '../../../src/http/address.ts'
import { isInRanges, parseAddressRange } from '../../../src/http/address-range.ts'
import { compileGlob, coversGlob, matchesGlob, sharesGlob } from '../../../edge/glob.ts'
import { requestKind } from '../../../edge/request-kind.ts'
import { isBypassed, matchRoom } from '../../../edge/room-match.ts'
import { sameOriginPath } from '../../../edge/same-origin-path.ts'
import { parseRooms, type Room } from '../../../src/config/room.ts'

const ask = (headers: Record<string, string>, method = 'GET') =>
  ({ headers: new Headers(headers), method }) as unknown as Request
const browser = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

const bypassed = (
  room: Room,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) => isBypassed(room, { method, url: `https://shop.example${path}`, headers: new Headers(headers) })

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
    ['an old prefetch of Firefox', { ...browser, 'x-moz': 'prefetch' }, 'GET', false],
    ['a preview of Safari', { ...browser, 'x-purpose': 'preview' }, 'GET', false],
    [
      'one header that says so is enough',
      { ...browser, 'sec-purpose': '', purpose: 'prefetch' },
      'GET',
      false,
    ],
  ])('%s', (_name, headers, method, expected) => {
    expect(requestKind(ask(headers, method)).navigation).toBe(expected)
  })
})

describe('link previews and search crawlers get the page and enter nothing', () => {
  test.each([
    'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
    'Mozilla/5.0 (Macintosh) Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0',
    'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
    'Slack-ImgProxy (+https://api.slack.com/robots)',
    'Twitterbot/1.0',
    'WhatsApp/2.23.20.0 A',
    'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
    'TelegramBot (like TwitterBot)',
    'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/120.0',
    'Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)',
    'Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)',
    'Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)',
    'DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)',
    'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15 (Applebot/0.1)',
    'Mozilla/5.0 AppleWebKit/537.36 (compatible; GPTBot/1.2; +https://openai.com/gptbot)',
    'Mozilla/5.0 (Windows NT 6.1) SkypeUriPreview Preview/0.5',
    'Mastodon/4.3.0 (http.rb/5.2.0; +https://mastodon.example/)',
  ])('%s', (agent) => {
    const browserLike = { ...browser, 'user-agent': agent }
    for (const headers of [browserLike, { accept: '*/*', 'user-agent': agent }]) {
      expect(requestKind(ask(headers))).toEqual({ navigation: false, wantsHtml: true })
    }
  })

  test.each([
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1',
    'Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36',
    'Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/450.0]',
    'Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [LinkedInApp]/9.29',
    'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 WhatsApp/2.24',
    'curl/8.9.0',
  ])('but a person comes in with %s', (agent) => {
    expect(requestKind(ask({ ...browser, 'user-agent': agent })).navigation).toBe(true)
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

describe('ranges of addresses', () => {
  test.each([
    ['198.51.100.0/24', ['198.51.100.0', '198.51.100.255'], ['198.51.101.0', '198.51.99.255']],
    ['198.51.100.7', ['198.51.100.7', '::ffff:198.51.100.7'], ['198.51.100.8', '::c633:6407']],
    ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['2001:db8::1']],
    ['::/0', ['2001:db8::1', '::1'], ['1.2.3.4', '::ffff:1.2.3.4']],
    ['2001:db8::/32', ['2001:db8::1', '2001:DB8:ffff::'], ['2001:db9::1', '198.51.100.1']],
    ['2001:db8:0:8000::/49', ['2001:db8:0:8000::1', '2001:db8:0:ffff::1'], ['2001:db8:0:7fff::1']],
    ['2001:db8::1/128', ['2001:db8:0:0:0:0:0:1'], ['2001:db8::2']],
    ['::ffff:198.51.100.0/120', ['198.51.100.9', '::ffff:c633:6409'], ['198.51.101.9']],
  ])('%s', (text, inside, outside) => {
    const range = parseAddressRange(text)
    if (range === undefined) throw new Error('is a range')
    for (const address of inside) expect(isInRanges([range], address), address).toBe(true)
    for (const address of outside) expect(isInRanges([range], address), address).toBe(false)
  })

  test.each([
    '',
    '*',
    'localhost',
    '198.51.100',
    '198.51.100.0/33',
    '198.51.100.0/-1',
    '198.51.100.0/2 4',
    '198.51.100.0/',
    '198.51.100.0/24/8',
    '198.51.100.7/24',
    '2001:db8::1/32',
    '2001:db8::/129',
    '::ffff:0:0/90',
    '010.0.0.1',
    '0x7f.0.0.1',
    '256.0.0.1',
    '1.2.3.4.5',
    '2001:db8:::1',
    '12345::',
    '[::1]',
    'fe80::1%eth0',
  ])('%j is none', (text) => {
    expect(parseAddressRange(text)).toBeUndefined()
  })

  test('an address that cannot be read lies in no range', () => {
    const all = ['0.0.0.0/0', '::/0'].map(parseAddressRange).filter((range) => range !== undefined)
    for (const address of ['', 'unknown', '1.2.3', '198.51.100.1, 203.0.113.1', '::1%lo', '1.2.3.4:80']) {
      expect(isInRanges(all, address), address).toBe(false)
    }
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

  test.each([
    ['/*', '/a/*', true, true],
    ['/a/*', '/*', false, true],
    ['/a*', '/*b', false, true],
    ['/a*b', '/a*c', false, false],
    ['/a/*', '/b/*', false, false],
    ['/a*a', '/a', false, false],
    ['/*x*', '/*x', true, true],
    ['/a*', '/a', true, true],
    ['/a', '/a', true, true],
    ['/a*y*', '/a*x*', false, true],
    ['*.example.com', 'example.com', false, false],
  ])('%s beside %s: covers %s, shares %s', (wide, narrow, covers, shares) => {
    expect(coversGlob(compileGlob(wide), compileGlob(narrow))).toBe(covers)
    expect(sharesGlob(compileGlob(wide), compileGlob(narrow))).toBe(shares)
    expect(sharesGlob(compileGlob(narrow), compileGlob(wide))).toBe(shares)
  })

  test('covering and sharing are what trying every short text says', () => {
    const texts = ['']
    for (const text of texts) if (text.length < 6) texts.push(`${text}a`, `${text}b`, `${text}c`)
    const patterns = [
      '',
      '*',
      'a',
      'ab',
      'a*',
      '*a',
      'a*b',
      '*a*',
      'ab*ba',
      '*ab*',
      'a*a',
      'b*a*',
      '*b*b*',
      'aba*',
    ]
    for (const left of patterns.map(compileGlob)) {
      for (const right of patterns.map(compileGlob)) {
        const inRight = texts.filter((text) => matchesGlob(right, text))
        const inBoth = inRight.filter((text) => matchesGlob(left, text))
        const pair = `${left.join('*')} ${right.join('*')}`
        expect(coversGlob(left, right), `${pair} covers`).toBe(inBoth.length === inRight.length)
        expect(sharesGlob(left, right), `${pair} shares`).toBe(inBoth.length > 0)
      }
    }
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
    expect(bypassed(rest, path)).toBe(expected)
  })

  test('a pattern with many stars costs no more than a walk along the path', () => {
    const many = [...parseRooms({ many: { bypass: [{ path: '/*/orders/*/tickets/*.json' }] } }).values()]
    const [only] = many
    if (only === undefined) throw new Error('one room is configured')
    // With a cost that grows by the square or more this takes minutes, far beyond the test's own time.
    expect(bypassed(only, '/orders/tickets'.repeat(5_000))).toBe(false)
  })

  test('a bypass rule counts only with all its members', () => {
    expect(bypassed(rest, '/open/x')).toBe(true)
    expect(bypassed(rest, '/open/x', { method: 'POST' })).toBe(false)
    expect(bypassed(rest, '/x', { method: 'OPTIONS' })).toBe(true)
    expect(bypassed(rest, '/opened')).toBe(false)
  })

  test.each([
    [
      'a header',
      { headers: { 'X-Monitor': 'uptime-*' } },
      { 'x-monitor': 'uptime-7' },
      { 'x-monitor': 'up' },
    ],
    ['any value of a header', { headers: { 'x-monitor': '*' } }, { 'x-monitor': '' }, {}],
    ['every header', { headers: { a: '1', b: '2' } }, { a: '1', b: '2' }, { a: '1' }],
    [
      'a cookie',
      { cookies: { staff: 's3cret' } },
      { cookie: 'x=1; staff=s3cret' },
      { cookie: 'staff=s3cret2' },
    ],
    ['no cookie at all', { cookies: { staff: '*' } }, { cookie: 'staff=1' }, {}],
    ['a cookie in its own case', { cookies: { staff: '*' } }, { cookie: 'staff=1' }, { cookie: 'Staff=1' }],
    [
      'an address',
      { addresses: ['198.51.100.0/24', '2001:db8::/32'] },
      { 'cf-connecting-ip': '2001:db8::9' },
      { 'x-forwarded-for': '198.51.100.1', 'x-real-ip': '198.51.100.1' },
    ],
    [
      'a mapped address',
      { addresses: ['198.51.100.0/24'] },
      { 'cf-connecting-ip': '::ffff:198.51.100.1' },
      {},
    ],
    [
      'all members of one rule',
      {
        path: '/api/*',
        methods: ['GET'],
        headers: { a: '1' },
        cookies: { b: '2' },
        addresses: ['192.0.2.1'],
      },
      { a: '1', cookie: 'b=2', 'cf-connecting-ip': '192.0.2.1' },
      { a: '1', cookie: 'b=2', 'cf-connecting-ip': '192.0.2.2' },
    ],
  ])('a bypass rule by %s', (_name, rule, matching, other) => {
    const [room] = parseRooms({ ruled: { bypass: [rule] } }).values()
    if (room === undefined) throw new Error('one room is configured')
    expect(bypassed(room, '/api/x', { headers: matching })).toBe(true)
    expect(bypassed(room, '/api/x', { headers: other })).toBe(false)
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
