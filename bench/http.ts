// `npm run bench -- http`: calls of the edge against a bare Hono "hello" in the same workerd, and an admitted request
// through the gate against a bare forward over the same service binding; real Redis behind the Upstash gateway.
// Every call is measured right after its own baseline, since the speed of a machine drifts; medians of the rounds.
// Needs wrk (Debian: apt-get install wrk).

import { callVisitors } from './called-visitors.ts'
import { meter } from './meter.ts'
import { admitOne, startBenchStack, type BenchStack } from './stack.ts'
import { runWrk, wrkVersion, type Load } from './wrk.ts'

const ROUNDS = 3
const SECONDS = 4
const CONNECTIONS = 128
/** More than any machine of ours claims in one round. */
const CALLED_A_ROUND = 32_000

interface Part {
  readonly name: string
  readonly beside: 'hello' | 'forward'
  /** Made anew for each round. */
  readonly load: (stack: BenchStack) => Promise<Load>
}

const PARTS: readonly Part[] = [
  {
    name: 'now',
    beside: 'hello',
    load: async ({ workers }) => ({ url: `${workers.edge}/.waiting-room/bench/now` }),
  },
  {
    name: 'join',
    beside: 'hello',
    load: async ({ workers }) => ({ url: `${workers.edge}/.waiting-room/bench/join`, script: 'join.lua' }),
  },
  {
    name: 'claim',
    beside: 'hello',
    load: async (stack) => ({
      url: `${stack.workers.edge}/.waiting-room/claims/claim`,
      script: 'claim.lua',
      arguments: [await callVisitors(stack, CALLED_A_ROUND)],
    }),
  },
  {
    name: 'gate, admitted',
    beside: 'forward',
    load: async (stack) => ({
      url: `${stack.workers.edge}/`,
      headers: { 'waiting-room-token': await admitOne(stack) },
    }),
  },
]

/** One row: a figure a round. */
interface Row {
  readonly perSecond: number[]
  readonly ratio: number[]
  readonly commands: number[]
  readonly loadCores: number[]
  readonly gatewayCores: number[]
  readonly redisCores: number[]
}

export async function benchHttp(): Promise<void> {
  const version = await wrkVersion()
  if (version === undefined) {
    throw new Error('the load is driven with wrk: install it (Debian: apt-get install wrk) and run again')
  }
  const stack = await startBenchStack()
  try {
    console.log(
      `The edge over HTTP: ${stack.redis.kind}, ${version}, ${CONNECTIONS} connections, median of ${ROUNDS} rounds of ${SECONDS} s, one load thread\n`,
    )
    const rows = new Map<string, Row>()
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const part of PARTS) await measure(stack, part, rows)
    }
    print(rows)
  } finally {
    await stack.stop()
  }
}

async function measure(stack: BenchStack, part: Part, rows: Map<string, Row>): Promise<void> {
  const settings = { seconds: SECONDS, connections: CONNECTIONS }
  const load = await part.load(stack)
  const baseline = await runWrk({ url: `${stack.workers[part.beside]}/` }, settings)
  const cpuBefore = process.cpuUsage()
  let run = baseline
  const cost = await meter(stack.connection, async () => (run = await runWrk(load, settings)))
  const cpu = process.cpuUsage(cpuBefore)
  if (run.failed > 0) throw new Error(`${part.name}: ${run.failed} of ${run.requests} requests failed`)
  note(rows, `${part.beside} beside ${part.name}`, {
    perSecond: baseline.perSecond,
    ratio: 1,
    commands: 0,
    loadCores: baseline.loadCpuSeconds / SECONDS,
    gatewayCores: 0,
    redisCores: 0,
  })
  note(rows, part.name, {
    perSecond: run.perSecond,
    ratio: run.perSecond / baseline.perSecond,
    commands: cost.commands / run.requests,
    loadCores: run.loadCpuSeconds / SECONDS,
    // The gateway is all that this process does meanwhile.
    gatewayCores: (cpu.user + cpu.system) / 1e6 / SECONDS,
    redisCores: cost.serverUs / 1e6 / SECONDS,
  })
}

function note(rows: Map<string, Row>, name: string, figures: Record<keyof Row, number>): void {
  const row: Row = rows.get(name) ?? {
    perSecond: [],
    ratio: [],
    commands: [],
    loadCores: [],
    gatewayCores: [],
    redisCores: [],
  }
  row.perSecond.push(figures.perSecond)
  row.ratio.push(figures.ratio)
  row.commands.push(figures.commands)
  row.loadCores.push(figures.loadCores)
  row.gatewayCores.push(figures.gatewayCores)
  row.redisCores.push(figures.redisCores)
  rows.set(name, row)
}

function print(rows: ReadonlyMap<string, Row>): void {
  console.log(
    'what                           requests/s    ratio   commands       cores: load  gateway  Redis',
  )
  for (const [name, row] of rows) {
    console.log(
      [
        name.padEnd(28),
        median(row.perSecond).toFixed(0).padStart(12),
        median(row.ratio).toFixed(2).padStart(8),
        median(row.commands).toFixed(4).padStart(10),
        median(row.loadCores).toFixed(2).padStart(17),
        median(row.gatewayCores).toFixed(2).padStart(8),
        median(row.redisCores).toFixed(2).padStart(6),
      ].join(' '),
    )
  }
  console.log(
    '\nThe ratio is to the line above. To reach: now 0.85, join 0.40 (aim 0.50), gate 0.90.\nCommands: of Redis, a request, those inside scripts counted too. What load, gateway and Redis use is not there for workerd.',
  )
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
