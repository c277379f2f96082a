// The origin's application with every store behind it, for one test file: Postgres behind the Neon gateway, Redis behind
// the Upstash gateway, and visitors whose admission tokens are signed as the edge signs them. Used by test/holds only.

import { Redis as RawRedis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, vi } from 'vitest'
import type { Faults } from '../../local/faults.ts'
import { startRedis } from '../../local/redis.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { app } from '../../origin/app.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../src/ids.ts'
import { createRedis } from '../../src/redis/client.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { createSeatStore, type SeatStore } from '../../src/redis/seats.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { bringEvent } from '../origin/bring-event.ts'
import { startDatabase, type TestDatabase } from '../origin/database.ts'
import { expectDescribed } from '../origin/described.ts'
import { PERFORMANCE, smallEvent } from '../origin/small-event.ts'

export const TOKEN = 'a-token-for-tests'
export const HOLDS = `/api/performances/${PERFORMANCE}/holds`
export const AVAILABILITY = `/api/performances/${PERFORMANCE}/availability`
export { PERFORMANCE }

export interface Visitor {
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  delete(path: string, headers?: Record<string, string>): Promise<Response>
  /** Posts a hold for these seats. */
  hold(seats: readonly string[], headers?: Record<string, string>): Promise<Response>
}

interface SessionTimes {
  readonly sessionEndMs?: number
  readonly extendedUntilMs?: number
}

export interface Origin {
  readonly database: TestDatabase
  readonly upstash: UpstashGateway
  readonly raw: RawRedis
  /** The seats past the origin, as another isolate writes them. */
  readonly seats: SeatStore
  /**
   * Somebody who was admitted to `room`; `vars` are settings of a Worker of their own. Their session ends in an hour, or at
   * `sessionEndMs`, and was extended to `extendedUntilMs`.
   */
  visitor(
    name: string,
    options?: { room?: string; vars?: Record<string, unknown> } & SessionTimes,
  ): Promise<Visitor>
  /** Posts as an operator. */
  admin(path: string, body: unknown, token?: string): Promise<Response>
  /** The whole map as Redis has it, without asking the origin. */
  map(): Promise<string | null>
  /** Marks seats as sold in Postgres alone, as if Redis had never heard. */
  sellInPostgres(ordinals: readonly number[]): Promise<void>
}

export function setUpOrigin(): Origin {
  let parts: Origin | undefined
  let stop = async () => {}
  // A Worker is known by its bindings: each test has one of its own.
  let worker: object = {}
  let nextWorker = () => {}
  const running = () => {
    if (parts === undefined) throw new Error('the origin is not running yet')
    return parts
  }
  beforeAll(async () => {
    const [database, redis, secrets] = await Promise.all([startDatabase(), startRedis(), makeSecrets()])
    const upstash = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
    const raw = new RawRedis(redis.url)
    await bringEvent(database.db, eventFile.parse(smallEvent()))
    const keys = await importPrivateKeys(privateKeySet.parse(secrets.ADMISSION_KEYS))
    const { ADMISSION_JWKS, TICKET_KEYS, ADMIN_TOKEN } = secrets
    const env = {
      ADMISSION_JWKS,
      TICKET_KEYS,
      ADMIN_TOKEN,
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: TOKEN,
      DATABASE_URL: database.gateway.connectionString,
      NEON_ENDPOINT: database.gateway.endpoint,
      STRIPE_SECRET_KEY: 'sk_test_of_this_test',
      STRIPE_WEBHOOK_SECRET: 'whsec_of_this_test',
      PAYMENT_PAGE_URL: 'http://127.0.0.1:1',
      HOLDS_PER_MINUTE: 10_000,
    }
    nextWorker = () => (worker = { ...env })
    parts = {
      database,
      upstash,
      raw,
      seats: createSeatStore(createRedis({ url: upstash.url, token: TOKEN })),
      map: () => raw.get(performanceKeys(PERFORMANCE).map),
      admin: (path, body, token = ADMIN_TOKEN) =>
        visitorOf('', worker).post(path, body, { authorization: `Bearer ${token}` }),
      visitor: async (name, { room = 'demo', vars, ...times } = {}) => {
        const token = await admissionToken(name, { room, keys, times })
        return visitorOf(token, vars === undefined ? worker : { ...env, ...vars })
      },
      async sellInPostgres(ordinals) {
        const order = `order-${crypto.randomUUID()}`
        await database.query(
          `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key,
             status, seats, seat_count, total_minor, currency, pay_by)
           values ($1, $1, $2, $1, 's', 'B', 'b@example.com', $1, 'paid', '[]', 0, 0, 'EUR', now())`,
          [order, PERFORMANCE],
        )
        await database.query(
          `insert into order_items (order_id, performance_id, seat_ordinal, price_minor, fee_minor)
           select $1, $2, unnest($3::int[]), 0, 0`,
          [order, PERFORMANCE, ordinals],
        )
      },
    }
    stop = async () => {
      await settled()
      raw.disconnect()
      await upstash.stop()
      await redis.stop()
      await database.stop()
    }
  })
  beforeEach(async () => {
    const { database, raw, upstash } = running()
    await settled()
    nextWorker()
    upstash.faults.clear()
    database.gateway.faults.clear()
    await raw.flushdb()
    await database.query('delete from order_items')
  })
  afterAll(() => stop())
  return {
    get database() {
      return running().database
    },
    get upstash() {
      return running().upstash
    },
    get raw() {
      return running().raw
    },
    get seats() {
      return running().seats
    },
    visitor: (...args) => running().visitor(...args),
    admin: (...args) => running().admin(...args),
    map: () => running().map(),
    sellInPostgres: (ordinals) => running().sellInPostgres(ordinals),
  }
}

async function admissionToken(
  name: string,
  of: { room: string; keys: Awaited<ReturnType<typeof importPrivateKeys>>; times: SessionTimes },
): Promise<string> {
  const room = parseRoomId(of.room)
  const visitor = parseVisitorId(`visitor-${name}`.padEnd(16, '-'))
  const session = parseSessionId(`session-${name}`.padEnd(16, '-'))
  if (room === undefined || visitor === undefined || session === undefined)
    throw new Error(`bad name ${name}`)
  const nowMs = Date.now()
  const claims = { room, visitor, session, sale: 'test', expiresAtMs: nowMs + 600_000 }
  const times = { sessionEndMs: nowMs + 3_600_000, ...of.times }
  return signAdmissionToken({ ...claims, ...times }, of.keys, { issuer: 'foyer', nowMs })
}

// What handlers gave to `waitUntil`: it goes on beside their answers, and must not reach into the next test.
const pending = new Set<Promise<unknown>>()
const context = {
  waitUntil(work: Promise<unknown>) {
    pending.add(work)
    void work.finally(() => pending.delete(work))
  },
  passThroughOnException: () => {},
  props: {},
}

export async function settled(): Promise<void> {
  while (pending.size > 0) await Promise.all(pending)
}

function visitorOf(token: string, env: object): Visitor {
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const request = new Request(`http://origin.test${path}`, { method, ...init })
    request.headers.set('Waiting-Room-Token', token)
    const response = await app.fetch(request, env, context)
    await expectDescribed(method, request.url, response)
    return response
  }
  const post: Visitor['post'] = (path, body, headers) =>
    ask('POST', path, {
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    })
  return {
    get: (path, headers) => ask('GET', path, headers && { headers }),
    post,
    delete: (path, headers) => ask('DELETE', path, headers && { headers }),
    hold: (seats, headers) => post(HOLDS, { seats }, headers),
  }
}

/** Calls of one gateway that match, counted from now on; nothing is changed about them. */
export function countCalls<Request>(
  faults: Faults<Request>,
  matches: (request: Request) => boolean,
): () => number {
  let count = 0
  faults.set({ kind: 'duplicate' }, (request) => {
    if (matches(request)) count += 1
    return false
  })
  return () => count
}

/** For tests that break a store: the failures that the origin then logs are what is wanted. */
export function expectErrorsInLog(): void {
  const logged = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => {
    expect(logged).toHaveBeenCalled()
    logged.mockRestore()
  })
}
