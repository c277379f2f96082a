// The last seats through both Workers, in the platform's own runtime: calls stop when all seats are spoken for, go on when
// some come back, and everyone who waits hears that all is sold. A buyer's session is over with the order.
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { importEvent } from '../../local/demo/import.ts'
import { PERFORMANCE, smallEvent } from '../origin/small-event.ts'
import { admit, buy, newKey, request, settled } from './buyer.ts'
import { startTestStack, type TestStack } from './stack.ts'

interface Now {
  readonly state: string
  readonly called: number
  readonly waiting: number
  readonly stock: { readonly left: number; readonly held: number } | null
}

let stack: TestStack
let database: Client
beforeAll(async () => {
  stack = await startTestStack({ new_users_per_minute: 10_000, total_active_users: 1_000, queue_all: true })
  database = new Client(stack.databaseUrl)
  await database.connect()
  // The room sells the small event alone.
  await database.query(`update performances set room = 'elsewhere'`)
  await importEvent(stack.url, stack.adminToken, JSON.stringify(smallEvent()))
  await stack.workers.scheduled('foyer-origin')
}, 120_000)
afterAll(async () => {
  await database?.end()
  await stack?.stop()
})

const now = async () => (await request<Now>(`${stack.url}/.waiting-room/demo/now`)).body
const waitFor = (what: object) =>
  vi.waitFor(async () => expect(await now()).toMatchObject(what), { timeout: 30_000, interval: 200 })
const claim = (authorization: string) =>
  request<{ admissionToken: string }>(`${stack.url}/.waiting-room/demo/claim`, {
    method: 'POST',
    headers: { authorization },
    body: {},
  })

async function hold(headers: Record<string, string>, seats: readonly string[]): Promise<string> {
  const held = await request<{ holdId: string }>(`${stack.url}/api/performances/${PERFORMANCE}/holds`, {
    method: 'POST',
    headers,
    body: { seats },
  })
  expect(held.status, JSON.stringify(held.body)).toBe(201)
  return held.body.holdId
}

const seatIds = (section: string, row: string, labels: readonly number[]) =>
  labels.map((label) => `${section}-${row}-${label}`)

it('stock drives the calls to the last seat, and the last buyer’s session ends with the order', async () => {
  await waitFor({ state: 'open', stock: { left: 19, held: 0 } })
  const [ada, bob, eve] = [await admit(stack), await admit(stack), await admit(stack)]
  const first = await hold(ada, [...seatIds('A', '1', [1, 2, 3, 4, 5]), ...seatIds('A', '2', [1, 2, 3])])
  const second = await hold(bob, [...seatIds('A', '2', [4, 5]), ...seatIds('B', '1', [1, 2, 3, 4, 5, 6])])
  const last = await hold(eve, seatIds('B', '1', [7, 8, 9]))
  await waitFor({ state: 'open', stock: { left: 0, held: 19 } })

  const joined = await request<{ queueToken: string }>(`${stack.url}/.waiting-room/demo/join`, {
    method: 'POST',
    headers: { 'idempotency-key': newKey() },
    body: {},
  })
  const waiting = `Bearer ${joined.body.queueToken}`
  await waitFor({ waiting: 1, called: 0 })
  expect((await claim(waiting)).status).toBe(202)

  expect((await request(`${stack.url}/api/holds/${last}`, { method: 'DELETE', headers: eve })).status).toBe(
    204,
  )
  const admitted = await vi.waitFor(
    async () => {
      await now()
      const answer = await claim(waiting)
      expect(answer.status).toBe(200)
      return answer.body.admissionToken
    },
    { timeout: 30_000, interval: 200 },
  )
  const late = { 'waiting-room-token': admitted }

  const orders = [
    await buy(stack, { holdId: first, headers: ada }),
    await buy(stack, { holdId: second, headers: bob }),
  ]
  orders.push(await buy(stack, { holdId: await hold(late, seatIds('B', '1', [7, 8, 9])), headers: late }))
  await waitFor({ state: 'sold_out', stock: { left: 0, held: 0 } })
  const shownAtMs = Date.now()
  const { rows } = await database.query<{ at: string }>(
    `select max(extract(epoch from created_at) * 1000) as at from outbox where topic = 'seats.sold'`,
  )
  console.log(
    `from the commit of the last seat to "sold out" on the page: ${Math.round(shownAtMs - Number(rows[0]?.at))} ms`,
  )
  for (const order of orders) expect(await settled(stack, order, ['paid'])).toBe('paid')

  const seen = await request(`${stack.url}/api/orders/${orders[2]}`, { headers: late })
  expect(seen.headers.get('waiting-room-command')).toBeNull()
  await vi.waitFor(async () => {
    const renewed = await request(`${stack.url}/.waiting-room/demo/renew`, {
      method: 'POST',
      headers: late,
      body: {},
    })
    expect(renewed.status).toBe(401)
  })
  expect((await request(`${stack.url}/api/orders/${orders[2]}/tickets`)).status).toBe(200)
  expect(stack.complaints.filter((line) => line.includes('stock') || line.includes('session'))).toEqual([])
})
