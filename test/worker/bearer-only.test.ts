// The way of a native client: two tokens in two headers, and never a cookie. Every step as docs/clients.md tells it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

let edge: Edge
const full = { total_active_users: 1, new_users_per_minute: 6_000, burst: 100, queue_all: true }

beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      app: { hosts: ['app.test'], ...full, admission_token_ttl: 10 },
      spent: { hosts: ['spent.test'], ...full },
      lost: { hosts: ['lost.test'], ...full },
    },
  })
})
afterAll(() => edge.stop())

/** What a client of this room can call; it sends what it is given here and nothing else. */
function clientOf(room: string) {
  const path = `/.waiting-room/${room}`
  const host = { host: `${room}.test` }
  const asked = (method: string, address: string, headers: Record<string, string>) =>
    edge.send(address, { method, headers: { ...host, ...headers } })
  const queue = ({ json }: Answer) => ({ authorization: `Bearer ${json.queueToken}` })
  const pass = ({ json }: Answer) => ({ 'waiting-room-token': json.admissionToken })
  const post = (call: string, headers: Record<string, string> = {}) =>
    asked('POST', `${path}/${call}`, headers)
  return {
    queue,
    pass,
    post,
    join: () => post('join', { 'idempotency-key': freshKey() }),
    now: () => asked('GET', `${path}/now`, {}),
    status: (joined: Answer) => asked('GET', `${path}/status`, queue(joined)),
    claim: (joined: Answer) => post('claim', queue(joined)),
    fetch: (headers: Record<string, string>) => asked('GET', '/api/events?page=2', headers),
    /** Joins and claims as soon as it is called. */
    async enter(): Promise<{ joined: Answer; claimed: Answer }> {
      const joined = await this.join()
      const claimed = await until('the client is called', async () => {
        await this.now()
        const answer = await this.claim(joined)
        return answer.status === 200 ? answer : undefined
      })
      return { joined, claimed }
    },
  }
}

const makeRoom = (room: string, settings: Readonly<Record<string, unknown>>) =>
  edge.send(`/.waiting-room/admin/rooms/${room}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })
const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti

test('from the first refusal to leaving, with two tokens and no cookie', async () => {
  const app = clientOf('app')
  const first = await app.enter()
  const refused = await app.fetch({})
  expect([refused.status, refused.json.code]).toEqual([429, 'waiting_room'])
  expect(refused.json).toMatchObject({ joinUrl: '/.waiting-room/app/join', nowUrl: '/.waiting-room/app/now' })

  const joined = await app.join()
  expect([joined.status, joined.json.position]).toEqual([201, 1])
  const early = await app.claim(joined)
  expect([early.status, early.json.position]).toEqual([202, 1])
  expect(Number(early.headers['retry-after'])).toBeGreaterThan(0)
  await until('the snapshot knows of the place, and both tell the same position', async () => {
    const [{ json: now }, { json: status }] = [await app.now(), await app.status(joined)]
    const ahead = 0 - (now.calledTotal - joined.json.calledTotal)
    return status.position === ahead + 1 && now.waiting === 1 ? true : undefined
  })

  await makeRoom('app', { total_active_users: 2 })
  await until('the client is called', async () =>
    Object((await app.status(joined)).json).state === 'called' ? true : undefined,
  )
  const claimed = await app.claim(joined)
  expect(claimed.status).toBe(200)
  // A reply that got lost: the same session.
  const again = await app.claim(joined)
  expect(sessionOf(again.json.admissionToken)).toBe(sessionOf(claimed.json.admissionToken))
  expect(sessionOf(claimed.json.admissionToken)).not.toBe(sessionOf(first.claimed.json.admissionToken))

  const own = { authorization: 'Bearer of-the-origin' }
  const forwarded = await app.fetch({ ...app.pass(claimed), ...own })
  expect(forwarded.json).toMatchObject({ path: '/api/events?page=2', headers: own })
  const renewedHere = await until('half of the token’s life has passed', async () => {
    const { headers } = await app.fetch(app.pass(claimed))
    return headers['waiting-room-token']
  })
  expect(sessionOf(String(renewedHere))).toBe(sessionOf(claimed.json.admissionToken))
  const renewed = await app.post('renew', { 'waiting-room-token': String(renewedHere) })
  expect([renewed.status, renewed.cookies]).toEqual([200, {}])
  expect((await app.fetch(app.pass(renewed))).status).toBe(200)

  const left = await app.post('leave', app.pass(renewed))
  expect([left.status, left.text]).toEqual([204, ''])
})

test('only claim decides: with an ended session, status still says called', async () => {
  const app = clientOf('spent')
  const { joined, claimed } = await app.enter()
  await app.post('leave', app.pass(claimed))
  expect(await app.status(joined)).toMatchObject({ status: 200, json: { state: 'called' } })
  for (const [answer, status, code] of [
    [await app.claim(joined), 401, 'admission_required'],
    [await app.post('renew', app.pass(claimed)), 401, 'admission_required'],
    [await app.post('join', app.queue(joined)), 410, 'call_missed'],
  ] as const) {
    expect([answer.status, answer.json.code]).toEqual([status, code])
    // What is left to do, in words: the same tokens would lead to the same answer for ever.
    expect(answer.json.detail).toContain('without')
  }
  const anew = await app.join()
  expect(anew.status).toBe(201)
  expect(anew.json.place).toBeGreaterThan(joined.json.place)
})

describe('what a program gets wrong is told so that it can be mended', () => {
  test('curl’s own type of body takes no second place beside the key', async () => {
    const app = clientOf('spent')
    const before = (await edge.redis.zcard('wr:{spent}:queue')) ?? 0
    const answer = await app.post('join', {
      'idempotency-key': freshKey(),
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect([answer.status, answer.json.code]).toEqual([415, 'unsupported_media_type'])
    expect(await edge.redis.zcard('wr:{spent}:queue')).toBe(before)
  })

  test('a token in the wrong header, or none: 401 with a challenge, and both headers are named', async () => {
    const app = clientOf('spent')
    const joined = await app.join()
    const wrong = await app.post('renew', app.queue(joined))
    const none = await app.post('claim')
    for (const answer of [wrong, none]) {
      expect([answer.status, answer.json.code]).toEqual([401, 'token_missing'])
      expect(answer.json.detail).toMatch(/Authorization: Bearer.*Waiting-Room-Token/)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
    const swapped = await app.post('renew', { 'waiting-room-token': joined.json.queueToken })
    expect([swapped.status, swapped.json.code]).toEqual([401, 'token_invalid'])
  })
})

test('when the store has lost everything, who was inside stays inside and who waited is put back', async () => {
  const app = clientOf('lost')
  const { claimed } = await app.enter()
  const [one, two] = [await app.join(), await app.join()]
  await edge.redis.flushall()
  await until('a new epoch', async () => ((await app.now()).json.epoch > one.json.epoch ? true : undefined))
  expect((await app.fetch(app.pass(claimed))).status).toBe(200)
  const renewed = await app.post('renew', app.pass(claimed))
  expect(renewed.status).toBe(200)
  expect(sessionOf(renewed.json.admissionToken)).toBe(sessionOf(claimed.json.admissionToken))
  expect(await edge.redis.zcard('wr:{lost}:sessions')).toBe(1)

  const gone = await app.status(two)
  expect([gone.status, gone.json.code]).toEqual([404, 'not_in_queue'])
  // By join with the old token, or by claim: both give a token of the new epoch.
  const back = [await app.post('join', app.queue(two)), await app.claim(one)]
  expect(back.map(({ status }) => status)).toEqual([201, 202])
  expect(back.map(({ json }) => json.place)).toEqual([two.json.place, one.json.place])
  for (const answer of back) expect((await app.status(answer)).status).toBe(200)
})
