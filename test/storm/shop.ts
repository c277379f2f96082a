// What a storm blows against: the origin in the Workers' runtime, its stores behind their gateways, and the payment simulator.
// Postgres and Redis are started once; each storm has a database of its own, copied from one that has the hall, and a Worker
// of its own, patched or not. Everything listens on loopback only.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { Client } from 'pg'
import type { Faults } from '../../local/faults.ts'
import { migrate } from '../../local/migrate.ts'
import { startNeonGateway } from '../../local/neon/gateway.ts'
import type { SqlRequest } from '../../local/neon/request.ts'
import { startPaymentSimulator, type PaymentSimulator } from '../../local/payments/simulator.ts'
import { startPostgres } from '../../local/postgres.ts'
import { startRedis } from '../../local/redis.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { startUpstashGateway } from '../../local/upstash/gateway.ts'
import type { CommandRequest } from '../../local/upstash/request.ts'
import { ROOT } from '../../local/workers.ts'
import { eventFile } from '../../origin/import/event-file.ts'
import { createDatabase } from '../../src/db/client.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../src/ids.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { bringEvent } from '../origin/bring-event.ts'
import type { Hall } from './hall.ts'
import { bundleOrigin, type Patch } from './patched-origin.ts'

const RUNTIME = { compatibilityDate: '2026-11-01', compatibilityFlags: ['no_nodejs_compat'] }
const SECRET = 'of-this-storm'
const HOUR_MS = 3_600_000

/** The whole of a running shop, whoever started it. */
export interface Shop {
  readonly url: string
  readonly hall: Hall
  readonly adminToken: string
  /** Past the gateways. */
  readonly redis: Redis
  readonly query: <Row = Record<string, unknown>>(text: string, params?: unknown[]) => Promise<Row[]>
  readonly upstash: Faults<CommandRequest>
  readonly neon: Faults<SqlRequest>
  readonly payments: PaymentSimulator
  /** Headers of a visitor of their own. */
  readonly admit: () => Promise<Record<string, string>>
  /** The origin's cron, once. */
  readonly cron: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Settings under which nothing but the seats limits anybody. */
export const WIDE = {
  HOLDS_PER_MINUTE: 100_000,
  ORDERS_PER_MINUTE: 100_000,
  SEATS_PER_HOLD: 8,
  SEATS_PER_BUYER: 8,
}

export interface ShopOptions {
  readonly patches?: readonly Patch[]
  /** Run on the storm's own database before it begins. */
  readonly sql?: string
}

export interface Grounds {
  readonly open: (options?: ShopOptions) => Promise<Shop>
  readonly stop: () => Promise<void>
}

/** Stores and a database with the hall; `open` gives a shop on a copy of it. One at a time: they share Redis. */
export async function prepareGrounds(hall: Hall): Promise<Grounds> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-storm-'))
  const [server, postgres] = await Promise.all([
    startRedis(),
    startPostgres({ dataDir: join(folder, 'postgres'), persistent: false }),
  ])
  await migrate(postgres.url, join(ROOT, 'migrations'))
  const neon = await startNeonGateway({ databaseUrl: postgres.url, password: SECRET })
  await bringEvent(
    createDatabase({ url: neon.connectionString, endpoint: neon.endpoint }),
    eventFile.parse(hall.event),
  )
  // A database with connections cannot be copied.
  await neon.stop()
  let storms = 0
  return {
    open: (options = {}) => {
      storms += 1
      return openShop({
        hall,
        redisUrl: server.url,
        postgresUrl: postgres.url,
        name: `storm_${storms}`,
        ...options,
      })
    },
    async stop() {
      await postgres.stop()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function openShop({
  hall,
  redisUrl,
  postgresUrl,
  name,
  patches = [],
  sql,
}: ShopOptions & { hall: Hall; redisUrl: string; postgresUrl: string; name: string }): Promise<Shop> {
  const script = await bundleOrigin(patches)
  const databaseUrl = await copyDatabase(postgresUrl, name)
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  if (sql !== undefined) await client.query(sql)
  const redis = new Redis(redisUrl)
  await redis.flushall()
  const upstash = await startUpstashGateway({ redisUrl, token: SECRET })
  const neon = await startNeonGateway({ databaseUrl, password: SECRET, poolSize: 16 })
  const secrets = await makeSecrets()
  const [secretKey, webhookSecret] = ['sk_test_of_this_storm', 'whsec_of_this_storm']
  const payments = await startPaymentSimulator({ secretKey, webhookSecret, webhookRetryMs: [200, 1_000] })
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      // The errors of a storm are its weather.
      handleStructuredLogs: () => {},
      workers: [
        {
          name: 'origin',
          ...RUNTIME,
          modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
          bindings: {
            ISSUER: 'foyer',
            UPSTASH_REDIS_REST_URL: upstash.url,
            UPSTASH_REDIS_REST_TOKEN: SECRET,
            DATABASE_URL: neon.connectionString,
            NEON_ENDPOINT: neon.endpoint,
            ADMISSION_JWKS: secrets.ADMISSION_JWKS,
            TICKET_KEYS: secrets.TICKET_KEYS,
            ADMIN_TOKEN: secrets.ADMIN_TOKEN,
            STRIPE_SECRET_KEY: secretKey,
            STRIPE_WEBHOOK_SECRET: webhookSecret,
            PAYMENT_API_URL: payments.url,
            PAYMENT_PAGE_URL: payments.url,
            ...WIDE,
          },
        },
      ],
    }),
  )
  const url = (await miniflare.ready).origin
  payments.settings.webhookUrl = `${url}/webhooks/payments`
  return {
    url,
    hall,
    adminToken: secrets.ADMIN_TOKEN,
    redis,
    upstash: upstash.faults,
    neon: neon.faults,
    payments,
    query: async <Row>(text: string, params?: unknown[]) => (await client.query(text, params)).rows as Row[],
    admit: admission(secrets.ADMISSION_KEYS),
    async cron() {
      const worker = await miniflare.getWorker('origin')
      await worker.scheduled({ cron: '* * * * *' })
    },
    async stop() {
      await payments.stop()
      await miniflare.dispose()
      await neon.stop()
      await upstash.stop()
      redis.disconnect()
      await client.end()
    },
  }
}

async function copyDatabase(postgresUrl: string, name: string): Promise<string> {
  const from = new URL(postgresUrl)
  const template = from.pathname.slice(1)
  const admin = new Client({ connectionString: new URL('/postgres', from).href })
  await admin.connect()
  await admin.query(`create database "${name}" template "${template}"`)
  await admin.end()
  return new URL(`/${name}`, from).href
}

/** Signs tokens as the edge does, each of a visitor and session of its own. */
export function admission(admissionKeys: string): Shop['admit'] {
  const keys = importPrivateKeys(privateKeySet.parse(admissionKeys))
  let visitors = 0
  return async () => {
    const name = crypto.randomUUID().replaceAll('-', '')
    const [room, visitor, session] = [parseRoomId('demo'), parseVisitorId(name), parseSessionId(name)]
    if (!room || !visitor || !session) throw new Error('an id of the storm is malformed')
    const nowMs = Date.now()
    const times = { expiresAtMs: nowMs + HOUR_MS, sessionEndMs: nowMs + HOUR_MS }
    const claims = { room, visitor, session, sale: 'default', ...times }
    visitors += 1
    return {
      'waiting-room-token': await signAdmissionToken(claims, await keys, { issuer: 'foyer', nowMs }),
      'cf-connecting-ip': `198.18.${Math.floor(visitors / 250) % 250}.${visitors % 250}`,
    }
  }
}
