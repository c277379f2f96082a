import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSessionId, parseVisitorId, parseRoomId } from '../../src/ids.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { cookieHeader, freshKey, startEdge, until, type Edge } from './support.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      paused: { hosts: ['paused.test'], paused: true },
      tabs: { hosts: ['tabs.test'], queue_all: true },
      ended: { hosts: ['ended.test'], queue_all: true },
      quiet: { hosts: ['quiet.test'], claim_window: 60, admission_token_ttl: 20 },
      missing: { hosts: ['missing.test'], queue_all: true, claim_window: 5, late_grace: 0 },
    },
    vars: { COALESCE_WINDOW_MS: 300 },
  })
})
afterAll(() => edge.stop())

/** A visitor id among the arguments: the call of joins, not that of the snapshot. */
const JOIN = /wr:\{paused\}[^]* [\w-]{24} /

const joinAs = (room: string, key: string) =>
  edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': key })
const join = (room: string) => joinAs(room, freshKey())
const scriptCalls = async () =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await edge.redis.info('commandstats'))?.[1] ?? 0)

describe('requests that meet in one isolate', () => {
  test('share one call to Redis, and each gets its own place', async () => {
    await join('paused')
    const before = await scriptCalls()
    const answers = await Promise.all(Array.from({ length: 50 }, () => join('paused')))
    expect(answers.every(({ status }) => status === 201)).toBe(true)
    expect(new Set(answers.map(({ json }) => json.place)).size).toBe(50)
    // Control: without sharing it would be 50.
    expect((await scriptCalls()) - before).toBeLessThan(10)
  })

  test('are answered although the one that leads them went away', async () => {
    const key = freshKey()
    const leader = request(new URL('/.waiting-room/paused/join', edge.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
    })
    const gone = new Promise((resolve) => leader.on('error', resolve))
    const logged = edge.logs.length
    leader.end('{}')
    // The leader is in its window once the request was flushed; a second one then waits with it.
    await new Promise((resolve) => leader.on('finish', resolve))
    const second = join('paused')
    leader.destroy()
    await gone
    expect((await second).status).toBe(201)
    expect(edge.logs.slice(logged).join('\n')).not.toContain('hung')
  })

  test('fail together when their call fails, lose nothing by it, and fail nobody else', async () => {
    await join('paused')
    const keys = Array.from({ length: 3 }, freshKey)
    const { fired } = edge.gateway.faults.next(JOIN, { kind: 'status', status: 503 })
    const failing = keys.map((key) => joinAs('paused', key))
    await fired
    // The call is on its way: whoever comes now shares another.
    const beside = await join('paused')
    const failed = await Promise.all(failing)
    expect(beside.status).toBe(201)
    expect(failed.map(({ status, json }) => [status, json.code])).toEqual(
      keys.map(() => [503, 'store_unavailable']),
    )
    expect(failed.every(({ headers }) => Number(headers['retry-after']) > 0)).toBe(true)
    const repeated = await Promise.all(keys.map((key) => joinAs('paused', key)))
    expect(repeated.map(({ status }) => status)).toEqual([201, 201, 201])
  })

  test('whose answer comes too late have their place all the same', async () => {
    const key = freshKey()
    // Redis has done its work; the answer takes longer than the client of the store waits.
    edge.gateway.faults.next(JOIN, { kind: 'delay', ms: 4_000, when: 'after' })
    const late = await joinAs('paused', key)
    expect([late.status, late.headers['content-type']]).toEqual([503, 'application/problem+json'])
    const size = await edge.redis.zcard('wr:{paused}:queue')
    const repeated = await joinAs('paused', key)
    expect(repeated.status).toBe(201)
    expect(await edge.redis.zcard('wr:{paused}:queue')).toBe(size)
  })
})

test('a second tab enters with what the first one claimed', async () => {
  const joined = await join('tabs')
  const claimed = await until('the visitor is called', async () => {
    const answer = await edge.post('/.waiting-room/tabs/claim', { cookie: cookieHeader(joined.cookies) })
    return answer.status === 200 ? answer : undefined
  })
  expect(claimed.cookies['__Host-wr-queue-tabs']).toBe('')
  const other = await edge.post('/.waiting-room/tabs/claim', { cookie: cookieHeader(claimed.cookies) })
  expect(other.status).toBe(200)
  expect(sessionOf(other.json.admissionToken)).toBe(sessionOf(claimed.json.admissionToken))
})

describe('renewal at the gate', () => {
  test('the first return makes the session of a quiet entry a full one', async () => {
    const entered = await edge.visit('/shop', { host: 'quiet.test' })
    const session = sessionOf(entered.cookies['__Host-wr-pass-quiet'] ?? '')
    const provisional = Number(await edge.redis.zscore('wr:{quiet}:sessions', session))
    const again = await edge.send('/shop', {
      headers: { host: 'quiet.test', cookie: cookieHeader(entered.cookies) },
    })
    expect(sessionOf(again.cookies['__Host-wr-pass-quiet'] ?? '')).toBe(session)
    expect(Number(await edge.redis.zscore('wr:{quiet}:sessions', session))).toBeGreaterThan(
      provisional + 300_000,
    )
  })

  test('an expired token whose session lives is renewed, by header for a client without cookies', async () => {
    const entered = await edge.visit('/shop', { host: 'quiet.test' })
    const cookie = cookieHeader(entered.cookies)
    await edge.send('/shop', { headers: { host: 'quiet.test', cookie } })
    const old = await expiredFor('quiet', sessionOf(entered.cookies['__Host-wr-pass-quiet'] ?? ''))
    const answer = await edge.send('/shop', { headers: { host: 'quiet.test', 'waiting-room-token': old } })
    expect(answer.status).toBe(200)
    expect(answer.headers['waiting-room-token']).toBe(answer.json.headers['waiting-room-token'])
    expect(answer.headers['waiting-room-token']).not.toBe(old)
    expect(answer.cookies).not.toHaveProperty('__Host-wr-pass-quiet')
  })

  test('a visitor whose session has ended is a newcomer, and what it holds is cleared', async () => {
    const joined = await join('ended')
    const claimed = await until('the visitor is called', async () => {
      const answer = await edge.post('/.waiting-room/ended/claim', { cookie: cookieHeader(joined.cookies) })
      return answer.status === 200 ? answer : undefined
    })
    await edge.post('/.waiting-room/ended/leave', { cookie: cookieHeader(claimed.cookies) })
    // Long after: the token is dead, and Redis has forgotten visitor and session.
    await edge.redis.del('wr:{ended}:ended', 'wr:{ended}:places')
    const pass = await expiredFor('ended', sessionOf(claimed.json.admissionToken))
    // A browser that kept the queue token too: its place has been used.
    const cookie = cookieHeader({ ...joined.cookies, '__Host-wr-pass-ended': pass })
    const back = await edge.visit('/shop', { host: 'ended.test', cookie })
    expect(back.text).toContain('"queue":null')
    expect(back.cookies).toEqual({ '__Host-wr-queue-ended': '', '__Host-wr-pass-ended': '' })
  })
})

test('a missed call without a late return ends with 410, and the next join is a new place', async () => {
  const joined = await join('missing')
  const cookie = cookieHeader(joined.cookies)
  const missed = await until('the call is missed', async () => {
    // Polls move the front; nobody claims.
    const { json } = await edge.send('/.waiting-room/missing/now')
    const isOver = json.calledTotal > 0 && json.called === 0
    return isOver ? edge.post('/.waiting-room/missing/claim', { cookie }) : undefined
  })
  expect([missed.status, missed.json.code]).toEqual([410, 'call_missed'])
  expect(missed.cookies['__Host-wr-queue-missing']).toBe('')
  const again = await join('missing')
  expect(again.status).toBe(201)
  expect(again.json.place).toBeGreaterThan(joined.json.place)
})

const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti

/** The token that this session had seven minutes ago. */
async function expiredFor(name: string, id: string): Promise<string> {
  const room = parseRoomId(name)
  const session = parseSessionId(id)
  const visitor = parseVisitorId(id.replace(/-\d+$/, ''))
  if (room === undefined || session === undefined || visitor === undefined) throw new Error('ids')
  const keys = await importPrivateKeys(privateKeySet.parse(edge.secrets.ADMISSION_KEYS))
  const nowMs = Date.now() - 7 * 60_000
  const claims = {
    room,
    visitor,
    session,
    sale: 'default',
    expiresAtMs: nowMs + 60_000,
    sessionEndMs: nowMs + 3_600_000,
  }
  return signAdmissionToken(claims, keys, { issuer: 'foyer', nowMs })
}
