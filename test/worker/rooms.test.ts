import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieHeader, freshKey, startEdge, until, type Edge } from './support.ts'
import { startSite, type Site } from './site.ts'

let edge: Edge
let club: Site
let blog: Site
const hour = 3_600_000
const at = (inMs: number) => new Date(Date.now() + inMs).toISOString()
const opensAt = at(2 * hour)

beforeAll(async () => {
  const named = (name: string) =>
    startSite((request, response) => void response.end(`${name} ${request.method} ${request.url}`))
  ;[club, blog] = await Promise.all([named('club'), named('blog')])
  const waits = { queue_all: true }
  edge = await startEdge({
    rooms: {
      sale: { hosts: ['shop.test'], paths: ['/sale/*'], ...waits, title: 'The sale' },
      club: { hosts: ['shop.test'], paths: ['/club/*'], origin: club.url, title: 'The club' },
      blog: { hosts: ['blog.test'], origin: `${blog.url}/base/`, total_active_users: 1, title: 'The blog' },
      plain: { hosts: ['s200.test'], ...waits },
      s202: { hosts: ['s202.test'], ...waits, queueing_status_code: 202 },
      s429: { hosts: ['s429.test'], ...waits, queueing_status_code: 429 },
      s503: { hosts: ['s503.test'], ...waits, queueing_status_code: 503 },
      rejects: { hosts: ['rejects.test'], queueing_method: 'reject' },
      soldout: { hosts: ['soldout.test'], sold_out: true },
      quiet: { hosts: ['quiet.test'] },
      later: { hosts: ['later.test'], event_start_time: at(2 * hour), queueing_status_code: 503 },
      before: {
        hosts: ['before.test'],
        prequeue_start_time: opensAt,
        event_start_time: at(3 * hour),
      },
      gathering: { hosts: ['gathering.test'], prequeue_start_time: at(-hour), event_start_time: at(hour) },
      ruled: {
        hosts: ['ruled.test'],
        ...waits,
        bypass: [
          { path: '/status', headers: { 'X-Monitor': 'monitor-*' } },
          { cookies: { staff: 'the-staff-secret' } },
          { addresses: ['198.51.100.0/24', '2001:db8::/32'] },
          { path: '/elsewhere', headers: { 'x-other': 'the-other-secret' }, methods: ['GET'] },
        ],
      },
      hidden: { hosts: ['ruled.test'], paths: ['/x/*'] },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await Promise.all([club.stop(), blog.stop()])
})

describe('three rooms on two hosts', () => {
  test('each has its own page, queue, limits and origin', async () => {
    const sale = await edge.visit('/sale/1', { host: 'shop.test' })
    expect(sale.text).toContain('The sale')
    expect(sale.text).toContain('/.waiting-room/sale')

    const inClub = await edge.visit('/club/1?a=1', { host: 'shop.test' })
    expect([inClub.status, inClub.text]).toEqual([200, 'club GET /club/1?a=1'])
    expect(Object.keys(inClub.cookies)).toEqual(['__Host-wr-pass-club', '__Host-wr-queue-club'])

    const inBlog = await edge.visit('/posts/1', { host: 'blog.test' })
    expect([inBlog.status, inBlog.text]).toEqual([200, 'blog GET /base/posts/1'])
    // The blog has one slot and the club many: the second reader waits, the second member does not.
    const second = await until('the blog is full', async () => {
      const answer = await edge.visit('/posts/1', { host: 'blog.test' })
      return answer.text.includes('The blog') ? answer : undefined
    })
    expect(second.cookies).toEqual({})
    expect((await edge.visit('/club/2', { host: 'shop.test' })).text).toBe('club GET /club/2')
  })

  test('a pass and a place of one room are worth nothing in another', async () => {
    const inClub = await edge.visit('/club/1', { host: 'shop.test' })
    const cookie = cookieHeader({
      ...inClub.cookies,
      '__Host-wr-pass-sale': inClub.cookies['__Host-wr-pass-club'] ?? '',
    })
    const held = await edge.visit('/sale/1', { host: 'shop.test', cookie })
    expect(held.text).toContain('The sale')
    const byHeader = await edge.send('/sale/1', {
      headers: {
        host: 'shop.test',
        accept: 'application/json',
        'waiting-room-token': inClub.cookies['__Host-wr-pass-club'] ?? '',
      },
    })
    expect([byHeader.status, byHeader.json.room]).toEqual([429, 'sale'])
    const place = await edge.post('/.waiting-room/sale/join', { 'idempotency-key': freshKey() })
    const claim = await edge.post('/.waiting-room/club/claim', {
      authorization: `Bearer ${place.json.queueToken}`,
    })
    expect([claim.status, claim.json.code]).toEqual([401, 'token_invalid'])
  })

  test('addresses of no room go to the bound origin', async () => {
    const answer = await edge.send('/about', { headers: { host: 'shop.test' } })
    expect(answer.json.path).toBe('/about')
  })
})

describe('the status of the queue page', () => {
  test.each([
    ['s200.test', 200, false],
    ['s202.test', 202, false],
    ['s429.test', 429, true],
    ['s503.test', 503, true],
    ['rejects.test', 503, true],
    ['soldout.test', 503, false],
  ])('%s: %i, and when to come again: %s', async (host, status, retry) => {
    const page = await edge.visit('/', { host })
    expect([page.status, page.text.includes('wr-data')]).toEqual([status, true])
    expect(Number(page.headers['retry-after'] ?? 0) > 0).toBe(retry)
    expect(page.headers['cache-control']).toBe('no-store')
  })
})

describe('before the opening', () => {
  const program = (host: string) =>
    edge.send('/api/events', { headers: { host, accept: 'application/json' } })

  test('the page is shown, with the status that the operator chose, and nobody enters', async () => {
    const page = await edge.visit('/', { host: 'before.test' })
    expect([page.status, page.cookies]).toEqual([200, {}])
    expect(page.text).toContain('"state":"idle"')
    const other = await edge.visit('/', { host: 'later.test' })
    expect([other.status, Number(other.headers['retry-after']) > 7_000]).toEqual([503, true])
  })

  test('a program is told from when it can join: the pre-queue where there is one, else the sale', async () => {
    const before = await program('before.test')
    expect([before.status, before.json]).toMatchObject([503, { code: 'room_closed', opensAt }])
    const seconds = Number(before.headers['retry-after'])
    expect(seconds).toBeGreaterThan(7_000)
    expect(seconds).toBeLessThanOrEqual(7_200)
    expect(await program('later.test')).toMatchObject({ status: 503, json: { code: 'room_closed' } })
  })

  test('while visitors gather, they wait like any others', async () => {
    const page = await edge.visit('/', { host: 'gathering.test' })
    expect([page.status, page.cookies]).toEqual([200, {}])
    expect(page.text).toContain('"state":"prequeue"')
    expect((await program('gathering.test')).json.code).toBe('waiting_room')
    expect(await edge.redis.zcard('wr:{gathering}:sessions')).toBe(0)
  })
})

describe('bypass rules', () => {
  const ask = (path: string, headers: Record<string, string>) =>
    edge.send(path, { headers: { host: 'ruled.test', ...headers } })

  test.each([
    ['a header with its path', '/status', { 'x-monitor': 'monitor-7' }, 200],
    ['the header elsewhere', '/shop', { 'x-monitor': 'monitor-7' }, 429],
    ['another value of it', '/status', { 'x-monitor': 'other' }, 429],
    ['a cookie', '/shop', { cookie: 'a=1; staff=the-staff-secret' }, 200],
    ['another value of it', '/shop', { cookie: 'staff=guess' }, 429],
    ['an address', '/shop', { 'cf-connecting-ip': '198.51.100.9' }, 200],
    ['an IPv6 address', '/shop', { 'cf-connecting-ip': '2001:db8:1::1' }, 200],
    ['an IPv4 address in IPv6 spelling', '/shop', { 'cf-connecting-ip': '::ffff:198.51.100.9' }, 200],
    ['another address', '/shop', { 'cf-connecting-ip': '203.0.113.9' }, 429],
    ['an address that the client made up', '/shop', { 'x-forwarded-for': '198.51.100.9' }, 429],
  ])('%s', async (_name, path, headers, status) => {
    const answer = await ask(path, headers)
    expect(answer.status).toBe(status)
    expect(answer.cookies).toEqual(status === 200 ? { origin: '1' } : {})
  })
})

describe('previews, crawlers and HEAD take no place', () => {
  test.each([
    ['a link preview', { 'user-agent': 'facebookexternalhit/1.1', accept: '*/*' }, 'GET'],
    ['a link preview that accepts HTML', { 'user-agent': 'Slackbot-LinkExpanding 1.0' }, 'GET'],
    ['a search crawler', { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1)' }, 'GET'],
    ['a prefetch', { 'sec-purpose': 'prefetch' }, 'GET'],
    ['an old preview', { 'x-purpose': 'preview' }, 'GET'],
    ['HEAD', {}, 'HEAD'],
  ])('%s gets the page and no session', async (_name, headers, method) => {
    const answer = await edge.send('/', {
      method,
      headers: { host: 'quiet.test', accept: 'text/html', ...headers },
    })
    expect([answer.status, answer.cookies]).toEqual([200, {}])
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.text.includes('wr-data')).toBe(method === 'GET')
    expect(await edge.redis.zcard('wr:{quiet}:sessions')).toBe(0)
    expect(await edge.redis.zcard('wr:{quiet}:queue')).toBe(0)
  })

  test('control: a person enters the same room at once', async () => {
    const answer = await edge.visit('/', { host: 'quiet.test', 'user-agent': 'Mozilla/5.0 Firefox/140.0' })
    expect(answer.json.path).toBe('/')
    expect(await edge.redis.zcard('wr:{quiet}:sessions')).toBe(1)
  })
})

test('rooms that overlap are in the health check and once in the log, and show no secret', async () => {
  const health = await edge.send('/healthz')
  expect([health.status, health.json]).toMatchObject([
    200,
    {
      status: 'ok',
      warnings: [
        'ROOMS.hidden can never be reached: ROOMS.ruled comes before it and covers its hosts and paths.',
      ],
    },
  ])
  await edge.send('/healthz')
  const lines = edge.logs.filter((line) => line.includes('rooms_overlap'))
  expect(lines).toHaveLength(1)
  expect(lines[0] + health.text).not.toMatch(/secret|monitor-/)
})
