import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieHeader, freshKey, startEdge, until, type Edge, type Answer } from './support.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      demo: { hosts: ['demo.test'], title: '<b>Demo</b>', message: '</script><script>alert(1)</script>' },
      tuned: { hosts: ['tuned.test'], total_active_users: 10, message: 'as deployed' },
      off: { hosts: ['off.test'], suspended: true },
      refuses: { hosts: ['refuses.test'], queueing_method: 'reject' },
      status: { hosts: ['status.test'], queue_all: true, queueing_status_code: 202 },
      limited: { hosts: ['limited.test'], paused: true },
      calm: { hosts: ['calm.test'], burst: 100 },
      side: { hosts: ['side.test'], queue_all: true, bypass: [{ path: '/webhooks/*' }] },
    },
    vars: { JOINS_PER_MINUTE_LOCAL: 3, JOINS_PER_MINUTE_GLOBAL: 5 },
    joinsPerLocation: 8,
  })
})
afterAll(() => edge.stop())

const admin = (method: string, body?: unknown, room = 'tuned') =>
  edge.send(`/.waiting-room/admin/rooms/${room}`, {
    method,
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

describe('the snapshot', () => {
  test('is public, cacheable, without cookies, and unchanged ones cost no body', async () => {
    const now = await edge.send('/.waiting-room/demo/now')
    expect(now.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, s-maxage=1, stale-while-revalidate=5',
    })
    expect(now.headers['set-cookie']).toBeUndefined()
    expect(now.json).toMatchObject({ room: 'demo', waiting: 0, degraded: false })
    const again = await edge.send('/.waiting-room/demo/now', {
      headers: { 'if-none-match': String(now.headers.etag) },
    })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  test('a hundred polls cost Redis a handful of commands', async () => {
    await edge.send('/.waiting-room/demo/now')
    const before = Number(/total_commands_processed:(\d+)/.exec(await edge.redis.info('stats'))?.[1])
    await Promise.all(Array.from({ length: 100 }, () => edge.send('/.waiting-room/demo/now')))
    const after = Number(/total_commands_processed:(\d+)/.exec(await edge.redis.info('stats'))?.[1])
    expect(after - before).toBeLessThan(30)
  })
})

describe('the operator', () => {
  test('sees baseline, live, effective and the snapshot, changes it, and clears it again', async () => {
    const changed = await admin('PATCH', { total_active_users: 7, message: 'One moment' })
    expect(changed.status).toBe(200)
    expect(changed.json).toMatchObject({
      room: 'tuned',
      baseline: { total_active_users: 10, message: 'as deployed' },
      live: { total_active_users: 7, message: 'One moment' },
      effective: { total_active_users: 7, message: 'One moment' },
      snapshot: { message: 'One moment' },
    })
    const partly = await admin('PATCH', { message: null })
    expect(partly.json).toMatchObject({
      live: { total_active_users: 7 },
      effective: { message: 'as deployed' },
    })
    const cleared = await admin('DELETE')
    expect(cleared.json).toMatchObject({ live: {}, effective: { total_active_users: 10 } })
    expect((await admin('GET')).json).toMatchObject({ live: {} })
  })

  test('is told each setting that is unknown or out of range', async () => {
    const answer = await admin('PATCH', { total_active_users: -1, session_duration: 5, paused: 'yes' })
    expect([answer.status, answer.json.code]).toEqual([422, 'validation_failed'])
    expect(answer.json.errors.map(({ field }) => field).toSorted()).toEqual([
      '/paused',
      '/session_duration',
      '/total_active_users',
    ])
    expect((await admin('GET')).json).toMatchObject({ live: {} })
  })

  test('needs the token, and too many wrong ones are stopped', async () => {
    const guess = (headers: Record<string, string>) =>
      edge.send('/.waiting-room/admin/rooms/tuned', { headers })
    expect((await guess({})).json.code).toBe('admin_required')
    const from = { 'cf-connecting-ip': '203.0.113.77', authorization: 'Bearer wrong-wrong-wrong' }
    const codes: string[] = []
    for (let tries = 0; tries < 12; tries += 1) codes.push((await guess(from)).json.code)
    expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'admin_required'))
    expect(codes.slice(10)).toEqual(['rate_limited', 'rate_limited'])
    // Nobody on the operator's network can lock the operator out, and what the operator does lets nobody else in.
    const right = { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}` }
    expect((await guess({ ...from, ...right })).status).toBe(200)
    expect((await guess(from)).status).toBe(429)
    expect(edge.logs.join('\n')).not.toContain('wrong-wrong-wrong')
  })

  test('does not learn by 404 which rooms exist without the token', async () => {
    expect((await edge.send('/.waiting-room/admin/rooms/nowhere')).status).toBe(401)
    expect((await admin('GET', undefined, 'nowhere')).json.code).toBe('room_unknown')
  })

  test('suspends a room while it runs: everyone is through, with a pass, and back again', async () => {
    await admin('PATCH', { queue_all: true }, 'demo')
    await until('the room queues', async () => {
      const answer = await edge.send('/shop', { headers: { host: 'demo.test' } })
      return answer.status === 429 ? answer : undefined
    })
    await admin('PATCH', { suspended: true }, 'demo')
    const open = await until('the room is suspended', async () => {
      const answer = await edge.send('/shop', { headers: { host: 'demo.test' } })
      return answer.status === 200 ? answer : undefined
    })
    expect(open.json.headers['waiting-room-token']).toBe(open.cookies['__Host-wr-pass-demo'])
    // Those who wait already hear of it with the same snapshot, and need not be overtaken.
    const now = await edge.send('/.waiting-room/demo/now', { headers: { host: 'demo.test' } })
    expect(now.json).toMatchObject({ state: 'suspended' })
    await admin('PATCH', { suspended: null }, 'demo')
    const page = await until('the room queues again', async () => {
      const answer = await edge.visit('/shop', { host: 'demo.test' })
      return answer.text.includes('wr-data') ? answer : undefined
    })
    // What the operator wrote is text, never markup.
    expect(page.text).not.toContain('<script>alert')
    expect(page.text).not.toContain('<b>Demo')
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    expect(page.headers['content-security-policy']).not.toContain('unsafe')
    await admin('DELETE', undefined, 'demo')
  })
})

describe('methods of a room', () => {
  test('suspended by deploy: everyone is through, and one who returns keeps the same session', async () => {
    const first = await edge.send('/shop', { headers: { host: 'off.test' } })
    expect(first.status).toBe(200)
    const cookie = `__Host-wr-pass-off=${first.cookies['__Host-wr-pass-off']}`
    const again = await edge.send('/shop', { headers: { host: 'off.test', cookie } })
    expect(again.status).toBe(200)
    const subject = (token = '') =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti
    expect(subject(again.json.headers['waiting-room-token'])).toBe(
      subject(first.cookies['__Host-wr-pass-off']),
    )
  })

  test('reject answers 503, as page and as problem', async () => {
    expect((await edge.visit('/shop', { host: 'refuses.test' })).status).toBe(503)
    const answer = await edge.send('/shop', { headers: { host: 'refuses.test' } })
    expect([answer.status, answer.json.code]).toEqual([503, 'room_closed'])
  })

  test('the queue page has the status that the operator chose', async () => {
    expect((await edge.visit('/shop', { host: 'status.test' })).status).toBe(202)
  })

  test('a bypass rule lets a webhook by, without a token', async () => {
    const answer = await edge.send('/webhooks/payments', {
      method: 'POST',
      headers: { host: 'side.test' },
      body: 'x',
    })
    expect([answer.status, answer.json.body]).toEqual([200, 'x'])
    expect(answer.json.headers).not.toHaveProperty('waiting-room-token')
  })
})

describe('abuse limits', () => {
  const join = (address: string, headers: Record<string, string> = {}) =>
    edge.post('/.waiting-room/limited/join', {
      'cf-connecting-ip': address,
      'idempotency-key': freshKey(),
      ...headers,
    })

  test('an address is limited in all, at no Redis command below the local threshold', async () => {
    const statuses: number[] = []
    for (let tries = 0; tries < 3; tries += 1) statuses.push((await join('198.51.100.1')).status)
    expect(await edge.redis.keys('wr:limit:join*')).toEqual([])
    for (let tries = 0; tries < 7; tries += 1) statuses.push((await join('198.51.100.1')).status)
    // 3 by the isolate, 5 more by Redis, which counts only those that it is asked about, then none.
    expect(statuses).toEqual([201, 201, 201, 201, 201, 201, 201, 201, 429, 429])
    const refused = await join('198.51.100.1')
    expect([refused.json.code, Number(refused.headers['retry-after']) > 0]).toEqual(['rate_limited', true])
    expect((await join('198.51.100.2')).status).toBe(201)
  })

  test('one IPv6 network is one address, and who has a place is not limited', async () => {
    const first = await join('2001:db8:1:2::1')
    for (let host = 2; host <= 9; host += 1) await join(`2001:db8:1:2::${host}`)
    expect((await join('2001:db8:1:2:ffff::1')).status).toBe(429)
    expect((await join('2001:db8:1:3::1')).status).toBe(201)
    const again = await join('2001:db8:1:2::1', { authorization: `Bearer ${first.json.queueToken}` })
    expect([again.status, again.json.place]).toEqual([201, first.json.place])
  })

  test('a visitor who leaves and joins again in a loop is stopped, and nobody else of the same network', async () => {
    const [first, other] = [await join('2001:db8:9:1::1'), await join('2001:db8:9:1::1')]
    const back = (token: string) => join('2001:db8:9:1::1', { authorization: `Bearer ${token}` })
    const loop = []
    for (let round = 0; round < 11; round += 1) {
      const left = await edge.post('/.waiting-room/limited/leave', {
        authorization: `Bearer ${first.json.queueToken}`,
      })
      expect(left.status).toBe(204)
      loop.push((await back(first.json.queueToken)).status)
    }
    expect(loop).toEqual([...Array.from({ length: 10 }, () => 201), 429])
    expect((await back(other.json.queueToken)).status).toBe(201)
  })

  const leave = async (token: string) => {
    const left = await edge.post('/.waiting-room/limited/leave', { authorization: `Bearer ${token}` })
    expect(left.status).toBe(204)
  }

  test('a claim that puts its visitor back counts as a return', async () => {
    const { queueToken } = (await join('2001:db8:9:2::1')).json
    const loop: Answer[] = []
    for (let round = 0; round < 11; round += 1) {
      await leave(queueToken)
      loop.push(await edge.post('/.waiting-room/limited/claim', { authorization: `Bearer ${queueToken}` }))
    }
    expect(loop.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 202), 429])
    expect(loop.at(-1)?.json.code).toBe('rate_limited')
    expect(Number(loop.at(-1)?.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('a token from before a loss is limited like any other', async () => {
    const { queueToken } = (await join('2001:db8:9:3::1')).json
    await edge.redis.hincrby('wr:{limited}:state', 'epoch', 1)
    // One who joins sees the new epoch: the token is of an earlier one from now on.
    await join('2001:db8:9:3::1')
    const loop = []
    for (let round = 0; round < 11; round += 1) {
      await leave(queueToken)
      loop.push((await join('2001:db8:9:3::1', { authorization: `Bearer ${queueToken}` })).status)
    }
    expect(loop).toEqual([...Array.from({ length: 10 }, () => 201), 429])
  })
})

describe('abuse limits of a quiet room', () => {
  const from = (address: string) => ({ host: 'calm.test', 'cf-connecting-ip': address })

  test('an address past them is held like in a busy room, not refused; others and those inside go on', async () => {
    const first = await edge.visit('/shop', from('198.51.100.7'))
    const entered = [first]
    for (let tries = 1; tries < 10; tries += 1) entered.push(await edge.visit('/shop', from('198.51.100.7')))
    expect(entered.map(({ cookies }) => '__Host-wr-pass-calm' in cookies)).toEqual(
      Array.from({ length: 10 }, (_, index) => index < 8),
    )
    const held = await edge.visit('/shop', from('198.51.100.7'))
    expect([held.status, held.text.includes('wr-data'), held.cookies]).toEqual([200, true, {}])
    expect(await edge.redis.zcard('wr:{calm}:sessions')).toBe(8)

    const inside = { ...from('198.51.100.7'), cookie: cookieHeader(first.cookies) }
    expect((await edge.visit('/shop', inside)).json.path).toBe('/shop')
    expect((await edge.visit('/shop', from('198.51.100.8'))).json.path).toBe('/shop')
  })
})

describe('abuse limits of a room that is off', () => {
  test('an address past them goes through like everyone, but hoards no passes', async () => {
    const visits = []
    for (let tries = 0; tries < 12; tries += 1) {
      visits.push(await edge.visit('/shop', { host: 'off.test', 'cf-connecting-ip': '203.0.113.9' }))
    }
    expect(visits.map(({ json }) => json.path)).toEqual(visits.map(() => '/shop'))
    expect(visits.map(({ cookies }) => '__Host-wr-pass-off' in cookies)).toEqual(
      Array.from({ length: 12 }, (_, index) => index < 8),
    )
    const other = await edge.visit('/shop', { host: 'off.test', 'cf-connecting-ip': '203.0.113.10' })
    expect('__Host-wr-pass-off' in other.cookies).toBe(true)
  })
})

describe('what others read', () => {
  test('the public keys are published, and nothing private with them', async () => {
    const answer = await edge.send('/.waiting-room/jwks.json')
    expect(answer.headers['cache-control']).toBe('public, max-age=300')
    expect(answer.json.keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        kid: expect.any(String),
        x: expect.any(String),
        alg: 'EdDSA',
        use: 'sig',
      },
    ])
  })

  test('the health check is good', async () => {
    const answer = await edge.send('/healthz')
    expect([answer.status, answer.json]).toMatchObject([200, { levels: { config: 'ok', redis: 'ok' } }])
  })

  test('every described call exists, and answers no method but those described', async () => {
    const { paths } = (await edge.send('/.waiting-room/openapi.json')).json
    for (const [path, operations] of Object.entries(paths)) {
      const address = path.replace('{room}', 'demo')
      const { headers } = await edge.send(address, { method: 'PUT' })
      const methods = (headers.allow ?? '').split(', ').filter((method) => method !== 'HEAD')
      expect(methods.map((method) => method.toLowerCase()).toSorted(), path).toEqual(
        Object.keys(operations).toSorted(),
      )
    }
  })

  test('cron moves the rooms that nobody looks at', async () => {
    await edge.redis.del('wr:{side}:snapshot')
    await edge.scheduled()
    expect(await edge.redis.exists('wr:{side}:snapshot')).toBe(1)
  })
})
