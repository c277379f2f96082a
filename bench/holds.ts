// `npm run bench -- holds`: taking seats through the origin Worker in workerd, beside a bare script that goes the same way,
// and beside a lock a seat and row locks. Each is measured right after its baseline; medians of the rounds. Needs wrk.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { meter } from './meter.ts'
import { importHall, startOriginStack, type OriginStack } from './origin-stack.ts'
import { quantile } from './quantile.ts'
import { runWrk, wrkVersion, type Measured } from './wrk.ts'

const ROUNDS = 3
const SECONDS = 3
const CONNECTIONS = 32
const ROWS = 150
const SEATS_A_ROW = 100
const PERFORMANCES = 24
/** Visitors whose tokens the Worker has seen before they hold, as it has when they looked at the hall. */
const VISITORS = 2_000

interface Request {
  readonly performance: string
  readonly token: string
  readonly seats: readonly string[]
}

interface Design {
  readonly name: string
  readonly path: (performance: string) => string
  readonly base: (stack: OriginStack) => string
}

const HOLD: Design = {
  name: 'hold',
  base: ({ origin }) => origin,
  path: (performance) => `/api/performances/${performance}/holds`,
}
const BARE: Design = { name: 'bare EVALSHA', base: designs, path: (id) => `/evalsha/${id}` }
const OTHERS: readonly Design[] = [
  { name: 'SET NX per seat', base: designs, path: (id) => `/set-nx/${id}` },
  { name: 'SELECT … FOR UPDATE', base: designs, path: (id) => `/for-update/${id}` },
]

export async function benchHolds(): Promise<void> {
  const version = await wrkVersion()
  if (version === undefined) {
    throw new Error('the load is driven with wrk: install it (Debian: apt-get install wrk) and run again')
  }
  const stack = await startOriginStack({ SEATS_PER_HOLD: 100 })
  try {
    await importHall(stack, { rows: ROWS, performances: PERFORMANCES })
    await prepareRows(stack.databaseUrl)
    const visitors = await knownVisitors(stack)
    console.log(
      `Taking seats in halls of ${ROWS * SEATS_A_ROW} seats: ${version}, ${CONNECTIONS} connections, median of ${ROUNDS} rounds of ${SECONDS} s\n`,
    )
    console.log(
      'what                     seats   a second    ratio   p50 ms   p95 ms   in Redis us   commands',
    )
    for (const size of [1, 4, 8]) {
      await compare(stack, size, [BARE, HOLD, ...(size === 4 ? OTHERS : [])], visitors)
    }
    console.log(
      '\nThe ratio is to the bare EVALSHA of the same round. To reach: 0.80 for four seats, 80 us in Redis.',
    )
    console.log(`\n${CONNECTIONS} clients that want the same 8 seats, ${SECONDS} s\n`)
    console.log('what                      a second   p50 ms   p95 ms   took the seats')
    for (const design of [HOLD, ...OTHERS]) await contend(stack, design, visitors)
  } finally {
    await stack.stop()
  }
}

/** Ends what earlier rounds hold, so that every round finds empty halls; the maps are loaded again by a first hold each. */
async function emptyHalls(stack: OriginStack, visitors: readonly string[]): Promise<void> {
  await stack.connection.flushall()
  await withPostgres(
    stack.databaseUrl,
    'update bench_seats set held_until = null where held_until is not null',
  )
  for (let index = 1; index <= PERFORMANCES; index += 1) {
    const performance = `bench-${index}`
    const [seat] = [`S-${ROWS}-${SEATS_A_ROW}`]
    await post(`${stack.origin}${HOLD.path(performance)}`, visitors[index] ?? '', { seats: [seat] })
  }
}

async function compare(
  stack: OriginStack,
  size: number,
  designs: readonly Design[],
  visitors: readonly string[],
): Promise<void> {
  const rows = new Map(designs.map(({ name }) => [name, [] as Row[]]))
  for (let round = 0; round < ROUNDS; round += 1) {
    let bare = Number.NaN
    for (const design of designs) {
      await emptyHalls(stack, visitors)
      const { run, commands, serverUs } = await measure(stack, design, requests(size, visitors))
      if (design === BARE) bare = run.perSecond
      if (run.failed > run.requests * 0.01) {
        throw new Error(`${design.name}: ${run.failed} of ${run.requests} requests failed`)
      }
      rows.get(design.name)?.push({
        perSecond: run.perSecond,
        ratio: run.perSecond / bare,
        p50: run.p50Ms,
        p95: run.p95Ms,
        us: serverUs / run.requests,
        commands: commands / run.requests,
      })
    }
  }
  for (const [name, row] of rows) {
    const of = (key: keyof Row) =>
      quantile(
        row.map((one) => one[key]),
        0.5,
      )
    console.log(
      [
        name.padEnd(24),
        String(size).padStart(5),
        of('perSecond').toFixed(0).padStart(10),
        of('ratio').toFixed(2).padStart(8),
        of('p50').toFixed(1).padStart(8),
        of('p95').toFixed(1).padStart(8),
        of('us').toFixed(0).padStart(13),
        of('commands').toFixed(1).padStart(10),
      ].join(' '),
    )
  }
}

interface Row {
  readonly perSecond: number
  readonly ratio: number
  readonly p50: number
  readonly p95: number
  readonly us: number
  readonly commands: number
}

async function contend(stack: OriginStack, design: Design, visitors: readonly string[]): Promise<void> {
  await emptyHalls(stack, visitors)
  const seats = Array.from({ length: 8 }, (_, index) => `S-10-${index + 1}`)
  const wanted = visitors.map((token) => ({ performance: 'bench-1', token, seats }))
  const { run } = await measure(stack, design, wanted)
  console.log(
    [
      design.name.padEnd(24),
      run.perSecond.toFixed(0).padStart(10),
      run.p50Ms.toFixed(1).padStart(8),
      run.p95Ms.toFixed(1).padStart(8),
      String(run.requests - run.failed).padStart(16),
    ].join(' '),
  )
}

async function measure(stack: OriginStack, design: Design, list: readonly Request[]) {
  const file = join(stack.folder, 'holds.txt')
  const lines = list.map(
    ({ performance, token, seats }) => `${design.path(performance)}\t${token}\t${JSON.stringify({ seats })}`,
  )
  await writeFile(file, lines.join('\n'))
  let run: Measured | undefined
  const cost = await meter(stack.connection, async () => {
    run = await runWrk(
      { url: design.base(stack), script: 'hold.lua', arguments: [file] },
      { seconds: SECONDS, connections: CONNECTIONS },
    )
  })
  if (run === undefined) throw new Error('wrk did not run')
  return { run, ...cost }
}

/** Each seat once, spread over the performances and, two or three holds each, over the visitors. */
function requests(size: number, visitors: readonly string[]): Request[] {
  const list: Request[] = []
  for (let row = 1; row < ROWS; row += 1) {
    for (let first = 1; first + size - 1 <= SEATS_A_ROW; first += size) {
      for (let index = 1; index <= PERFORMANCES; index += 1) {
        list.push({
          performance: `bench-${index}`,
          token: visitors[list.length % visitors.length] ?? '',
          seats: Array.from({ length: size }, (_, at) => `S-${row}-${first + at}`),
        })
      }
    }
  }
  return list
}

async function knownVisitors(stack: OriginStack): Promise<string[]> {
  const tokens = await Promise.all(Array.from({ length: VISITORS }, () => stack.admit()))
  for (const token of tokens) {
    const answer = await fetch(`${stack.origin}/api/performances/bench-1/seats`, {
      headers: { 'waiting-room-token': token },
    })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`the layout answered ${answer.status}`)
  }
  return tokens
}

async function post(url: string, token: string, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'waiting-room-token': token },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
}

async function prepareRows(databaseUrl: string): Promise<void> {
  await withPostgres(
    databaseUrl,
    `create table bench_seats as
       select p.id as performance, s.id as seat, null::timestamptz as held_until
       from performances p join seats s on s.hall_id = p.hall_id;
     alter table bench_seats add primary key (performance, seat); analyze bench_seats`,
  )
}

async function withPostgres(databaseUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(statement)
  await client.end()
}

function designs(stack: OriginStack): string {
  return stack.designs
}
