// `npm run bench -- catalogue`: what reading the catalogue costs with and without Redis before Postgres, and how many reads of
// the database it saves, for the demo's hall of 15,000 seats. The isolates are this process's: each has its own memory,
// all share the gateways. Network times of production are not in it: both stores are on loopback.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../local/migrate.ts'
import { startNeonGateway, type NeonGateway } from '../local/neon/gateway.ts'
import { startPostgres } from '../local/postgres.ts'
import { startRedis } from '../local/redis.ts'
import { startUpstashGateway, type UpstashGateway } from '../local/upstash/gateway.ts'
import { ROOT } from '../local/workers.ts'
import { createCatalogue, type Catalogue } from '../origin/catalogue-cache.ts'
import { createDatabase } from '../src/db/client.ts'
import { createRedis } from '../src/redis/client.ts'
import { writeDemo, type DemoCatalogue } from './demo-catalogue.ts'
import { quantile } from './quantile.ts'

const TOKEN = 'a-token-for-the-benchmark'
const ROUNDS = 60
const READS = 4_000
const SEED = 20_261_121

/** Made up: what visitors of one sale look at, in parts of a hundred. Most open the map, then sections of it. */
const MIX = [
  { what: 'events', share: 5 },
  { what: 'event', share: 15 },
  { what: 'performance', share: 15 },
  { what: 'overview', share: 25 },
  { what: 'section', share: 40 },
] as const
type What = (typeof MIX)[number]['what']

interface Stores extends DemoCatalogue {
  readonly neon: NeonGateway
  readonly upstash: UpstashGateway
}

export async function benchCatalogue(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-bench-'))
  const redis = await startRedis({})
  const upstash = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), persistent: false })
  await migrate(postgres.url, join(ROOT, 'migrations'))
  const neon = await startNeonGateway({ databaseUrl: postgres.url, password: 'bench', poolSize: 16 })
  try {
    const stores = { neon, upstash, ...(await writeDemo(postgres.url)) }
    console.log(`The catalogue: ${redis.kind} and Postgres behind their gateways, a hall of 15,000 seats\n`)
    await timeReads(stores)
    await countReads(stores)
  } finally {
    await neon.stop()
    await postgres.stop()
    await upstash.stop()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** One read by an isolate that remembers nothing, which is the worst case: every ten seconds, and after every start. */
async function timeReads(stores: Stores): Promise<void> {
  console.log(`One read by an isolate that remembers nothing, ms, median of ${ROUNDS} (p95)\n`)
  console.log('what            Postgres             Redis                ratio')
  for (const { what } of MIX) {
    const random = randomFrom(SEED)
    const [withoutMs, withMs]: [number[], number[]] = [[], []]
    await read(newIsolate(stores, 60), what, stores, randomFrom(SEED))
    for (let round = -5; round < ROUNDS; round += 1) {
      // In turn, since the speed of a machine drifts; the same section for both.
      const draw = random()
      for (const [cacheSeconds, times] of [
        [0, withoutMs],
        [60, withMs],
      ] as const) {
        const isolate = newIsolate(stores, cacheSeconds)
        // What Redis has not yet, it gets here, and the next isolate is timed.
        if (cacheSeconds > 0) await read(newIsolate(stores, cacheSeconds), what, stores, () => draw)
        const startMs = performance.now()
        await read(isolate, what, stores, () => draw)
        if (round >= 0) times.push(performance.now() - startMs)
      }
    }
    const [without, withRedis] = [quantile(withoutMs, 0.5), quantile(withMs, 0.5)]
    console.log(
      `${what.padEnd(15)} ${shown(without, withoutMs)} ${shown(withRedis, withMs)} ${(without / withRedis).toFixed(2)}`,
    )
  }
  console.log('\nThe ratio: how many times longer Postgres takes.\n')
}

const shown = (median: number, times: readonly number[]): string =>
  `${median.toFixed(2)} (${quantile(times, 0.95).toFixed(2)})`.padEnd(20)

/** What reaches the stores when many isolates serve one mix, all within the time that an isolate remembers. */
async function countReads(stores: Stores): Promise<void> {
  const mix = MIX.map(({ what, share }) => `${share} % ${what}`).join(', ')
  console.log(`${READS} reads one after the other: ${mix}. Requests that reach\n`)
  console.log('isolates   Postgres without Redis   Postgres with Redis   saved   Redis   seconds')
  for (const isolates of [1, 10, 100, 1_000]) {
    const without = await serve(stores, { isolates, cacheSeconds: 0 })
    const withRedis = await serve(stores, { isolates, cacheSeconds: 60 })
    console.log(
      [
        String(isolates).padEnd(10),
        String(without.toPostgres).padEnd(24),
        String(withRedis.toPostgres).padEnd(21),
        `${(100 * (1 - withRedis.toPostgres / without.toPostgres)).toFixed(0)} %`.padEnd(7),
        String(withRedis.toRedis).padEnd(7),
        `${without.seconds.toFixed(0)}, ${withRedis.seconds.toFixed(0)}`,
      ].join(' '),
    )
  }
  console.log(
    `\nAn isolate remembers for ten seconds; a slower run forgets on its way. Without either layer all ${READS} would reach Postgres.`,
  )
}

async function serve(
  stores: Stores,
  { isolates, cacheSeconds }: { isolates: number; cacheSeconds: number },
): Promise<{ toPostgres: number; toRedis: number; seconds: number }> {
  const redis = createRedis({ url: stores.upstash.url, token: TOKEN })
  await redis.flushdb()
  const counts = { toPostgres: 0, toRedis: 0 }
  const never = { kind: 'duplicate' } as const
  stores.neon.faults.set(never, () => {
    counts.toPostgres += 1
    return false
  })
  stores.upstash.faults.set(never, () => {
    counts.toRedis += 1
    return false
  })
  const startMs = performance.now()
  const random = randomFrom(SEED)
  const all = Array.from({ length: isolates }, () => newIsolate(stores, cacheSeconds))
  for (let at = 0; at < READS; at += 1) {
    const isolate = all[Math.floor(random() * isolates)]
    if (isolate !== undefined) await read(isolate, pick(random), stores, random)
  }
  stores.neon.faults.clear()
  stores.upstash.faults.clear()
  return { ...counts, seconds: (performance.now() - startMs) / 1_000 }
}

function newIsolate({ neon, upstash }: Stores, cacheSeconds: number): Catalogue {
  return createCatalogue({
    db: createDatabase({ url: neon.connectionString, endpoint: neon.endpoint }),
    replica: undefined,
    redis: createRedis({ url: upstash.url, token: TOKEN }),
    cacheSeconds,
  })
}

function pick(random: () => number): What {
  let left = random() * 100
  for (const { what, share } of MIX) {
    left -= share
    if (left < 0) return what
  }
  return 'section'
}

async function read(isolate: Catalogue, what: What, stores: Stores, random: () => number): Promise<void> {
  const section = stores.sections[Math.floor(random() * stores.sections.length)] ?? ''
  const reads: Readonly<Record<What, () => Promise<unknown>>> = {
    events: () => isolate.events(),
    event: () => isolate.event('winter-lights'),
    performance: () => isolate.performance(stores.performance),
    overview: () => isolate.overview(stores.performance),
    section: () => isolate.section(stores.performance, section),
  }
  if ((await reads[what]()) === undefined) throw new Error(`the catalogue has no ${what}`)
}

/** mulberry32: the same reads for both sides of a comparison. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
