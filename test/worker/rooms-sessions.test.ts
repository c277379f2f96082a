import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSite, type Site } from './site.ts'
import { cookieHeader, freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

let edge: Edge
let site: Site

beforeAll(async () => {
  // A shop whose page under /thanks and /orders ends the session, and which says whatever it is asked to.
  site = await startSite((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://site')
    response.setHeader('cache-control', 'public, max-age=60')
    response.setHeader('cdn-cache-control', 'max-age=600')
    const say = searchParams.get('say') ?? (/^\/(?:thanks|orders)/.test(pathname) ? 'end-session' : null)
    if (say !== null) response.setHeader('Waiting-Room-Command', say)
    if (searchParams.has('age')) response.setHeader('age', '0')
    response.end(`site ${request.url}`)
  })
  const shop = { origin: site.url, burst: 100, queue_all: true }
  edge = await startEdge({
    rooms: {
      shop: { hosts: ['shop.test'], ...shop, bypass: [{ path: '/orders/*' }] },
      bearer: { hosts: ['bearer.test'], ...shop },
      operated: { hosts: ['operated.test'], ...shop, total_active_users: 1 },
      down: { hosts: ['down.test'], ...shop },
      calm: { hosts: ['calm.test'], ...shop, queue_all: false },
      bound: { hosts: ['bound.test'], queue_all: true },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})

/** One visitor, called and claimed. */
async function admitted(room: string): Promise<{ claim: Answer; visitor: string; cookie: string }> {
  const joined = await edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey() })
  const claim = await until('the visitor is called', async () => {
    const answer = await edge.post(`/.waiting-room/${room}/claim`, { cookie: cookieHeader(joined.cookies) })
    return answer.status === 200 ? answer : undefined
  })
  return { claim, visitor: joined.json.visitor, cookie: cookieHeader(claim.cookies) }
}
const ask = (room: string, path: string, headers: Record<string, string>) =>
  edge.send(path, { headers: { host: `${room}.test`, ...headers } })
const sessionsOf = (room: string) => edge.redis.zcard(`wr:{${room}}:sessions`)
const endedOf = (room: string) => edge.redis.zcard(`wr:{${room}}:ended`)
const cleared = (room: string) => ({ [`__Host-wr-queue-${room}`]: '', [`__Host-wr-pass-${room}`]: '' })
const ignored = () =>
  edge.logs
    .filter((line) => line.includes('origin_command_ignored'))
    .map((line): { command: string; reason: string } => JSON.parse(line))

describe('the origin ends a session', () => {
  test('by a header that the visitor never sees, on a response that no cache keeps', async () => {
    const { cookie } = await admitted('shop')
    const before = await ask('shop', '/cart', { cookie })
    expect([before.status, before.cookies, before.headers['cache-control']]).toEqual([
      200,
      {},
      'public, max-age=60',
    ])
    const thanks = await ask('shop', '/thanks', { cookie })
    expect([thanks.status, thanks.text]).toEqual([200, 'site /thanks'])
    expect(thanks.headers).not.toHaveProperty('waiting-room-command')
    expect(thanks.headers['cache-control']).toBe('no-store')
    expect(thanks.headers).not.toHaveProperty('cdn-cache-control')
    expect(thanks.cookies).toEqual(cleared('shop'))
    await until('the session has ended', async () => ((await sessionsOf('shop')) === 0 ? true : undefined))
    // The token may still be alive somewhere: its slot is not given away yet.
    expect(await endedOf('shop')).toBe(1)
    const back = await edge.visit('/cart', { host: 'shop.test', cookie: cookieHeader(thanks.cookies) })
    expect(back.text).toContain('wr-data')
  })

  test('also on a page that needs no admission, as that of an order', async () => {
    const { cookie } = await admitted('shop')
    const before = await sessionsOf('shop')
    const order = await ask('shop', '/orders/7', { cookie })
    expect([order.status, order.cookies]).toEqual([200, cleared('shop')])
    await until('the session has ended', async () =>
      (await sessionsOf('shop')) === before - 1 ? true : undefined,
    )
  })

  test('of a client without cookies: its token is refused at the next renewal', async () => {
    const { claim } = await admitted('bearer')
    const pass = { 'waiting-room-token': claim.json.admissionToken }
    expect((await ask('bearer', '/thanks', pass)).headers).not.toHaveProperty('waiting-room-token')
    const renewed = await until('Redis knows', async () => {
      const answer = await edge.post('/.waiting-room/bearer/renew', pass)
      return answer.status === 200 ? undefined : answer
    })
    expect([renewed.status, renewed.json.code]).toEqual([401, 'admission_required'])
  })

  test('not for one who has none, not by a word that is unknown, and not out of a cache; all are stripped', async () => {
    const { cookie } = await admitted('shop')
    const before = await sessionsOf('shop')
    const said = ignored().length
    for (const [path, headers] of [
      ['/orders/8', {}],
      ['/cart?say=end-all-sessions', { cookie }],
      ['/cart?say=end-session&age', { cookie }],
    ] as const) {
      const answer = await ask('shop', path, headers)
      expect([answer.status, answer.cookies], path).toEqual([200, {}])
      expect(answer.headers, path).not.toHaveProperty('waiting-room-command')
    }
    expect(ignored().slice(said)).toMatchObject([
      { command: 'end-session', reason: 'no_session' },
      { command: 'end-all-sessions', reason: 'unknown' },
      { command: 'end-session', reason: 'cached' },
    ])
    expect((await ask('shop', '/cart', { cookie })).status).toBe(200)
    expect(await sessionsOf('shop')).toBe(before)
  })

  test('also where the pass was made or renewed for that very request', async () => {
    const entered = await edge.visit('/thanks', { host: 'calm.test' })
    expect([entered.text, entered.cookies]).toEqual(['site /thanks', cleared('calm')])
    // The first return to a quiet room is a renewal, for a client without cookies by header.
    const { cookies } = await edge.visit('/cart', { host: 'calm.test' })
    const pass = { 'waiting-room-token': cookies['__Host-wr-pass-calm'] ?? '' }
    const thanks = await ask('calm', '/thanks', pass)
    expect([thanks.status, thanks.text]).toEqual([200, 'site /thanks'])
    expect(thanks.headers).not.toHaveProperty('waiting-room-token')
    await until('both sessions have ended', async () => ((await sessionsOf('calm')) === 0 ? true : undefined))
  })

  test('in any case, and beside a word that is unknown', async () => {
    const { cookie } = await admitted('shop')
    const answer = await ask('shop', '/cart?say=future-word,%20End-Session', { cookie })
    expect(answer.cookies).toEqual(cleared('shop'))
  })

  test('while Redis is away: the cookies are cleared, and the log says what was left undone', async () => {
    const { cookie } = await admitted('down')
    edge.gateway.faults.set({ kind: 'status', status: 503 })
    try {
      const answer = await ask('down', '/thanks', { cookie })
      expect([answer.status, answer.text, answer.cookies]).toEqual([200, 'site /thanks', cleared('down')])
      await until('the log says so', async () =>
        edge.logs.some((line) => line.includes('session_end_failed')) ? true : undefined,
      )
    } finally {
      edge.gateway.faults.clear()
    }
  })

  test('is no business of the visitor: the header in a request is dropped', async () => {
    const { cookie } = await admitted('bound')
    const answer = await ask('bound', '/shop', { cookie, 'waiting-room-command': 'end-session' })
    expect(answer.json.headers).not.toHaveProperty('waiting-room-command')
    expect(await sessionsOf('bound')).toBe(1)
  })
})

describe('the operator ends a session', () => {
  const remove = (visitor: string, token = edge.secrets.ADMIN_TOKEN) =>
    edge.send(`/.waiting-room/admin/rooms/operated/visitors/${visitor}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })

  test('as often as asked; the slot is free when its last token can no longer be alive, and not before', async () => {
    const { claim, visitor } = await admitted('operated')
    const pass = { host: 'operated.test', 'waiting-room-token': claim.json.admissionToken }
    expect((await edge.send('/cart', { headers: pass })).status).toBe(200)
    const next = await edge.post('/.waiting-room/operated/join', { 'idempotency-key': freshKey() })
    const queue = { authorization: `Bearer ${next.json.queueToken}` }

    for (let times = 0; times < 2; times += 1) {
      const answer = await remove(visitor)
      expect([answer.status, answer.text]).toEqual([204, ''])
    }
    const renewed = await edge.post('/.waiting-room/operated/renew', pass)
    expect([renewed.status, renewed.json.code]).toEqual([401, 'admission_required'])
    expect([await sessionsOf('operated'), await endedOf('operated')]).toEqual([0, 1])
    expect((await edge.post('/.waiting-room/operated/claim', queue)).status).toBe(202)

    // The token's time passes.
    const [[session, until_ms] = []] = pairs(
      await edge.redis.zrange('wr:{operated}:ended', 0, -1, 'WITHSCORES'),
    )
    expect(Number(until_ms)).toBeGreaterThan(Date.now())
    await edge.redis.zadd('wr:{operated}:ended', Date.now() - 1, String(session))
    await edge.redis.hset('wr:{operated}:state', 'ended_due', 0)
    await until('the next visitor has the slot', async () => {
      const answer = await edge.post('/.waiting-room/operated/claim', queue)
      return answer.status === 200 ? answer : undefined
    })
  })

  test('of a visitor that nobody knows is done already; an id that is none is refused, and only the operator may', async () => {
    expect((await remove('a-visitor-never-seen')).status).toBe(204)
    const answer = await remove('short')
    expect([answer.status, answer.json.code]).toEqual([400, 'bad_request'])
    expect((await remove('%E0%A4%A')).status).toBe(400)
    expect((await remove('a-visitor-never-seen', 'a-token-of-nobody-at-all')).status).toBe(401)
    const elsewhere = await edge.send('/.waiting-room/admin/rooms/nowhere/visitors/a-visitor-never-seen', {
      method: 'DELETE',
      headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}` },
    })
    expect([elsewhere.status, elsewhere.json.code]).toEqual([404, 'room_unknown'])
  })
})

const pairs = (flat: readonly string[]): [string | undefined, string | undefined][] =>
  flat.flatMap((value, index) => (index % 2 === 0 ? [[value, flat[index + 1]]] : []))
