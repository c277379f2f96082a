// `npm run bench`: the edge against a bare Hono "hello" in the same workerd, over real Redis and the Upstash gateway.
// Prints requests a second, the ratio to the hello of the same round (median of the rounds) and what the load cost.
// Load goes to loopback only, for a bounded time. Needs wrk (Debian: apt-get install wrk).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../local/redis.ts'
import { startUpstashGateway } from '../local/upstash/gateway.ts'
import { commandsSince, commandStats } from './command-stats.ts'
import { startBenchWorkers } from './workers.ts'
import { runWrk, wrkVersion, type Load } from './wrk.ts'

const ROUNDS = 3
const SECONDS = 4
const CONNECTIONS = 128

const version = await wrkVersion()
if (version === undefined) {
  console.error(
    'The benchmarks drive their load with wrk: install it (Debian: apt-get install wrk) and run again.',
  )
  process.exit(2)
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const folder = await mkdtemp(join(tmpdir(), 'foyer-bench-'))
const redis = await startRedis({})
const gateway = await startUpstashGateway({ redisUrl: redis.url, token: 'bench' })
const workers = await startBenchWorkers({ folder, redisRestUrl: gateway.url, redisRestToken: 'bench' })
try {
  console.log(
    `${redis.kind}, ${version}, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, 1 load thread\n`,
  )
  const loads: readonly Load[] = [
    { name: 'now', url: `${workers.edge}/.waiting-room/bench/now` },
    { name: 'join', url: `${workers.edge}/.waiting-room/bench/join`, script: 'join.lua' },
  ]
  const results = new Map<
    string,
    { perSecond: number[]; ratio: number[]; loadCpu: number[]; commands: number[] }
  >()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const load of loads) {
      // Each beside a hello of its own, since the speed of the machine drifts.
      const hello = await runWrk(
        { name: 'hello', url: `${workers.hello}/` },
        { seconds: SECONDS, connections: CONNECTIONS },
      )
      const before = await commandStats(redis.url)
      const run = await runWrk(load, { seconds: SECONDS, connections: CONNECTIONS })
      const commands = commandsSince(before, await commandStats(redis.url))
      if (run.failed > 0) throw new Error(`${load.name}: ${run.failed} of ${run.requests} requests failed`)
      for (const [name, outcome, spent] of [
        [`hello beside ${load.name}`, hello, 0],
        [load.name, run, commands],
      ] as const) {
        const row = results.get(name) ?? { perSecond: [], ratio: [], loadCpu: [], commands: [] }
        row.perSecond.push(outcome.perSecond)
        row.ratio.push(outcome.perSecond / hello.perSecond)
        row.loadCpu.push(outcome.loadCpuSeconds / SECONDS)
        row.commands.push(spent / outcome.requests)
        results.set(name, row)
      }
    }
  }
  console.log(
    'what                 requests/s   ratio to hello   Redis commands a request   cores used by the load',
  )
  for (const [name, row] of results) {
    const cells = [
      name.padEnd(20),
      median(row.perSecond).toFixed(0).padStart(11),
      median(row.ratio).toFixed(2).padStart(16),
      median(row.commands).toFixed(4).padStart(26),
      median(row.loadCpu).toFixed(2).padStart(24),
    ]
    console.log(cells.join(' '))
  }
  console.log(
    '\nTo reach: now 0.85, join 0.40 (aim 0.50). Commands count those inside scripts (INFO commandstats).',
  )
} finally {
  await workers.stop()
  await gateway.stop()
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
}
