// `npm run bench -- orders`: whole purchases over HTTP (hold, order, pay on the provider's page, return, paid) through the
// origin Worker in workerd, against real Redis and Postgres and a provider that answers at once. Buyers are driven from this
// process, which also carries the gateways and the provider: what it took is printed, since the Worker did not have it.

import { Agent } from 'node:http'
import { Client } from 'pg'
import { call, type Answer } from './call.ts'
import { importHall, startOriginStack, type OriginStack } from './origin-stack.ts'
import { quantile } from './quantile.ts'

const BUYERS_AT_ONCE = 32
const SECONDS = 8
const SEATS_AN_ORDER = 4
const ROWS = 150
const CARD = 'number=4242424242424242&expiry=12%2F40&cvc=123'
const RUSH = { buyers: 1_000, seats: 500, overMs: 10_000 }
const PAID_WITHIN_MS = 30_000

type Outcome = 'paid' | 'seats gone' | 'failed'

interface Tally {
  readonly outcomes: Record<Outcome, number>
  readonly requestMs: number[]
  readonly purchaseMs: number[]
  readonly faults: Map<string, number>
}

export async function benchOrders(): Promise<void> {
  const stack = await startOriginStack({ SEATS_PER_BUYER: 1_000 })
  try {
    await importHall(stack, { rows: ROWS, performances: 5 })
    console.log(
      `Whole purchases of ${SEATS_AN_ORDER} seats: ${BUYERS_AT_ONCE} buyers at once, ${SECONDS} s a line; this process carries load, gateways and provider\n`,
    )
    console.log(
      'contention            orders/s   refused   request p50 ms   p95 ms   purchase p50 ms   cores of load',
    )
    await closed(stack, 'none', 'bench-1', (buyer) => blockOfSeats(buyer))
    await closed(stack, 'each seat by two', 'bench-2', (buyer) => blockOfSeats(Math.floor(buyer / 2)))
    await closed(stack, 'all want 48 seats', 'bench-3', () => blockOfSeats(Math.floor(Math.random() * 12)))
    await requestsOfOne(stack)
    await rush(stack)
  } finally {
    await stack.stop()
  }
}

/** Buyers who begin anew as somebody else as soon as they are through. */
async function closed(
  stack: OriginStack,
  name: string,
  performance: string,
  wanted: (buyer: number) => string[],
): Promise<void> {
  const tally = newTally()
  const agent = new Agent({ keepAlive: true, maxSockets: BUYERS_AT_ONCE })
  const endsAtMs = nowMs() + SECONDS * 1_000
  const cpu = process.cpuUsage()
  let buyer = 0
  await Promise.all(
    Array.from({ length: BUYERS_AT_ONCE }, async () => {
      while (nowMs() < endsAtMs) {
        await buy(stack, { performance, seats: wanted(buyer++), agent, tally })
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  agent.destroy()
  report(name, tally, { seconds: SECONDS, cores: (user + system) / 1e6 / SECONDS })
}

/** 1,000 buyers over ten seconds for 500 seats, each wants one of them. */
async function rush(stack: OriginStack): Promise<void> {
  const tally = newTally()
  const agent = new Agent({ keepAlive: true, maxSockets: 512 })
  const began = nowMs()
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: RUSH.buyers }, async (_, buyer) => {
      await pause((buyer * RUSH.overMs) / RUSH.buyers)
      const seat = buyer % RUSH.seats
      const seats = [`S-${1 + Math.floor(seat / 100)}-${1 + (seat % 100)}`]
      await buy(stack, { performance: 'bench-4', seats, agent, tally })
    }),
  )
  const seconds = (nowMs() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  agent.destroy()
  console.log(`\n${RUSH.buyers} buyers over ${RUSH.overMs / 1_000} s, each for one of ${RUSH.seats} seats\n`)
  report('rush', tally, { seconds, cores: (user + system) / 1e6 / seconds })
  const client = new Client({ connectionString: stack.databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ sold: number; twice: number }>(
    `select count(*)::int as sold, (count(*) - count(distinct seat_ordinal))::int as twice
     from order_items where performance_id = 'bench-4' and live`,
  )
  await client.end()
  const faults = tally.outcomes.failed / RUSH.buyers
  console.log(
    `\nseats sold ${rows[0]?.sold} of ${RUSH.seats}, sold twice ${rows[0]?.twice}, purchases that failed ${(faults * 100).toFixed(1)} %. To reach: 0 twice, errors below 0.5 %, p95 of a request below 300 ms.`,
  )
}

/** What one purchase asks of the stores and of the provider, counted at the gateways. */
async function requestsOfOne(stack: OriginStack): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const tally = newTally()
  const one = () =>
    buy(stack, { performance: 'bench-5', seats: blockOfSeats(tally.outcomes.paid), agent, tally })
  // The first one also fills what the isolate remembers.
  await one()
  const [postgres, redis, provider]: string[][] = [[], [], []]
  const count = (into: string[]) => (request: unknown) => {
    into.push(JSON.stringify(request))
    return false
  }
  // Looks at every request and hits none.
  const nothing = { kind: 'delay', ms: 0 } as const
  stack.neon.faults.set(nothing, count(postgres ?? []))
  stack.upstash.faults.set(nothing, count(redis ?? []))
  stack.payments.faults.set(nothing, count(provider ?? []))
  await one()
  for (const { faults } of [stack.neon, stack.upstash, stack.payments]) faults.clear()
  agent.destroy()
  const commits = postgres?.filter((request) => request.includes('insert into tickets')).length
  console.log(
    `\nOne purchase: ${postgres?.length} requests to Postgres, ${redis?.length} to Redis, ${provider?.length} to the provider (its page included), what follows from the outbox included. The commit: ${commits}. To reach: 1.`,
  )
  if (process.env['BENCH_SHOW'] !== undefined)
    for (const request of [...(postgres ?? []), ...(redis ?? [])]) console.log(request.slice(0, 260))
}

async function buy(
  stack: OriginStack,
  options: { performance: string; seats: string[]; agent: Agent; tally: Tally },
): Promise<void> {
  const { performance, seats, agent, tally } = options
  const token = await stack.admit()
  const began = nowMs()
  const ask = async (method: 'GET' | 'POST', url: string, body?: unknown, key?: string): Promise<Answer> => {
    const sent = nowMs()
    const answer = await call(method, url, {
      agent,
      headers: { 'waiting-room-token': token, ...(key !== undefined && { 'idempotency-key': key }) },
      ...(body !== undefined && { body }),
    })
    if (url.startsWith(stack.origin)) tally.requestMs.push(nowMs() - sent)
    return answer
  }
  const outcome = await purchase(stack, ask, { performance, seats }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    tally.faults.set(reason, (tally.faults.get(reason) ?? 0) + 1)
    return 'failed' as const
  })
  tally.outcomes[outcome] += 1
  if (outcome === 'paid') tally.purchaseMs.push(nowMs() - began)
}

type Ask = (method: 'GET' | 'POST', url: string, body?: unknown, key?: string) => Promise<Answer>

async function purchase(
  { origin }: OriginStack,
  ask: Ask,
  { performance, seats }: { performance: string; seats: string[] },
): Promise<Outcome> {
  const held = await ask('POST', `${origin}/api/performances/${performance}/holds`, { seats })
  if (held.status === 409) return 'seats gone'
  const { holdId } = expect(held, 201) as { holdId: string }
  const buyer = { name: 'Ada Buyer', email: `${crypto.randomUUID()}@example.com` }
  const ordered = await ask('POST', `${origin}/api/orders`, { holdId, buyer }, crypto.randomUUID())
  const { orderId } = expect(ordered, 201) as { orderId: string }
  const { redirectUrl } = expect(await ask('POST', `${origin}/api/orders/${orderId}/pay`), 202) as {
    redirectUrl: string
  }
  const paid = await ask('POST', redirectUrl, CARD)
  const back = paid.headers.location
  if (back === undefined) throw new Error(`the provider's page answered ${paid.status}`)
  await ask('GET', back)
  const deadlineMs = nowMs() + PAID_WITHIN_MS
  for (;;) {
    const { status } = expect(await ask('GET', `${origin}/api/orders/${orderId}`), 200) as { status: string }
    if (status === 'paid') return 'paid'
    if (nowMs() > deadlineMs) throw new Error(`an order stayed ${status}`)
    await pause(250)
  }
}

function expect(answer: Answer, status: number): unknown {
  if (answer.status === status) return JSON.parse(answer.text)
  throw new Error(`answered ${answer.status}: ${answer.text.slice(0, 120)}`)
}

function report(name: string, tally: Tally, { seconds, cores }: { seconds: number; cores: number }): void {
  console.log(
    [
      name.padEnd(20),
      (tally.outcomes.paid / seconds).toFixed(1).padStart(9),
      String(tally.outcomes['seats gone']).padStart(9),
      quantile(tally.requestMs, 0.5).toFixed(1).padStart(16),
      quantile(tally.requestMs, 0.95).toFixed(1).padStart(8),
      quantile(tally.purchaseMs, 0.5).toFixed(0).padStart(17),
      cores.toFixed(2).padStart(15),
    ].join(' '),
  )
  for (const [fault, times] of tally.faults) console.log(`  ${times} × ${fault}`)
}

const newTally = (): Tally => ({
  outcomes: { paid: 0, 'seats gone': 0, failed: 0 },
  requestMs: [],
  purchaseMs: [],
  faults: new Map(),
})

/** Four seats side by side; each block is another. */
function blockOfSeats(block: number): string[] {
  const inRow = 100 / SEATS_AN_ORDER
  const row = 1 + (Math.floor(block / inRow) % ROWS)
  const first = 1 + (block % inRow) * SEATS_AN_ORDER
  return Array.from({ length: SEATS_AN_ORDER }, (_, index) => `S-${row}-${first + index}`)
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const nowMs = () => performance.now()
