// The origin's application over HTTP against its real parts: Postgres behind the Neon gateway, Redis behind the Upstash
// gateway, the payment simulator on an origin of its own. One per test file; everything listens on loopback only.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { startPaymentSimulator, type PaymentSimulator } from '../../local/payments/simulator.ts'
import { startRedis } from '../../local/redis.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { app } from '../../origin/app.ts'
import type { OriginEnv, Parts } from '../../origin/env.ts'
import { partsOf } from '../../origin/parts.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../src/ids.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { startDatabase, type TestDatabase } from './database.ts'
import { expectDescribed } from './described.ts'
import type { EventInput } from './small-event.ts'

export type Env = OriginEnv['Bindings']

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // Bodies are looked into freely by tests.
  readonly body: Record<string, never> & Record<string, unknown>
}

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

export interface SessionTimes {
  readonly sessionEndsInMs?: number
  /** From now. */
  readonly extendedByMs?: number
}

export interface TestOrigin {
  readonly url: string
  readonly env: Env
  readonly parts: Parts
  readonly database: TestDatabase
  readonly redis: UpstashGateway
  /** Past the gateway, for looking at what was written. */
  readonly redisUrl: string
  readonly payments: PaymentSimulator
  request(path: string, options?: RequestOptions): Promise<Answer>
  /** Header of a visitor admitted to the room; each call is another visitor. */
  admit(room?: string, session?: SessionTimes): Promise<Record<string, string>>
  /** The same visitor's header, of a token that ended an hour ago. */
  outdated(visitor: Record<string, string>): Promise<Record<string, string>>
  importEvent(event: EventInput): Promise<void>
  /** Everything that handlers gave to `waitUntil` so far. */
  settled(): Promise<void>
  stop(): Promise<void>
}

const random = () => randomBytes(18).toString('base64url')
/** A fresh Idempotency-Key. */
export const newKey = random

export async function startOrigin(vars: Readonly<Record<string, unknown>> = {}): Promise<TestOrigin> {
  const database = await startDatabase()
  const redisServer = await startRedis()
  const upstashToken = random()
  const redis = await startUpstashGateway({ redisUrl: redisServer.url, token: upstashToken })
  const [secrets, webhookSecret, secretKey] = [
    await makeSecrets(),
    `whsec_${random()}`,
    `sk_test_${random()}`,
  ]
  const payments = await startPaymentSimulator({ secretKey, webhookSecret, webhookRetryMs: [] })
  const env = {
    ISSUER: 'foyer',
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: upstashToken,
    DATABASE_URL: database.gateway.connectionString,
    NEON_ENDPOINT: database.gateway.endpoint,
    ADMISSION_JWKS: secrets.ADMISSION_JWKS,
    TICKET_KEYS: secrets.TICKET_KEYS,
    ADMIN_TOKEN: secrets.ADMIN_TOKEN,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    PAYMENT_API_URL: payments.url,
    PAYMENT_PAGE_URL: payments.url,
    HOLD_SECONDS: 300,
    HOLD_MAX_SECONDS: 900,
    SEATS_PER_HOLD: 8,
    SEATS_PER_BUYER: 8,
    HOLDS_PER_MINUTE: 10_000,
    ORDERS_PER_MINUTE: 10_000,
    ...vars,
  } as unknown as Env
  const admissionKeys = await importPrivateKeys(privateKeySet.parse(secrets.ADMISSION_KEYS))

  const pending: Promise<unknown>[] = []
  const context = {
    waitUntil: (work: Promise<unknown>) => void pending.push(work),
    passThroughOnException: () => {},
    props: {},
  }
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const response = await app.fetch(await toRequest(incoming), env, context)
      outgoing.writeHead(response.status, [...response.headers].flat())
      outgoing.end(Buffer.from(await response.arrayBuffer()))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  payments.settings.webhookUrl = `${url}/webhooks/payments`

  const request = async (path: string, { method, headers = {}, body }: RequestOptions = {}) => {
    const used = method ?? (body === undefined ? 'GET' : 'POST')
    const response = await fetch(url + path, {
      method: used,
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    await expectDescribed(used, url + path, response)
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (json ? JSON.parse(text) : {}) as Answer['body'],
    }
  }

  return {
    url,
    env,
    parts: { ...(await partsOf(env)), waitUntil: context.waitUntil },
    database,
    redis,
    redisUrl: redisServer.url,
    payments,
    request,
    async admit(room = 'demo', { sessionEndsInMs = 3_600_000, extendedByMs }: SessionTimes = {}) {
      const [id, visitor, session] = [parseRoomId(room), parseVisitorId(random()), parseSessionId(random())]
      if (!id || !visitor || !session) throw new Error('an id of the test is malformed')
      const nowMs = Date.now()
      const claims = {
        room: id,
        visitor,
        session,
        sale: 'default',
        expiresAtMs: nowMs + 600_000,
        sessionEndMs: nowMs + sessionEndsInMs,
        ...(extendedByMs !== undefined && { extendedUntilMs: nowMs + extendedByMs }),
      }
      const token = await signAdmissionToken(claims, admissionKeys, { issuer: 'foyer', nowMs })
      return { 'waiting-room-token': token }
    },
    async outdated(visitor) {
      const { aud, sub, jti } = decodeJwt(visitor['waiting-room-token'] ?? '')
      const room = parseRoomId(String(aud))
      const [id, session] = [parseVisitorId(String(sub)), parseSessionId(String(jti))]
      if (!room || !id || !session) throw new Error('the header has no token of the test')
      const nowMs = Date.now() - 3_600_000
      const times = { expiresAtMs: nowMs + 60_000, sessionEndMs: nowMs + 3_600_000 }
      const claims = { room, visitor: id, session, sale: 'default', ...times }
      const token = await signAdmissionToken(claims, admissionKeys, { issuer: 'foyer', nowMs })
      return { 'waiting-room-token': token }
    },
    async importEvent(event) {
      const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` }
      const { status, text, body } = await request('/api/admin/events/import', { headers, body: event })
      if (status !== 202) throw new Error(`the import answered ${status}: ${text}`)
      // The job itself runs beside the answer, and beside each look at it.
      for (let done = false; !done;) {
        const progress = await request(String(body['statusUrl']), { headers })
        if (progress.body['status'] === 'failed') throw new Error(`the import has failed: ${progress.text}`)
        done = progress.body['status'] === 'done'
      }
    },
    async settled() {
      await Promise.all(pending)
    },
    async stop() {
      await Promise.all(pending)
      await payments.stop()
      server.closeAllConnections()
      server.close()
      await redis.stop()
      await redisServer.stop()
      await database.stop()
    },
  }
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value))
  const method = incoming.method ?? 'GET'
  return new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method,
    headers,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  })
}
