// Sessions that outlive their end because the site asked for it: `Waiting-Room-Command: extend-session; until=<ms>`.

import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startSite, type Site } from './site.ts'
import { cookieHeader, freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

const MINUTE = 60_000
let edge: Edge
let site: Site
let unfinished: ServerResponse | undefined

beforeAll(async () => {
  // A shop that says what it is asked to say, or extends by the minutes that it is asked for.
  site = await startSite((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://site')
    const minutes = searchParams.get('minutes')
    const say = searchParams.get('say') ?? (minutes === null ? null : extension(Number(minutes)))
    if (say !== null) response.setHeader('Waiting-Room-Command', say)
    if (searchParams.has('age')) response.setHeader('age', '0')
    response.setHeader('cache-control', 'public, max-age=60')
    if (pathname !== '/slow') return void response.end(`site ${pathname}`)
    response.write('first')
    unfinished = response
  })
  const shop = { origin: site.url, burst: 100, queue_all: true, session_duration: 1, session_max_duration: 2 }
  edge = await startEdge({
    ownClock: true,
    rooms: {
      shop: { hosts: ['shop.test'], ...shop, bypass: [{ path: '/orders/*' }] },
      fixed: { hosts: ['fixed.test'], ...shop, disable_session_renewal: true },
      single: { hosts: ['single.test'], ...shop, total_active_users: 1, new_users_per_minute: 600 },
      calm: { hosts: ['calm.test'], ...shop, queue_all: false },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})
beforeEach(() => edge.setClock({ shiftMs: 0 }))

const extension = (minutes: number) => `extend-session; until=${Date.now() + minutes * MINUTE}`

/** One visitor, called and claimed. */
async function admitted(room: string): Promise<{ pass: string; cookie: string; session: string }> {
  const joined = await edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey() })
  const claim = await until('the visitor is called', async () => {
    const answer = await edge.post(`/.waiting-room/${room}/claim`, { cookie: cookieHeader(joined.cookies) })
    return answer.status === 200 ? answer : undefined
  })
  const pass = claim.json.admissionToken
  return { pass, cookie: cookieHeader(claim.cookies), session: String(claimsOf(pass)['jti']) }
}
const ask = (room: string, path: string, headers: Record<string, string>) =>
  edge.send(path, { headers: { host: `${room}.test`, ...headers } })
const claimsOf = (token: string): Record<string, number | string> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const given = (answer: Answer, room = 'shop') => {
  const token = answer.cookies[`__Host-wr-pass-${room}`]
  if (token === undefined) throw new Error('the answer gives a pass')
  return { token, claims: claimsOf(token), cookie: cookieHeader(answer.cookies) }
}
const score = async (room: string, session: string) =>
  Number(await edge.redis.zscore(`wr:{${room}}:sessions`, session))
const secondsFromNow = (claim: number | string | undefined) => Number(claim) - Date.now() / 1_000
const near = (seconds: number, minutes: number) => Math.abs(seconds - minutes * 60) < 20
const ignored = () =>
  edge.logs
    .filter((line) => line.includes('origin_command_ignored'))
    .map((line): string => JSON.parse(line).reason)

describe('the site extends a session', () => {
  test('by a header that the visitor never sees: past its end, also in Redis, by a token that no cache keeps', async () => {
    const { pass, cookie, session } = await admitted('shop')
    const answer = await ask('shop', '/holds?minutes=25', { cookie })
    expect([answer.status, answer.text]).toEqual([200, 'site /holds'])
    expect(answer.headers).not.toHaveProperty('waiting-room-command')
    expect(answer.headers['cache-control']).toBe('private, max-age=60')
    const { claims } = given(answer)
    expect(claims['end']).toBe(claimsOf(pass)['end'])
    expect(claims['jti']).toBe(session)
    expect(near(secondsFromNow(claims['ext']), 25)).toBe(true)
    // Kept past the end, since the answer that brings an older token may be the last to arrive.
    const maxAge = /Max-Age=(\d+)/.exec(String(answer.headers['set-cookie']))?.[1]
    expect(Number(maxAge)).toBeGreaterThan(secondsFromNow(claims['ext']))
    // Though session_duration is a minute and the visitor may sit still.
    expect(await score('shop', session)).toBe(Number(claims['ext']) * 1_000)
    expect(Number(claims['exp'])).toBeLessThan(Number(claims['end']))
  })

  test('of a client without cookies: the token comes in the header', async () => {
    const { pass } = await admitted('shop')
    const answer = await ask('shop', '/holds?minutes=25', { 'waiting-room-token': pass })
    expect(answer.cookies).toEqual({})
    expect(answer.headers['cache-control']).toBe('private, max-age=60')
    const claims = claimsOf(String(answer.headers['waiting-room-token']))
    expect(near(secondsFromNow(claims['ext']), 25)).toBe(true)
  })

  test('which lives on past its end by any of its tokens, and ends when the extension does', async () => {
    const { pass, cookie, session } = await admitted('shop')
    const { token, claims, cookie: extended } = given(await ask('shop', '/holds?minutes=25', { cookie }))
    await edge.setClock({ shiftMs: 20 * MINUTE })
    // The old token is what another tab held, or what a slower answer brought last.
    for (const held of [extended, cookie]) {
      const answer = await ask('shop', '/seats', { cookie: held })
      expect([answer.status, answer.text]).toEqual([200, 'site /seats'])
      const next = given(answer)
      expect([next.claims['ext'], next.claims['end']]).toEqual([claims['ext'], claims['end']])
      expect(next.token).not.toBe(held)
    }
    for (const held of [token, pass]) {
      const renewed = await edge.post('/.waiting-room/shop/renew', { 'waiting-room-token': held })
      expect(Date.parse(renewed.json.sessionEndsAt)).toBe(Number(claims['ext']) * 1_000)
      expect(Date.parse(renewed.json.expiresAt)).toBeLessThanOrEqual(Number(claims['ext']) * 1_000)
    }
    // So much time passes for Redis as well.
    await edge.redis.zadd('wr:{shop}:sessions', Date.now() - 1, session)
    await edge.setClock({ shiftMs: 26 * MINUTE })
    const over = await ask('shop', '/seats', { cookie: extended, accept: 'text/html' })
    expect(over.text).toContain('wr-data')
    expect(over.cookies).toMatchObject({ '__Host-wr-pass-shop': '' })
  })

  test('no further than 45 minutes past its end, however often and whatever it says', async () => {
    const { cookie, session } = await admitted('shop')
    const far = given(await ask('shop', '/holds?minutes=100000', { cookie }))
    expect(Number(far.claims['ext']) - Number(far.claims['end'])).toBe(45 * 60)
    expect(await score('shop', session)).toBe(Number(far.claims['ext']) * 1_000)
    const again = await ask('shop', '/holds?minutes=200000', { cookie: far.cookie })
    expect([again.status, again.cookies]).toEqual([200, {}])
    expect(await score('shop', session)).toBe(Number(far.claims['ext']) * 1_000)
  })

  test('and a shorter extension shortens nothing, one after the other or two at once', async () => {
    const { cookie, session } = await admitted('shop')
    const { claims, cookie: extended } = given(await ask('shop', '/holds?minutes=25', { cookie }))
    expect((await ask('shop', '/holds?minutes=5', { cookie: extended })).cookies).toEqual({})
    const older = given(await ask('shop', '/holds?minutes=5', { cookie }))
    expect(older.claims['ext']).toBe(claims['ext'])
    await Promise.all(
      [30, 10, 30, 10].map((minutes) => ask('shop', `/holds?minutes=${minutes}`, { cookie: extended })),
    )
    expect(near((await score('shop', session)) / 1_000 - Date.now() / 1_000, 30)).toBe(true)
  })

  test('where renewal is disabled, and where the pass was made for that very request', async () => {
    const { cookie, session } = await admitted('fixed')
    const { claims } = given(await ask('fixed', '/holds?minutes=20', { cookie }), 'fixed')
    expect(await score('fixed', session)).toBe(Number(claims['ext']) * 1_000)
    const entered = await edge.visit('/holds?minutes=20', { host: 'calm.test' })
    expect(entered.text).toBe('site /holds')
    expect(near(secondsFromNow(given(entered, 'calm').claims['ext']), 20)).toBe(true)
    expect(entered.headers['set-cookie']?.filter((line) => line.startsWith('__Host-wr-pass'))).toHaveLength(1)
  })

  test('also past the gate, with a pass that grew old while its visitor paid', async () => {
    const { cookie } = await admitted('shop')
    const { cookie: held, claims } = given(await ask('shop', '/holds?minutes=10', { cookie }))
    await edge.setClock({ shiftMs: 5 * MINUTE })
    const paying = given(await ask('shop', '/orders/7?minutes=20', { cookie: held }))
    expect(Number(paying.claims['ext'])).toBeGreaterThan(Number(claims['ext']))
  })

  test('whose slot is taken until it ends', async () => {
    const { cookie, session } = await admitted('single')
    await ask('single', '/holds?minutes=25', { cookie })
    const next = await edge.post('/.waiting-room/single/join', { 'idempotency-key': freshKey() })
    const queue = { authorization: `Bearer ${next.json.queueToken}` }
    // Its own time passes, but not that of the extension.
    await edge.redis.zincrby('wr:{single}:sessions', -20 * MINUTE, session)
    await edge.redis.hset('wr:{single}:state', 'sessions_due', 0, 'advanced', 0)
    await edge.scheduled()
    expect((await edge.post('/.waiting-room/single/claim', queue)).status).toBe(202)
    await edge.redis.zincrby('wr:{single}:sessions', -10 * MINUTE, session)
    await edge.redis.hset('wr:{single}:state', 'sessions_due', 0, 'advanced', 0)
    await until('the next visitor has the slot', async () => {
      const answer = await edge.post('/.waiting-room/single/claim', queue)
      return answer.status === 200 ? answer : undefined
    })
  })
})

describe('a command is stripped and does nothing', () => {
  test('where it is malformed, past, cached, or for nobody', async () => {
    const { cookie, session } = await admitted('shop')
    const before = await score('shop', session)
    const said = ignored().length
    for (const [path, headers] of [
      ['/holds?say=extend-session', { cookie }],
      ['/holds?say=extend-session;%20until=soon', { cookie }],
      ['/holds?minutes=-1', { cookie }],
      ['/holds?minutes=25&age', { cookie }],
      ['/orders/8?minutes=25', {}],
    ] as const) {
      const answer = await ask('shop', path, headers)
      expect([answer.status, answer.cookies], path).toEqual([200, {}])
      expect(answer.headers, path).not.toHaveProperty('waiting-room-command')
    }
    expect(ignored().slice(said)).toEqual(['malformed', 'malformed', 'past', 'cached', 'no_session'])
    expect(await score('shop', session)).toBe(before)
  })

  test('where the session has ended meanwhile, and an end goes before an extension', async () => {
    const { cookie, session } = await admitted('shop')
    const say = encodeURIComponent(`${extension(25)}, end-session`)
    const both = await ask('shop', `/thanks?say=${say}`, { cookie })
    expect(both.cookies).toEqual({ '__Host-wr-queue-shop': '', '__Host-wr-pass-shop': '' })
    await until('it has ended', async () => ((await score('shop', session)) === 0 ? true : undefined))
    const late = await ask('shop', '/orders/7?minutes=25', { cookie })
    expect([late.status, late.text, late.cookies]).toEqual([200, 'site /orders/7', {}])
    expect(await score('shop', session)).toBe(0)
  })
})

test('while Redis is away the answer goes through with an extended token, and the next renewal tells Redis', async () => {
  const { cookie, session } = await admitted('shop')
  edge.gateway.faults.set({ kind: 'status', status: 503 })
  const answer = await ask('shop', '/holds?minutes=25', { cookie }).finally(() => edge.gateway.faults.clear())
  expect([answer.status, answer.text]).toEqual([200, 'site /holds'])
  const { token, claims } = given(answer)
  expect(near(secondsFromNow(claims['ext']), 25)).toBe(true)
  expect(await score('shop', session)).toBeLessThan(Date.now() + 2 * MINUTE)
  await until('the next renewal', async () => {
    await edge.post('/.waiting-room/shop/renew', { 'waiting-room-token': token })
    return (await score('shop', session)) === Number(claims['ext']) * 1_000 ? true : undefined
  })
})

test('bodies stream on: the extended pass is there before the answer has ended', async () => {
  const { cookie } = await admitted('shop')
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: 'shop.test', cookie }
    httpRequest(edge.url, { path: '/slow?minutes=25', headers }, resolve).on('error', reject).end()
  })
  expect(String(response.headers['set-cookie'])).toContain('__Host-wr-pass-shop=')
  const body = response[Symbol.asyncIterator]()
  expect(String((await body.next()).value)).toBe('first')
  unfinished?.end('last')
  expect(String((await body.next()).value)).toBe('last')
})
