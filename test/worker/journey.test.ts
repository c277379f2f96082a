import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieHeader, freshKey, startEdge, until, type Edge } from './support.ts'

let edge: Edge
const full = { total_active_users: 1, new_users_per_minute: 6_000, burst: 100 }

beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      quiet: { hosts: ['quiet.test'], total_active_users: 50 },
      waits: { hosts: ['waits.test'], ...full },
      busy: { hosts: ['busy.test'], ...full },
      bearer: { hosts: ['bearer.test'], ...full },
      lone: { hosts: ['lone.test'], ...full },
    },
  })
})
afterAll(() => edge.stop())

const host = (name: string) => ({ host: `${name}.test` })

describe('a quiet room is invisible', () => {
  test('the first navigation goes straight to the origin, with a pass for the way back', async () => {
    const answer = await edge.visit('/shop?seat=7&seat=8', host('quiet'))
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ method: 'GET', path: '/shop?seat=7&seat=8' })
    expect(answer.json.headers['waiting-room-token']).toBe(answer.cookies['__Host-wr-pass-quiet'])
    expect(answer.headers['set-cookie']).toContain('origin=1; Path=/')
    expect(answer.headers['cache-control']).toBe('private, max-age=60')

    const again = await edge.send('/shop/api', {
      headers: { ...host('quiet'), cookie: cookieHeader(answer.cookies) },
    })
    expect(again.status).toBe(200)
    expect(again.json.headers.cookie).toBe('origin=1')
  })

  test.each([
    ['a prefetch', { 'sec-purpose': 'prefetch' }, 'GET'],
    ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', accept: 'image/*' }, 'GET'],
    ['a frame', { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, 'GET'],
    ['HEAD', {}, 'HEAD'],
    ['a form of another site', {}, 'POST'],
  ])('%s does not enter', async (_name, headers, method) => {
    const answer = await edge.send('/shop', {
      method,
      headers: {
        ...host('quiet'),
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...headers,
      },
    })
    expect(answer.cookies).toEqual({})
    expect(answer.text).not.toContain('"method"')
  })
})

describe('a full room', () => {
  test('holds a browser on the queue page and lets it in, to the same address, when its turn comes', async () => {
    const first = await edge.visit('/shop', host('waits'))
    expect(first.json.path).toBe('/shop')

    const page = await until('the room is full', async () => {
      const answer = await edge.visit('/shop?from=mail', host('waits'))
      return answer.headers['content-type']?.startsWith('text/html') === true ? answer : undefined
    })
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.headers['x-robots-tag']).toContain('noindex')
    expect(page.text).not.toContain('{{')
    expect(page.text).toContain('"returnTo":"/shop?from=mail"')

    const joined = await edge.post('/.waiting-room/waits/join', {
      ...host('waits'),
      'idempotency-key': freshKey(),
    })
    expect(joined.status).toBe(201)
    expect(joined.json).toMatchObject({ room: 'waits', state: 'waiting', position: 1, ahead: 0 })
    const waiting = { ...host('waits'), cookie: cookieHeader(joined.cookies) }

    const early = await edge.post('/.waiting-room/waits/claim', waiting)
    expect(early.status).toBe(202)
    expect(Number(early.headers['retry-after'])).toBeGreaterThan(0)
    expect((await edge.send('/.waiting-room/waits/status', { headers: waiting })).json).toMatchObject({
      position: 1,
    })
    const reloaded = await edge.visit('/shop?from=mail', waiting)
    expect(reloaded.text).toContain(`"place":${joined.json.place}`)

    const left = await edge.post('/.waiting-room/waits/leave', {
      ...host('waits'),
      cookie: cookieHeader(first.cookies),
    })
    expect(left.status).toBe(204)
    expect(left.cookies).toEqual({ '__Host-wr-queue-waits': '', '__Host-wr-pass-waits': '' })

    // Its slot is free only when its last token has expired; the operator makes room at once.
    await edge.send('/.waiting-room/admin/rooms/waits', {
      method: 'PATCH',
      headers: {
        ...host('waits'),
        authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ total_active_users: 5 }),
    })
    // Without JavaScript: looking again at the same address is enough.
    const entered = await until('the visitor is called', async () => {
      const answer = await edge.visit('/shop?from=mail', waiting)
      return answer.headers['content-type'] === 'application/json' ? answer : undefined
    })
    expect(entered.json.path).toBe('/shop?from=mail')
    expect(entered.cookies['__Host-wr-pass-waits']).toMatch(/^ey/)
    expect(entered.cookies['__Host-wr-queue-waits']).toBe('')
  })

  test('answers a program with 429 and the address to join at', async () => {
    await edge.visit('/shop', host('busy'))
    const answer = await edge.send('/api/events', {
      headers: { ...host('busy'), accept: 'application/json' },
    })
    expect(answer.status).toBe(429)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json).toMatchObject({
      code: 'waiting_room',
      room: 'busy',
      joinUrl: '/.waiting-room/busy/join',
    })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('the same Idempotency-Key is the same visitor at the same place, also at once', async () => {
    const headers = { ...host('busy'), 'idempotency-key': freshKey() }
    const answers = await Promise.all([1, 2, 3].map(() => edge.post('/.waiting-room/busy/join', headers)))
    expect(new Set(answers.map(({ json }) => `${json.visitor} ${json.place}`)).size).toBe(1)
    const other = await edge.post('/.waiting-room/busy/join', {
      ...host('busy'),
      'idempotency-key': freshKey(),
    })
    expect(other.json.visitor).not.toBe(answers[0]?.json.visitor)
    expect(other.json.place).toBeGreaterThan(answers[0]?.json.place ?? Number.NaN)
  })

  test('a second tab with the queue cookie keeps the one place, whatever key it sends', async () => {
    const joined = await edge.post('/.waiting-room/busy/join', {
      ...host('busy'),
      'idempotency-key': freshKey(),
    })
    const tab = await edge.post('/.waiting-room/busy/join', {
      ...host('busy'),
      cookie: cookieHeader(joined.cookies),
      'idempotency-key': freshKey(),
    })
    expect(tab.json).toMatchObject({ visitor: joined.json.visitor, place: joined.json.place })
  })

  test('a browser without JavaScript joins by a form and comes back to where it was', async () => {
    const form = (body: string) =>
      edge.send('/.waiting-room/busy/join', {
        method: 'POST',
        headers: {
          ...host('busy'),
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
        },
        body,
      })
    const joined = await form(new URLSearchParams({ next: '/shop?a=1&b=%C3%A4' }).toString())
    expect(joined.status).toBe(303)
    expect(joined.headers.location).toBe('/shop?a=1&b=%C3%A4')
    const page = await edge.visit('/shop?a=1', { ...host('busy'), cookie: cookieHeader(joined.cookies) })
    expect(page.text).toMatch(/You are number \d+/)
    for (const next of [
      'https://evil.example/',
      '//evil.example',
      String.raw`/\evil.example`,
      '/.//evil.example',
      'shop',
    ]) {
      expect((await form(new URLSearchParams({ next }).toString())).headers.location, next).toBe('/')
    }
  })
})

test.each(['//evil.example/steal', String.raw`/\evil.example/x`, '/.//evil.example', '//evil.example/%'])(
  'the queue page of %s leads to no other site, with and without JavaScript',
  async (path) => {
    const joined = await edge.post('/.waiting-room/busy/join', {
      ...host('busy'),
      'idempotency-key': freshKey(),
    })
    const page = await edge.visit(path, { ...host('busy'), cookie: cookieHeader(joined.cookies) })
    expect(page.text).toContain('"returnTo":"/"')
    expect(page.text).toContain('href="/"')
    expect(page.text).not.toContain('evil')
  },
)

describe('a client without cookies', () => {
  test('joins, claims, is forwarded by header, renews and leaves', async () => {
    const joined = await edge.post('/.waiting-room/bearer/join', {
      ...host('bearer'),
      'idempotency-key': freshKey(),
    })
    const queue = { ...host('bearer'), authorization: `Bearer ${joined.json.queueToken}` }
    const claimed = await until('the client is called', async () => {
      await edge.send('/.waiting-room/bearer/now', { headers: host('bearer') })
      const answer = await edge.post('/.waiting-room/bearer/claim', queue)
      return answer.status === 200 ? answer : undefined
    })
    expect(Date.parse(claimed.json.sessionEndsAt)).toBeGreaterThan(Date.parse(claimed.json.expiresAt))
    const again = await edge.post('/.waiting-room/bearer/claim', queue)
    expect(again.status).toBe(200)
    expect(sessionOf(again.json.admissionToken)).toBe(sessionOf(claimed.json.admissionToken))

    const pass = { ...host('bearer'), 'waiting-room-token': claimed.json.admissionToken }
    const forwarded = await edge.send('/api/holds', {
      method: 'POST',
      headers: { ...pass, authorization: 'Bearer of-the-origin', 'content-type': 'text/plain' },
      body: ['part one, ', 'part two'],
    })
    expect(forwarded.json).toMatchObject({ method: 'POST', body: 'part one, part two' })
    expect(forwarded.json.headers).toMatchObject({
      authorization: 'Bearer of-the-origin',
      'waiting-room-token': claimed.json.admissionToken,
    })

    const renewed = await edge.post('/.waiting-room/bearer/renew', pass)
    expect(renewed.status).toBe(200)
    expect(renewed.cookies).toEqual({})
    expect(sessionOf(renewed.json.admissionToken)).toBe(sessionOf(claimed.json.admissionToken))

    expect((await edge.post('/.waiting-room/bearer/leave', pass)).status).toBe(204)
    const after = await edge.post('/.waiting-room/bearer/renew', pass)
    expect([after.status, after.json.code]).toEqual([401, 'admission_required'])
  })
})

describe('forwarding', () => {
  test('leaves cookies, redirects and streams as they are, and strips what a client may not send', async () => {
    const first = await edge.visit('/shop', host('lone'))
    const ours = cookieHeader({ '__Host-wr-pass-lone': first.cookies['__Host-wr-pass-lone'] ?? '' })
    const answer = await edge.send('/shop', {
      headers: {
        ...host('lone'),
        cookie: `a="b c"; ${ours}; broken; =x;;  ü=1`,
        'wr-internal': '1',
        'waiting-room-other': '1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    })
    expect(answer.json.headers.cookie).toContain('a="b c"')
    expect(answer.json.headers.cookie).toContain('broken; =x;')
    expect(answer.json.headers.cookie).not.toContain('wr-pass')
    expect(answer.json.headers).not.toHaveProperty('wr-internal')
    expect(answer.json.headers).not.toHaveProperty('waiting-room-other')
    expect(answer.json.headers.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)\w{16}-01$/,
    )

    const redirect = await edge.send('/shop/redirect', { headers: { ...host('lone'), cookie: ours } })
    expect([redirect.status, redirect.headers.location]).toEqual([302, 'http://elsewhere.example/x'])
    const stream = await edge.send('/shop/upper', {
      method: 'POST',
      headers: { ...host('lone'), cookie: ours },
      body: ['ab', 'cd'],
    })
    expect(stream.text).toBe('ABCD')
  })

  test('a host that belongs to no room goes to the origin, without a token of its own making', async () => {
    const answer = await edge.send('/anything', {
      headers: { host: 'other.test', 'waiting-room-token': 'made-up' },
    })
    expect(answer.json.path).toBe('/anything')
    expect(answer.json.headers).not.toHaveProperty('waiting-room-token')
  })
})

const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti
