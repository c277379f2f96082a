// A lottery from the first entry to the claim, on the real Worker: what the page and a program see, and what anybody can
// check afterwards.

import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRooms } from '../../src/config/room.ts'
import { drawDocument, type DrawDocument } from '../../src/draw/document.ts'
import { verifyDraw } from '../../src/draw/verify.ts'
import { parseRoomId, parseVisitorId } from '../../src/ids.ts'
import { createRedis } from '../../src/redis/client.ts'
import { createQueueStore } from '../../src/redis/queue.ts'
import { cookieHeader, freshKey, REDIS_TOKEN, startEdge, until, type Answer, type Edge } from './support.ts'

const raise = (what: string): never => {
  throw new Error(`${what} of this form is valid`)
}

const DRAW_SECRET = 'a-draw-secret-of-at-least-forty-three-characters'
const HOUR_MS = 3_600_000
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
const lottery = (more: Record<string, unknown> = {}) => ({
  queueing_method: 'lottery',
  prequeue_start_time: inMs(-HOUR_MS),
  event_start_time: inMs(HOUR_MS),
  total_active_users: 3,
  burst: 3,
  ...more,
})

let beacon: Server
/** What the beacon answers for a round; undefined while it gives nothing. */
let randomness: string | undefined
const signature = randomBytes(48).toString('hex')
const honest = createHash('sha256').update(Buffer.from(signature, 'hex')).digest('hex')
let edge: Edge

beforeAll(async () => {
  beacon = createServer((request, response) => {
    const round = Number(/\/public\/(\d+)$/.exec(request.url ?? '')?.[1])
    if (randomness === undefined) response.writeHead(425).end()
    else response.end(JSON.stringify({ round, randomness, signature }))
  }).listen(0, '127.0.0.1')
  await once(beacon, 'listening')
  const address = beacon.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  const chain = { url: `http://127.0.0.1:${address.port}/chain`, genesis: 1_600_000_000, period: 1 }
  edge = await startEdge({
    vars: { DRAW_SECRET },
    rooms: {
      // A drawn place lies below every floor: there the time of the token counts.
      plain: lottery({ paths: ['/plain/*'], sale: { floor: inMs(-2 * HOUR_MS) } }),
      beacon: lottery({ paths: ['/beacon/*'], draw_beacon: chain }),
      foreign: lottery({ paths: ['/foreign/*'] }),
      unseen: lottery({ paths: ['/unseen/*'] }),
      forgotten: lottery({ paths: ['/forgotten/*'], paused: true, sale: { floor: inMs(-2 * HOUR_MS) } }),
      big: lottery({ paths: ['/big/*'], paused: true }),
      fifo: { paths: ['/fifo/*'] },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  beacon.close()
})

const join = (room: string, headers: Record<string, string> = {}): Promise<Answer> =>
  edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey(), ...headers })
interface Now {
  readonly state: string
  readonly called: number
  readonly draw: { readonly complete: boolean; readonly round: number }
}
const now = async (room: string): Promise<Now> =>
  JSON.parse((await edge.send(`/.waiting-room/${room}/now`)).text)
const documentOf = async (room: string): Promise<DrawDocument> =>
  drawDocument.parse(JSON.parse((await edge.send(`/.waiting-room/${room}/draw`)).text))
const entriesOf = async (document: DrawDocument): Promise<Answer> => {
  const { pathname, search } = new URL(document.entriesUrl)
  return await edge.send(pathname + search)
}
/** As the operator does who brings the opening forward. */
async function open(room: string): Promise<void> {
  const answer = await edge.send(`/.waiting-room/admin/rooms/${room}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ event_start_time: inMs(-1_000) }),
  })
  expect(answer.status, answer.text).toBe(200)
}
const complete = (room: string) =>
  until(`the draw of ${room} is complete`, async () => {
    const snapshot = await now(room)
    return snapshot.draw.complete ? snapshot : undefined
  })

describe('a lottery', () => {
  it('commits before the first entry, hides its list until the closing, and can be computed again afterwards', async () => {
    const before = await documentOf('plain')
    expect(before).toMatchObject({ entries: 0, head: null, header: null, secret: null, complete: false })
    expect(before.commitment).toMatch(/^[0-9a-f]{64}$/)

    const joined: Answer[] = []
    for (let i = 0; i < 5; i += 1) joined.push(await join('plain'))
    const lastEntryMs = Date.now()
    joined.push(await join('plain'))
    for (const [i, { status, text }] of joined.entries()) {
      expect([status, JSON.parse(text)]).toMatchObject([
        201,
        { state: 'entered', position: null, entry: { number: i + 1, entries: i + 1 }, etaSeconds: null },
      ])
    }
    const token = decodeJwt(joined[2]?.json.queueToken ?? '')
    expect(token).toMatchObject({ ent: 3, cnt: 3, hed: expect.stringMatching(/^[0-9a-f]{64}$/) })
    // Valid until a day after the opening, however long the pre-queue is.
    expect(token.exp).toBeGreaterThan((Date.now() + HOUR_MS) / 1_000 + 86_000)

    // Who leaves and comes back with the token has the same line again.
    const returning = { authorization: `Bearer ${joined[1]?.json.queueToken}` }
    expect((await edge.post('/.waiting-room/plain/leave', returning)).status).toBe(204)
    const back = await join('plain', returning)
    expect([back.status, JSON.parse(back.text)]).toMatchObject([201, { entry: { number: 2, entries: 6 } }])

    const early = await edge.send('/.waiting-room/plain/draw/entries')
    expect([early.status, early.json.code]).toEqual([409, 'draw_not_closed'])
    expect(Number(early.headers['retry-after'])).toBeGreaterThan(60)
    const status = await edge.send('/.waiting-room/plain/status', {
      headers: { cookie: cookieHeader(joined[0]?.cookies ?? {}) },
    })
    expect(JSON.parse(status.text)).toMatchObject({ state: 'entered', position: null, entry: { number: 1 } })
    const early2 = await edge.post('/.waiting-room/plain/claim', {
      cookie: cookieHeader(joined[0]?.cookies ?? {}),
    })
    expect([early2.status, JSON.parse(early2.text).state]).toEqual([202, 'entered'])

    await open('plain')
    const snapshot = await complete('plain')
    expect(snapshot).toMatchObject({ epoch: 2, draw: { entries: 6, commitment: before.commitment } })

    const document = await documentOf('plain')
    const entries = await entriesOf(document)
    expect(entries.headers['cache-control']).toContain('immutable')
    // The opening was moved to before the last entry: what is told is when entries closed.
    expect(Date.parse(document.closes)).toBeGreaterThanOrEqual(lastEntryMs)
    const kept = { prefix: { entries: Number(token['cnt']), head: String(token['hed']) } }
    const { findings, order } = await verifyDraw(document, new TextEncoder().encode(entries.text), kept)
    expect(findings.filter(({ verdict }) => verdict === 'fails')).toEqual([])
    expect(findings.map(({ text }) => text).join(' ')).not.toContain('Lines that repeat an id')
    expect(findings.map(({ text }) => text).join(' ')).toContain('No beacon: the operator knew the secret')

    // Everyone presents the entry and gets the place drawn; whoever is called may claim with it directly.
    const rank = (answer: Answer) => order.findIndex(({ visitor }) => visitor === answer.json.visitor)
    const inOrder = joined.toSorted((a, b) => rank(a) - rank(b))
    await until('the first three are called', async () =>
      (await now('plain')).called === 3 ? true : undefined,
    )
    const first = inOrder[0]
    const claim = await edge.post('/.waiting-room/plain/claim', {
      authorization: `Bearer ${first?.json.queueToken}`,
    })
    expect(claim.status, claim.text).toBe(200)
    for (const [i, answer] of inOrder.slice(3).entries()) {
      const again = await join('plain', { cookie: cookieHeader(answer.cookies) })
      expect([again.status, again.json]).toMatchObject([
        201,
        {
          state: 'waiting',
          ahead: i,
          position: i + 1,
          place: order[i + 3]?.place,
          visitor: answer.json.visitor,
        },
      ])
      expect(JSON.parse(again.text).entry).toBeUndefined()
      expect(decodeJwt(again.json.queueToken)['ent']).toBeUndefined()
      // The drawn place is its own proof from now on.
      const status = await edge.send('/.waiting-room/plain/status', {
        headers: { authorization: `Bearer ${again.json.queueToken}` },
      })
      expect(status.json).toMatchObject({ position: i + 1, place: order[i + 3]?.place })
    }
    const late = await join('plain')
    expect(late.json).toMatchObject({ position: 4, place: expect.any(Number) })
    expect(late.json.place).toBeGreaterThan(2 ** 50)
  })

  it('waits for its beacon, takes no value that does not hang together, and says so', async () => {
    for (let i = 0; i < 5; i += 1) await join('beacon')
    await open('beacon')
    // The round of the promised closing lies an hour ahead; as if that hour had passed.
    const key = 'wr:{beacon}:state'
    const header = (await edge.redis.hget(key, 'draw_header')) ?? ''
    const round = Number(/round=(\d+)/.exec(header)?.[1])
    expect(round).toBeGreaterThan((Date.now() + HOUR_MS) / 1_000 - 1_600_000_000)
    const { draw, state } = await now('beacon')
    expect([state, draw.round]).toEqual(['drawing', round])
    const stillWaiting = await edge.send('/healthz')
    expect(stillWaiting.json).toMatchObject({ levels: { draw: 'ok' } })

    // A beacon that is behind its times: asked, and not believed.
    const past = Math.floor(Date.now() / 1_000) - 1_600_000_000 - 5
    await edge.redis.hset(key, {
      draw_round: String(past),
      draw_header: header.replace(`round=${round}`, `round=${past}`),
    })
    await until('the health check tells that the beacon gives nothing', async () => {
      const health = JSON.parse((await edge.send('/healthz')).text)
      return health.levels.draw === 'failing' && String(health.warnings).includes('425') ? true : undefined
    })
    randomness = createHash('sha256').update('invented').digest('hex')
    await until('the answer is refused', async () => {
      const { warnings } = JSON.parse((await edge.send('/healthz')).text)
      return String(warnings).includes('not the SHA-256 of its signature') ? true : undefined
    })
    expect(edge.logs.some((line) => line.includes('draw_stands_still'))).toBe(true)
    expect((await now('beacon')).state).toBe('drawing')

    randomness = honest
    const snapshot = await complete('beacon')
    expect(snapshot.draw).toMatchObject({ beacon: honest, secret: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const health = await until('all is well', async () => {
      const answer = await edge.send('/healthz')
      return answer.status === 200 ? answer : undefined
    })
    expect(health.json).toMatchObject({ levels: { draw: 'ok' }, warnings: [] })
  })

  it('refuses to draw under another secret than the one committed to', async () => {
    await join('foreign')
    const key = 'wr:{foreign}:state'
    const header = (await edge.redis.hget(key, 'draw_header')) ?? ''
    const foreign = createHash('sha256').update('another secret').digest('hex')
    await edge.redis.hset(key, 'draw_header', header.replace(/commitment=\w+/, `commitment=${foreign}`))
    await open('foreign')
    await until('the health check says so', async () => {
      const health = JSON.parse((await edge.send('/healthz')).text)
      return String(health.warnings).includes('foreign: DRAW_SECRET is not the one') ? true : undefined
    })
    expect(await now('foreign')).toMatchObject({
      state: 'drawing',
      draw: { commitment: foreign, secret: null },
    })
    await edge.redis.hset(key, 'draw_header', header)
    await complete('foreign')
  })

  it('is drawn by cron where nobody looks', async () => {
    const answers = [await join('unseen'), await join('unseen')]
    await open('unseen')
    await edge.scheduled()
    expect(await edge.redis.hget('wr:{unseen}:state', 'drawn')).toBe('1')
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
  })

  it('outlives its store: entries have the places drawn, and the list is said to be lost', async () => {
    const token = { authorization: '' }
    const entered = await join('forgotten')
    token.authorization = `Bearer ${entered.json.queueToken}`
    for (let i = 0; i < 3; i += 1) await join('forgotten')
    await open('forgotten')
    await complete('forgotten')
    const document = await documentOf('forgotten')
    const { order } = await verifyDraw(document, new TextEncoder().encode((await entriesOf(document)).text))
    const drawn = order.find(({ visitor }) => visitor === entered.json.visitor)

    await edge.redis.del(...(await edge.redis.keys('wr:{forgotten}:*')))
    await until('the loss is noticed', async () =>
      (await now('forgotten')).state === 'recovering' ? true : undefined,
    )
    const back = await join('forgotten', token)
    expect([back.status, back.json]).toMatchObject([201, { place: drawn?.place, visitor: drawn?.visitor }])
    const lost = await entriesOf(document)
    expect([lost.status, lost.json.code]).toEqual([410, 'draw_entries_lost'])
    expect(await documentOf('forgotten')).toMatchObject({ head: document.head, secret: document.secret })
  })

  it('sends a list of many pages, which the command line checks from its address', async () => {
    const commitment = (await documentOf('big')).commitment
    const room = parseRooms({ big: lottery() }).get(parseRoomId('big') ?? raise('a room id'))
    if (room === undefined) throw new Error('parseRooms returns the room that it was given')
    const redis = createRedis({ url: edge.gateway.url, token: REDIS_TOKEN, timeoutMs: 20_000 })
    const store = createQueueStore(redis, { commitments: new Map([[room.id, commitment]]) })
    const seen = { epoch: 0, place: 0, serving: 0, settled: 0, sessions: 0 }
    for (let from = 0; from < 21_000; from += 500) {
      const entries = Array.from({ length: 500 }, (_, i) => {
        const id = createHash('sha256')
          .update(`${from + i}`)
          .digest('base64url')
          .slice(0, 24)
        return { visitor: parseVisitorId(id) ?? raise('a visitor id') }
      })
      await store.join(room, entries, seen)
    }
    await open('big')
    const snapshot = await complete('big')
    expect(snapshot.draw).toMatchObject({ entries: 21_000 })
    const document = await documentOf('big')
    const command = fileURLToPath(new URL('../../local/verify-draw.ts', import.meta.url))
    const { promise, resolve } = Promise.withResolvers<{ error: unknown; stdout: string }>()
    const entriesUrl = `${edge.url}${new URL(document.entriesUrl).pathname}${new URL(document.entriesUrl).search}`
    execFile(process.execPath, [command, `${edge.url}/.waiting-room/big/draw`, entriesUrl], (error, stdout) =>
      resolve({ error, stdout }),
    )
    const { error, stdout } = await promise
    expect(stdout).toContain('This draw holds.')
    expect(stdout).toContain('First of 21000, as drawn')
    expect(error).toBeNull()

    // Asked for its headers alone it is not sent, and nothing is held by such questions.
    const { pathname, search } = new URL(document.entriesUrl)
    for (let asked = 0; asked < 8; asked += 1) {
      const answer = await edge.send(pathname + search, { method: 'HEAD' })
      expect([answer.status, answer.text]).toEqual([200, ''])
      expect(answer.headers['cache-control']).toContain('immutable')
    }
    expect((await entriesOf(document)).status).toBe(200)
  })

  it('is not drawn where there is none', async () => {
    for (const path of ['draw', 'draw/entries']) {
      const answer = await edge.send(`/.waiting-room/fifo/${path}`)
      expect([answer.status, answer.json.code]).toEqual([404, 'draw_none'])
    }
    const unknown = await edge.send(`/.waiting-room/plain/draw/entries?head=${'0'.repeat(64)}`)
    expect([unknown.status, unknown.json.code]).toEqual([404, 'not_found'])
  })
})

it('a lottery without DRAW_SECRET is a fault of the configuration', async () => {
  const without = await startEdge({ rooms: { demo: lottery() }, without: ['DRAW_SECRET'] })
  try {
    const answer = await without.send('/healthz')
    expect([answer.status, answer.json.faults]).toEqual([
      503,
      [expect.stringContaining('DRAW_SECRET is missing')],
    ])
  } finally {
    await without.stop()
  }
})
