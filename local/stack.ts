// The embedded stack: stores, gateways, payment simulator and both Workers, started in the order in which they need each
// other and stopped in reverse. Used by `npm start`, the end-to-end tests and the benchmarks; knows nothing of terminals.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { armRooms } from './arm.ts'
import { claimDataFolder } from './data-folder.ts'
import { importDemoEvent } from './demo/import.ts'
import { migrate } from './migrate.ts'
import { startNeonGateway, type NeonGateway } from './neon/gateway.ts'
import { startPaymentSimulator, type PaymentSimulator } from './payments/simulator.ts'
import { isFree, nextFreePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { startRedis, type RedisKind } from './redis.ts'
import { keepSecrets, type StackSecrets } from './secrets.ts'
import { startUpstashGateway, type UpstashGateway } from './upstash/gateway.ts'
import {
  bundleWorker,
  ROOT,
  startWorkers,
  type RunningWorkers,
  type WorkerName,
  type WorkersOptions,
} from './workers.ts'

export interface StackOptions {
  /** Where data and secrets lie: a numbered folder in it is claimed. */
  readonly folder?: string | undefined
  /** The edge's port; 0 for any, `undefined` for 8787 or the next free one. */
  readonly port?: number | undefined
  /** Empty the stores first. */
  readonly fresh?: boolean
  readonly redisUrl?: string | undefined
  readonly redisKind?: RedisKind
  readonly databaseUrl?: string | undefined
  readonly adminToken?: string | undefined
  /** Vars and secrets over those of the wrangler.toml files. */
  readonly bindings?: Partial<Record<WorkerName, Readonly<Record<string, unknown>>>>
  /** Skip the build: bundles made before (`bundleWorker`). */
  readonly bundles?: Readonly<Record<WorkerName, string>>
  /** Payment outcomes; the simulator's own defaults where absent. */
  readonly payments?: { readonly successRatio?: number; readonly seed?: number; readonly delayMs?: number }
  /** Plain sentences about what starts, for people. */
  readonly onNotice?: (sentence: string) => void
  readonly onLog?: (level: string, message: string) => void
}

export interface Stack {
  readonly url: string
  readonly adminToken: string
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly secrets: StackSecrets
  readonly upstash: UpstashGateway
  readonly neon: NeonGateway
  readonly payments: PaymentSimulator
  readonly workers: RunningWorkers
  /** Resolves with the reason when a part dies by itself. */
  readonly broken: Promise<string>
  /** Stops all parts, the last first; safe to call twice. */
  stop(): Promise<void>
}

type Stops = (() => Promise<void>)[]

/** Starts everything; on a failure stops what had started and throws the reason. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const stops: Stops = []
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopInReverse(stops))
  try {
    return await start(options, stops, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(options: StackOptions, stops: Stops, stop: () => Promise<void>): Promise<Stack> {
  const { fresh = false, onNotice = () => {}, onLog = () => {} } = options
  if (options.port !== undefined && options.port > 0 && !(await isFree(options.port))) {
    throw new Error(
      `port ${options.port} is taken: set PORT to another, or leave it out to have a free one found`,
    )
  }
  const data = await claimDataFolder(options.folder ?? join(ROOT, '.local'), { fresh })
  stops.push(() => data.release())
  const secrets = await keepSecrets(join(data.path, 'secrets.json'))
  const adminToken = options.adminToken ?? secrets.ADMIN_TOKEN

  const redisFolder = join(data.path, 'redis')
  await mkdir(redisFolder, { recursive: true })
  const starting = [
    Promise.resolve(options.bundles ?? bundleBoth(data.path)),
    keep(
      stops,
      startRedis({ url: options.redisUrl, dataDir: redisFolder, kind: options.redisKind ?? 'auto' }),
    ),
    keep(
      stops,
      startPostgres({ url: options.databaseUrl, dataDir: join(data.path, 'postgres'), persistent: true }),
    ),
  ] as const
  // All of them are waited for even when one fails, so that what did start is known and is stopped.
  await Promise.allSettled(starting)
  const [bundles, redis, postgres] = await Promise.all(starting)
  onNotice(redis.notice)
  onNotice(postgres.notice)
  await migrate(postgres.url, join(ROOT, 'migrations'))

  const upstash = await keep(
    stops,
    startUpstashGateway({ redisUrl: redis.url, token: secrets.UPSTASH_TOKEN }),
  )
  const neon = await keep(
    stops,
    startNeonGateway({ databaseUrl: postgres.url, password: secrets.NEON_PASSWORD }),
  )
  const payments = await keep(
    stops,
    startPaymentSimulator({
      secretKey: secrets.STRIPE_SECRET_KEY,
      webhookSecret: secrets.STRIPE_WEBHOOK_SECRET,
      dataFile: join(data.path, 'payments.journal'),
      ...options.payments,
    }),
  )

  const redisBindings = {
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: secrets.UPSTASH_TOKEN,
  }
  const workers = await keep(
    stops,
    startOnFreePort(options.port, {
      bundles,
      onLog,
      bindings: {
        'foyer-edge': {
          ...redisBindings,
          VISITOR_SECRET: secrets.VISITOR_SECRET,
          QUEUE_KEYS: secrets.QUEUE_KEYS,
          ADMISSION_KEYS: secrets.ADMISSION_KEYS,
          DRAW_SECRET: secrets.DRAW_SECRET,
          ADMIN_TOKEN: adminToken,
          // A phone on the same network and Safari on localhost drop `Secure` cookies over plain HTTP.
          COOKIES: 'plain',
          ...options.bindings?.['foyer-edge'],
        },
        'foyer-origin': {
          ...redisBindings,
          DATABASE_URL: neon.connectionString,
          NEON_ENDPOINT: neon.endpoint,
          ADMISSION_JWKS: secrets.ADMISSION_JWKS,
          TICKET_KEYS: secrets.TICKET_KEYS,
          STRIPE_SECRET_KEY: secrets.STRIPE_SECRET_KEY,
          STRIPE_WEBHOOK_SECRET: secrets.STRIPE_WEBHOOK_SECRET,
          PAYMENT_API_URL: payments.url,
          PAYMENT_PAGE_URL: payments.url,
          ADMIN_TOKEN: adminToken,
          ...options.bindings?.['foyer-origin'],
        },
      },
    }),
  )
  payments.settings.webhookUrl = `${workers.url}/webhooks/payments`
  // Like a deployment.
  await armRooms(workers.url, adminToken)
  await importDemoEvent(workers.url, adminToken)
  stops.push(driveCron(workers, onLog))

  return {
    url: workers.url,
    adminToken,
    redisUrl: redis.url,
    databaseUrl: postgres.url,
    secrets,
    upstash,
    neon,
    payments,
    workers,
    broken: Promise.race([redis.exited, postgres.exited, workers.exited]),
    stop,
  }
}

/** The given port, or 8787 or the next that is free when it comes to binding it: another stack may start just now. */
async function startOnFreePort(
  port: number | undefined,
  options: Omit<WorkersOptions, 'port'>,
): Promise<RunningWorkers> {
  if (port !== undefined) return startWorkers({ ...options, port })
  for (let wanted = 8787; ; wanted += 1) {
    wanted = await nextFreePort(wanted)
    try {
      return await startWorkers({ ...options, port: wanted })
    } catch (error) {
      if (await isFree(wanted)) throw error
    }
  }
}

async function bundleBoth(folder: string): Promise<Record<WorkerName, string>> {
  const [edge, origin] = await Promise.all([
    bundleWorker('foyer-edge', join(folder, 'bundle', 'edge')),
    bundleWorker('foyer-origin', join(folder, 'bundle', 'origin')),
  ])
  return { 'foyer-edge': edge, 'foyer-origin': origin }
}

async function keep<Part extends { stop(): Promise<void> }>(
  stops: Stops,
  starting: Promise<Part>,
): Promise<Part> {
  const part = await starting
  stops.push(() => part.stop())
  return part
}

async function stopInReverse(stops: Stops): Promise<void> {
  const failures: unknown[] = []
  for (const stop of stops.toReversed()) {
    try {
      await stop()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'some parts of the stack did not stop cleanly')
}

/** Both Workers' `scheduled`, once a minute as the platform does it; nothing else runs cron locally. */
function driveCron(
  workers: RunningWorkers,
  onLog: (level: string, message: string) => void,
): () => Promise<void> {
  const run = () => {
    for (const name of ['foyer-edge', 'foyer-origin'] as const) {
      workers.scheduled(name).catch((error: unknown) => onLog('error', `cron of ${name}: ${String(error)}`))
    }
  }
  const timer = setInterval(run, 60_000)
  return async () => clearInterval(timer)
}
