// What an operator reads of a room through the edge: slots that nobody is seen in, a deployment that names a sale which
// was replaced, and what `npm run arm` says.

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKey, startEdge, until, type Edge } from './support.ts'

const PROGRAM = fileURLToPath(new URL('../../local/arm.ts', import.meta.url))
const OPENS = new Date(Date.now() + 3_600_000).toISOString()
const room = (name: string, more: object = {}) => ({ hosts: [`${name}.test`], ...more })

let edge: Edge
beforeAll(async () => {
  const prequeue_start_time = new Date(Date.now() - 3_600_000).toISOString()
  edge = await startEdge({
    vars: { DRAW_SECRET: 'a-secret-of-at-least-forty-three-characters' },
    rooms: {
      lost: room('lost', { burst: 20 }),
      sold: room('sold', { sale: { name: 'spring' } }),
      drawn: room('drawn', { queueing_method: 'lottery', prequeue_start_time, event_start_time: OPENS }),
    },
  })
})
afterAll(() => edge.stop())

/** Until the operator sees exactly this of the room; its snapshot may be a moment old. */
async function seen(wanted: { reserved: number; ending: number; sessions: number }): Promise<void> {
  const authorization = `Bearer ${edge.secrets.ADMIN_TOKEN}`
  await until(JSON.stringify(wanted), async () => {
    const { text } = await edge.send('/.waiting-room/admin/rooms/lost', { headers: { authorization } })
    const { reserved, ending, snapshot } = JSON.parse(text)
    return isDeepStrictEqual({ reserved, ending, sessions: snapshot.sessions }, wanted) ? true : undefined
  })
}

test('the operator sees which slots a loss and ended sessions keep taken', async () => {
  const joined = await edge.post('/.waiting-room/lost/join', { 'idempotency-key': freshKey() })
  const authorization = `Bearer ${joined.json.queueToken}`
  const pass = await until('the visitor is in', async () => {
    await edge.send('/.waiting-room/lost/now')
    const { status, json } = await edge.post('/.waiting-room/lost/claim', { authorization })
    return status === 200 ? json.admissionToken : undefined
  })
  await seen({ reserved: 0, ending: 0, sessions: 1 })

  await edge.redis.del(...(await edge.redis.keys('wr:{lost}:*')))
  await seen({ reserved: 1, ending: 0, sessions: 0 })
  await edge.post('/.waiting-room/lost/renew', { 'waiting-room-token': pass })
  await seen({ reserved: 0, ending: 0, sessions: 1 })
  await edge.post('/.waiting-room/lost/leave', { 'waiting-room-token': pass })
  await seen({ reserved: 0, ending: 1, sessions: 0 })
})

describe('a deployment that names a sale which was replaced', () => {
  test('says so to visitors, in the health check and in the log, and does not speak of an outage', async () => {
    await edge.send('/.waiting-room/sold/now')
    const next = await startEdge({ on: edge, rooms: { sold: room('sold', { sale: { name: 'summer' } }) } })
    const rolledBack = await startEdge({
      on: edge,
      rooms: { sold: room('sold', { sale: { name: 'spring' } }) },
      armed: false,
    })
    try {
      expect((await next.send('/.waiting-room/sold/now')).json).toMatchObject({ sale: 'summer' })
      const replaced = 'SALE "spring" of this room was replaced by "summer"'
      for (const answer of [
        await rolledBack.send('/.waiting-room/sold/now'),
        await rolledBack.post('/.waiting-room/sold/join', { 'idempotency-key': freshKey() }),
        await rolledBack.send('/shop', { headers: { host: 'sold.test' } }),
      ]) {
        expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable'])
        expect(answer.json.detail).toContain(replaced)
        expect(answer.json.detail).not.toContain('cannot be reached')
      }
      // An isolate that has served the sale all along hears of it as well, though the store has a fresh copy.
      await until('the first edge knows', async () => {
        const { status } = await edge.send('/healthz')
        return status === 503 ? true : undefined
      })
      for (const behind of [edge, rolledBack]) {
        const health = await behind.send('/healthz')
        expect([health.status, health.json]).toMatchObject([
          503,
          { status: 'failing', levels: { redis: 'ok', sale: 'replaced' }, warnings: [`sold: ${replaced}`] },
        ])
        expect(behind.logs.some((line) => line.includes('"sale_replaced"') && line.includes('summer'))).toBe(
          true,
        )
        expect(behind.logs.join('\n')).not.toContain('store_failing')
      }
      expect((await next.send('/healthz')).json).toMatchObject({ status: 'ok', levels: { sale: 'ok' } })
    } finally {
      await Promise.all([next.stop(), rolledBack.stop()])
    }
  })
})

test('entries of a draw are promised for the closing of their header, also when the opening is moved back', async () => {
  const entries = async () => {
    const { status, headers, text } = await edge.send('/.waiting-room/drawn/draw/entries')
    return { status, inSeconds: Number(headers['retry-after']), ...JSON.parse(text) }
  }
  await edge.post('/.waiting-room/drawn/join', { 'idempotency-key': freshKey() })
  await edge.send('/.waiting-room/admin/rooms/drawn', {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ event_start_time: new Date(Date.parse(OPENS) + 3_600_000).toISOString() }),
  })
  const now = await until('the opening is moved', async () => {
    const { json } = await edge.send('/.waiting-room/drawn/now')
    return Number(Object(json).startsAt) > Date.parse(OPENS) ? json : undefined
  })
  expect(now.state).toBe('prequeue')
  const early = await entries()
  expect(early).toMatchObject({ status: 409, code: 'draw_not_closed', closesAt: OPENS })
  expect(early.inSeconds).toBeLessThanOrEqual(3_600)
})

describe('npm run arm', () => {
  async function someServer(): Promise<{ url: string; stop(): Promise<unknown> }> {
    const server = createServer((_, response) => response.end('Welcome')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
    return {
      url: `http://127.0.0.1:${address.port}`,
      stop() {
        server.close()
        return once(server, 'close')
      },
    }
  }

  async function arm(url: string, token: string): Promise<{ status: number; output: string }> {
    const { promise, resolve } = Promise.withResolvers<{ status: number; output: string }>()
    const env = { ...process.env, ADMIN_TOKEN: token }
    execFile(process.execPath, [PROGRAM, url], { env }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
    })
    return await promise
  }

  test('says in one sentence why it could not arm', async () => {
    const [another, nobody] = await Promise.all([someServer(), someServer()])
    await nobody.stop()
    for (const [url, token, words] of [
      [edge.url, 'not-the-token-of-this-deployment', 'does not accept this ADMIN_TOKEN'],
      [nobody.url, 'any', 'cannot be reached: connect ECONNREFUSED'],
      ['shop.example', 'any', '"shop.example" is no address'],
      [another.url, 'any', 'did not arm its rooms, status 200: the answer is not that of a waiting room'],
    ] as const) {
      const { status, output } = await arm(url, token)
      expect(output).toContain(words)
      expect([status, output.trimEnd().split('\n').length], output).toEqual([1, 1])
    }
    await another.stop()
  })

  test('tells what each room answered', async () => {
    const { status, output } = await arm(edge.url, edge.secrets.ADMIN_TOKEN)
    expect(status, output).toBe(0)
    expect(output).toContain('lost (sale "default"): known')
  })
})
