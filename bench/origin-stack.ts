// What the benchmarks of seats and orders run against: Redis and Postgres behind their gateways, the payment simulator, the
// origin Worker as it is deployed, and beside it in the same workerd the designs that it is compared with. On loopback, in
// a temporary folder; `stop` leaves nothing behind.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { Redis as Connection } from 'ioredis'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { migrate } from '../local/migrate.ts'
import { startNeonGateway, type NeonGateway } from '../local/neon/gateway.ts'
import { startPaymentSimulator, type PaymentSimulator } from '../local/payments/simulator.ts'
import { startPostgres } from '../local/postgres.ts'
import { startRedis } from '../local/redis.ts'
import { makeSecrets } from '../local/secrets.ts'
import { startUpstashGateway, type UpstashGateway } from '../local/upstash/gateway.ts'
import { bundleWorker, ROOT } from '../local/workers.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../src/ids.ts'
import { signAdmissionToken } from '../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../src/tokens/keys.ts'
import { call } from './call.ts'

const DIRECT = { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] }
const RUNTIME = { compatibilityDate: '2026-11-01', compatibilityFlags: ['no_nodejs_compat'] }
const LIFE_MS = 3_600_000

export interface OriginStack {
  readonly origin: string
  /** `bench/seat-designs.ts`: a bare EVALSHA, and other ways to take a seat. */
  readonly designs: string
  readonly connection: Connection
  readonly neon: NeonGateway
  readonly upstash: UpstashGateway
  readonly databaseUrl: string
  readonly payments: PaymentSimulator
  readonly adminToken: string
  readonly folder: string
  /** The admission token of a visitor of their own. */
  admit(): Promise<string>
  /** Runs the origin's cron. */
  scheduled(): Promise<void>
  stop(): Promise<void>
}

export async function startOriginStack(vars: Readonly<Record<string, unknown>> = {}): Promise<OriginStack> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-bench-'))
  const redis = await startRedis({})
  const upstash = await startUpstashGateway({ redisUrl: redis.url, token: 'bench' })
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), persistent: false })
  await migrate(postgres.url, join(ROOT, 'migrations'))
  const neon = await startNeonGateway({ databaseUrl: postgres.url, password: 'bench', poolSize: 16 })
  const secrets = await makeSecrets()
  const [secretKey, webhookSecret] = ['sk_test_bench', 'whsec_bench']
  const payments = await startPaymentSimulator({ secretKey, webhookSecret })
  const stores = {
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: 'bench',
    DATABASE_URL: neon.connectionString,
    NEON_ENDPOINT: neon.endpoint,
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: () => {},
      workers: [
        {
          name: 'origin',
          ...RUNTIME,
          ...DIRECT,
          modules: await modulesOf(await bundleWorker('foyer-origin', join(folder, 'origin'))),
          bindings: {
            ...stores,
            ISSUER: 'foyer',
            ADMISSION_JWKS: secrets.ADMISSION_JWKS,
            TICKET_KEYS: secrets.TICKET_KEYS,
            ADMIN_TOKEN: secrets.ADMIN_TOKEN,
            STRIPE_SECRET_KEY: secretKey,
            STRIPE_WEBHOOK_SECRET: webhookSecret,
            PAYMENT_API_URL: payments.url,
            PAYMENT_PAGE_URL: payments.url,
            HOLDS_PER_MINUTE: 100_000,
            ORDERS_PER_MINUTE: 100_000,
            ...vars,
          },
        },
        {
          name: 'designs',
          ...RUNTIME,
          ...DIRECT,
          modules: [{ type: 'ESModule', path: 'index.js', contents: await bundledDesigns() }],
          bindings: stores,
        },
      ],
    }),
  )
  await miniflare.ready
  const origin = (await miniflare.unsafeGetDirectURL('origin')).origin
  const designs = (await miniflare.unsafeGetDirectURL('designs')).origin
  payments.settings.webhookUrl = `${origin}/webhooks/payments`
  const connection = new Connection(redis.url)
  const keys = await importPrivateKeys(privateKeySet.parse(secrets.ADMISSION_KEYS))
  return {
    origin,
    designs,
    connection,
    neon,
    upstash,
    databaseUrl: postgres.url,
    payments,
    adminToken: secrets.ADMIN_TOKEN,
    folder,
    async admit() {
      const [visitor, session] = [crypto.randomUUID(), crypto.randomUUID()]
      const claims = {
        room: known(parseRoomId('demo')),
        visitor: known(parseVisitorId(visitor.replaceAll('-', ''))),
        session: known(parseSessionId(session.replaceAll('-', ''))),
        sale: 'default',
        expiresAtMs: Date.now() + LIFE_MS,
        sessionEndMs: Date.now() + LIFE_MS,
      }
      return await signAdmissionToken(claims, keys, { issuer: 'foyer', nowMs: Date.now() })
    },
    async scheduled() {
      const worker = await miniflare.getWorker('origin')
      await worker.scheduled({ cron: '* * * * *' })
    },
    async stop() {
      await miniflare.dispose()
      connection.disconnect()
      await payments.stop()
      await neon.stop()
      await postgres.stop()
      await upstash.stop()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A hall of one section: so many rows of a hundred seats, `S-<row>-<seat>`, and performances `bench-1`, `bench-2`, … in it. */
export async function importHall(
  { origin, adminToken }: OriginStack,
  { rows, performances }: { rows: number; performances: number },
): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}` }
  const file = {
    format: 'foyer-event/1',
    event: { id: 'bench', name: 'Bench', currency: 'EUR' },
    performances: Array.from({ length: performances }, (_, index) => ({
      id: `${index + 1}`,
      name: `Night ${index + 1}`,
      startsAt: new Date(Date.now() + 7 * 24 * 3_600_000).toISOString(),
      room: 'demo',
      tiers: [{ id: 'one', name: 'One', price: 5_000, fee: 250 }],
    })),
    hall: {
      id: 'bench',
      name: 'Bench',
      sections: [
        {
          id: 'S',
          name: 'Stalls',
          tier: 'one',
          rows: Array.from({ length: rows }, (_, row) => ({
            label: `${row + 1}`,
            count: 100,
            line: { x: 0, y: row, dx: 99, dy: 0 },
          })),
        },
      ],
    },
  }
  let answer = await call('POST', `${origin}/api/admin/events/import`, { headers, body: file })
  while (answer.status === 202 || JSON.parse(answer.text).status !== 'done') {
    if (answer.status >= 300) throw new Error(`the import answered ${answer.status}: ${answer.text}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { importId } = JSON.parse(answer.text) as { importId: string }
    answer = await call('GET', `${origin}/api/admin/imports/${importId}`, { headers })
  }
}

async function modulesOf(folder: string) {
  const texts = (await readdir(folder)).filter((file) => /\.(lua|html)$/.test(file))
  return await Promise.all(
    ['index.js', ...texts].map(async (path) => ({
      type: path === 'index.js' ? ('ESModule' as const) : ('Text' as const),
      path,
      contents: await readFile(join(folder, path), 'utf8'),
    })),
  )
}

async function bundledDesigns(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'bench', 'seat-designs.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error('esbuild made no output for the designs')
  return output.text
}

function known<T>(id: T | undefined): T {
  if (id === undefined) throw new Error('an id of the benchmark is malformed')
  return id
}
