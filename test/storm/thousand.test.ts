// A thousand buyers on five hundred seats within ten seconds, through both Workers as they are deployed: a fifth of all cards is
// refused, replies are lost and requests repeated on every way, and Redis forgets everything in the middle. Times are printed and
// never asserted: what counts is that everything is true once it rests.
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { importEvent } from '../../local/demo/import.ts'
import { findOnPath } from '../../local/redis.ts'
import { startTestStack, type TestStack } from '../e2e/stack.ts'
import { randomFrom, SEED } from '../redis/queue/random.ts'
import { Buyer, CARDS } from './buyer.ts'
import { stormHall } from './hall.ts'
import { Requests } from './requests.ts'
import { rest } from './rest.ts'
import { admission, WIDE, type Shop } from './shop.ts'
import { letItRain, letItStop } from './weather.ts'

const BUYERS = Number(process.env['BUYERS'] ?? 1_000)
const ARRIVE_WITHIN_MS = 10_000
const REFUSED_CARDS = 0.2
/** Who orders and leaves without a word. */
const NEVER_PAY = 0.05
const FAULTS_MOST = 0.005
/** Stores that did not answer, as the logs name it. */
const WEATHER = /StoreUnavailable|NeonDbError/

// The Redis from npm is not made for a crowd.
const tooSmall = (await findOnPath()) === undefined
let stack: TestStack
let client: Client
let shop: Shop

beforeAll(async () => {
  const hall = stormHall({ rows: 20, seatsInRow: 25 })
  stack = await startTestStack(
    { new_users_per_minute: 100_000, total_active_users: 100_000 },
    { bindings: { 'foyer-origin': WIDE }, payments: { successRatio: 1 - REFUSED_CARDS, seed: SEED } },
  )
  stack.payments.settings.webhookRetryMs = [500, 2_000]
  await importEvent(stack.url, stack.adminToken, JSON.stringify(hall.event))
  client = new Client({ connectionString: stack.databaseUrl })
  await client.connect()
  shop = {
    url: stack.url,
    hall,
    adminToken: stack.adminToken,
    redis: new Redis(stack.redisUrl),
    query: async <Row>(text: string, params?: unknown[]) => (await client.query(text, params)).rows as Row[],
    upstash: stack.upstash.faults,
    neon: stack.neon.faults,
    payments: stack.payments,
    admit: admission(stack.secrets.ADMISSION_KEYS),
    cron: () => stack.workers.scheduled('foyer-origin'),
    stop: () => stack.stop(),
  }
}, 120_000)

afterAll(async () => {
  shop?.redis.disconnect()
  await client?.end()
  await stack?.stop()
})

it.skipIf(tooSmall)(
  `${BUYERS} buyers end with nothing sold twice, nothing taken for nothing, and nothing left open`,
  async () => {
    const random = randomFrom(SEED)
    const requests = new Requests({ random, lostAnswers: 0.01, patient: true })
    letItRain(shop, { lostReplies: 0.01, repeated: 0.01 }, random)
    const headers = await Promise.all(Array.from({ length: BUYERS }, () => shop.admit()))
    let arrived = 0
    const startedMs = Date.now()
    const buyers = await Promise.all(
      headers.map(async (own) => {
        const theirs = randomFrom(Math.floor(random() * 2 ** 31))
        const buyer = new Buyer(shop, { requests, random: theirs, headers: own })
        await delay(theirs() * ARRIVE_WITHIN_MS)
        arrived += 1
        if (arrived === BUYERS / 2) await shop.redis.flushall()
        await comeAndGo(buyer, theirs)
        return buyer
      }),
    )
    letItStop(shop)
    const stormMs = Date.now() - startedMs
    const untruths = await rest(shop)

    const ends = await shop.query<{ name: string; orders: number }>(
      `select status || coalesce(' ' || reason, '') as name, count(*)::int as orders from orders group by 1 order by 1`,
    )
    const [sold] = await shop.query<{ seats: number }>(
      'select count(*)::int as seats from order_items where live',
    )
    console.info(`seed ${SEED}: storm of ${stormMs} ms, at rest after ${Date.now() - startedMs} ms`)
    console.info(requests.summary())
    console.info({
      ...Object.fromEntries(ends.map(({ name, orders }) => [name, orders])),
      seatsSold: sold?.seats,
    })
    console.info(requests.faults.slice(0, 10))
    // What the Workers complained of beside the weather.
    console.info(stack.complaints.filter((line) => !WEATHER.test(line)).slice(0, 10))

    expect(untruths).toEqual([])
    expect(buyers.flatMap(({ otherOrders }) => otherOrders)).toEqual([])
    expect(requests.faults.length / requests.count, requests.faults.slice(0, 10).join('\n')).toBeLessThan(
      FAULTS_MOST,
    )
    // Not a tame one: most of the hall was sold.
    expect(sold?.seats).toBeGreaterThan(shop.hall.seats / 2)
  },
)

async function comeAndGo(buyer: Buyer, random: () => number): Promise<void> {
  if (!(await buyer.hold()) || !(await buyer.order())) return
  if (random() < NEVER_PAY) await buyer.leave()
  else await buyer.pay(CARDS.uncertain)
  if (buyer.outcome === 'paid_at_provider') await buyer.look()
}
