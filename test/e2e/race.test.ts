// 200 buyers want the same four seats, over HTTP, through both Workers: once against the hold in Redis, once past it.
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { performanceKeys } from '../../src/redis/keys.ts'
import { admit, order, pay, request, settled } from './buyer.ts'
import { startTestStack, type TestStack } from './stack.ts'

const BUYERS = 200
const PERFORMANCE = 'winter-lights-evening'

let stack: TestStack
let database: Client
let redis: Redis
let buyers: Record<string, string>[]
let fourSeats: string[]
let fourMoreSeats: string[]

interface SeatRows {
  readonly seats: readonly { readonly id: string; readonly ordinal: number }[]
}

beforeAll(async () => {
  stack = await startTestStack(
    { new_users_per_minute: 100_000, total_active_users: 10_000 },
    { bindings: { 'foyer-origin': { HOLDS_PER_MINUTE: 1_000, ORDERS_PER_MINUTE: 1_000 } } },
  )
  database = new Client(stack.databaseUrl)
  await database.connect()
  redis = new Redis(stack.redisUrl)
  buyers = []
  for (let batch = 0; batch < BUYERS / 50; batch += 1) {
    buyers.push(...(await Promise.all(Array.from({ length: 50 }, () => admit(stack)))))
  }
  const base = `${stack.url}/api/performances/${PERFORMANCE}/seats`
  const overview = await request<{ sections: { id: string }[] }>(base, { headers: buyers[0] ?? {} })
  const section = await request<SeatRows>(`${base}?section=${overview.body.sections[0]?.id}`, {
    headers: buyers[0] ?? {},
  })
  const ids = section.body.seats.map((seat) => seat.id)
  fourSeats = ids.slice(0, 4)
  fourMoreSeats = ids.slice(8, 12)
}, 120_000)

afterAll(async () => {
  redis?.disconnect()
  await database?.end()
  await stack?.stop()
})

const hold = (headers: Record<string, string>, seats: readonly string[]) =>
  request<{ holdId: string; code?: string; conflicts?: unknown[] }>(
    `${stack.url}/api/performances/${PERFORMANCE}/holds`,
    { method: 'POST', headers, body: { seats } },
  )

const count = async (query: string, values: unknown[] = []): Promise<number> =>
  Number((await database.query<{ count: string }>(query, values)).rows[0]?.count)

describe('200 buyers at once for the same four seats', () => {
  it('end in one order and 199 refusals that name the seats', async () => {
    const answers = await Promise.all(buyers.map((headers) => hold(headers, fourSeats)))
    const held = answers.flatMap((answer, index) => (answer.status === 201 ? [index] : []))
    expect(held).toHaveLength(1)
    const refused = answers.filter((answer) => answer.status !== 201)
    expect(refused.map((answer) => [answer.status, answer.body.code, answer.body.conflicts?.length])).toEqual(
      Array.from({ length: BUYERS - 1 }, () => [409, 'seats_taken', 4]),
    )
    const winner = held[0] ?? -1
    const orderId = await order(stack, {
      holdId: answers[winner]?.body.holdId ?? '',
      headers: buyers[winner] ?? {},
    })
    await pay(stack, orderId, '4242424242424242')
    expect(await settled(stack, orderId, ['paid', 'voided', 'stuck'])).toBe('paid')
    expect(await count('select count(*) from tickets')).toBe(4)
  })

  it('end in one order even when Redis lets every one of them hold the seats', async () => {
    // What a lost or doubled Redis would do: after each hold the map forgets it.
    const keys = performanceKeys(PERFORMANCE)
    const orders: string[] = []
    for (const headers of buyers) {
      const answer = await hold(headers, fourMoreSeats)
      expect(answer.status, JSON.stringify(answer.body)).toBe(201)
      orders.push(await order(stack, { holdId: answer.body.holdId, headers }))
      await redis.del(keys.map, keys.holds, keys.holders, keys.state, keys.deltas)
    }
    await Promise.all(orders.map((orderId) => pay(stack, orderId, '4242424242424242')))
    const states = await Promise.all(
      orders.map((orderId) => settled(stack, orderId, ['paid', 'voided', 'stuck'])),
    )
    expect(states.filter((state) => state === 'paid')).toHaveLength(1)
    expect(states.filter((state) => state === 'voided')).toHaveLength(BUYERS - 1)
    // No partial rows: every live seat is sold once, every ticket belongs to a paid order, nothing else was captured.
    expect(await count('select count(*) from tickets')).toBe(8)
    expect(
      await count(
        'select count(*) from (select 1 from order_items where live group by performance_id, seat_ordinal having count(*) > 1) x',
      ),
    ).toBe(0)
    const captured = stack.payments.intents.all().filter((intent) => intent.status === 'succeeded')
    expect(captured).toHaveLength(2)
  }, 300_000)
})
