// What a room is told of its seats: after each change, at most once a second, never before Postgres agrees that all is
// sold, and without a sale ever waiting for it.

import { expect, onTestFinished, test, vi } from 'vitest'
import type { CommandRequest } from '../../local/upstash/request.ts'
import type { StockSources } from '../../origin/stock.ts'
import { reportAllStock } from '../../origin/report-all-stock.ts'
import { parseRoomId } from '../../src/ids.ts'
import { createRedis } from '../../src/redis/client.ts'
import { performanceKeys, roomKeys } from '../../src/redis/keys.ts'
import { createStockStore } from '../../src/redis/stock.ts'
import { AVAILABILITY, countCalls, PERFORMANCE, setUpOrigin, settled, TOKEN } from './setup.ts'

const origin = setUpOrigin()

const room = parseRoomId('demo')
if (room === undefined) throw new Error('a valid room id')
const STATE = roomKeys(room).state
/** The hall has 20 seats, the last of them blocked. */
const SELLABLE = Array.from({ length: 19 }, (_, ordinal) => ordinal)

interface Stock {
  readonly left: number
  readonly held: number
  readonly holders: number
  readonly taken: number
}

/** What the room was told, once everything that was begun has ended. */
async function reported(performance = PERFORMANCE): Promise<Stock | undefined> {
  await settled()
  const text = await origin.raw.hget(STATE, `stock:${performance}`)
  if (text === null) return undefined
  const [left = NaN, held = NaN, holders = NaN, taken = NaN] = text.split(',').map(Number)
  return { left, held, holders, taken }
}

/** As cron has it. */
function sources(): StockSources {
  const stock = createStockStore(createRedis({ url: origin.upstash.url, token: TOKEN }))
  return { db: origin.database.db, seats: origin.seats, stock, waitUntil: () => {} }
}

const isReport = ({ commands }: CommandRequest) =>
  commands.some((command) => command[0] !== 'HKEYS' && command.some((part) => String(part) === STATE))

function watchLog() {
  const logged = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => logged.mockRestore())
  return () =>
    logged.mock.calls.filter(([line]) => String(line).includes('the stock was not reported')).length
}

/** Lets a hold's time run out at once, as the clock would. */
async function makeDue(holdId: string): Promise<void> {
  const { holders, holds } = performanceKeys(PERFORMANCE)
  const fields = ((await origin.raw.hget(holders, holdId)) ?? '').split(' ')
  fields[3] = '1'
  await origin.raw.hset(holders, holdId, fields.join(' '))
  await origin.raw.zadd(holds, 1, holdId)
}

async function holdId(response: Response): Promise<string> {
  expect(response.status).toBe(201)
  return ((await response.json()) as { holdId: string }).holdId
}

test('a hold is told with its seats and its holder, and so is its return', async () => {
  const ada = await origin.visitor('ada')
  const bob = await origin.visitor('bob')
  const first = await holdId(await ada.hold(['A-1-1', 'A-1-2']))
  expect(await reported()).toEqual({ left: 17, held: 2, holders: 1, taken: 2 })
  await ada.hold(['A-1-3'])
  await bob.hold(['B-1-1'])
  expect(await reported()).toEqual({ left: 15, held: 4, holders: 2, taken: 4 })
  expect((await ada.delete(`/api/holds/${first}`)).status).toBe(204)
  expect(await reported()).toEqual({ left: 17, held: 2, holders: 2, taken: 2 })
})

test('a storm of changes is told once a second and isolate, and the last of them is not lost', async () => {
  const visitors = await Promise.all(SELLABLE.map((seat) => origin.visitor(`v${seat}`)))
  await visitors[0]?.get(AVAILABILITY)
  await settled()
  const reports = countCalls(origin.upstash.faults, isReport)
  const startedAtMs = Date.now()
  const seats = SELLABLE.map((seat) =>
    seat < 10 ? `A-${seat < 5 ? 1 : 2}-${(seat % 5) + 1}` : `B-1-${seat - 9}`,
  )
  const answers = await Promise.all(visitors.map((visitor, at) => visitor.hold([seats[at] ?? ''])))
  expect(answers.map(({ status }) => status)).toEqual(SELLABLE.map(() => 201))
  expect(await reported()).toEqual({ left: 0, held: 19, holders: 19, taken: 19 })
  // Twice where the script was not known yet.
  expect(reports()).toBeLessThanOrEqual(2 + Math.floor((Date.now() - startedAtMs) / 1_000) + 1)
})

test('a hold that runs out is told by whoever looks at the seats, though nobody changes any', async () => {
  const owner = await origin.visitor('owner')
  const held = await holdId(await owner.hold(['A-1-1', 'A-1-2']))
  const watcher = await origin.visitor('watcher')
  const { version } = (await (await watcher.get(AVAILABILITY)).json()) as { version: number }
  expect(await reported()).toMatchObject({ held: 2 })
  await makeDue(held)
  await vi.waitFor(
    async () => {
      await watcher.get(`${AVAILABILITY}?since=${version}`)
      expect(await reported()).toEqual({ left: 19, held: 0, holders: 0, taken: 0 })
    },
    { timeout: 10_000 },
  )
})

test('cron tells every performance, also one that nobody has looked at, and ends holds that are due', async () => {
  await reportAllStock(sources())
  expect(await reported()).toEqual({ left: 19, held: 0, holders: 0, taken: 0 })
  const owner = await origin.visitor('owner')
  await makeDue(await holdId(await owner.hold(['A-1-1'])))
  await reportAllStock(sources())
  expect(await reported()).toEqual({ left: 19, held: 0, holders: 0, taken: 0 })
})

test('cron makes a room forget performances that are over or elsewhere now, and nothing else', async () => {
  await origin.raw.hset(STATE, { epoch: '2', 'stock:elsewhere': '0,0,0,9,1,1' })
  await reportAllStock(sources())
  expect(await origin.raw.hkeys(STATE)).toEqual(['epoch', `stock:${PERFORMANCE}`])
  const { database } = origin
  await database.query(`update performances set starts_at = now() - interval '25 hours'`)
  onTestFinished(async () => {
    await database.query(`update performances set starts_at = now() + interval '1 day'`)
  })
  await reportAllStock(sources())
  expect(await origin.raw.hkeys(STATE)).toEqual(['epoch'])
})

test('that all is sold is told when Postgres says so too', async () => {
  const watcher = await origin.visitor('watcher')
  await origin.sellInPostgres(SELLABLE)
  await watcher.get(AVAILABILITY)
  expect(await reported()).toEqual({ left: 0, held: 0, holders: 0, taken: 19 })
})

test('seats that are kept for those who need them are left as long as they are not sold', async () => {
  const { database } = origin
  await database.query(
    `insert into blocked_seats (performance_id, seat_ordinal, reason) values ($1, 5, 'accessible')`,
    [PERFORMANCE],
  )
  onTestFinished(async () => {
    await database.query('delete from blocked_seats where seat_ordinal = 5')
  })
  const others = SELLABLE.filter((seat) => seat !== 5)
  const watcher = await origin.visitor('watcher')
  await origin.sellInPostgres(others)
  await watcher.get(AVAILABILITY)
  expect(await reported()).toEqual({ left: 1, held: 0, holders: 0, taken: 18 })
  // Redis alone believes that it is sold: Postgres is asked, and counts the seat.
  await origin.seats.confirm(PERFORMANCE, `${PERFORMANCE}.sold`, [5])
  await reportAllStock(sources())
  expect(await reported()).toEqual({ left: 1, held: 0, holders: 0, taken: 18 })
  expect((await origin.map())?.[5]).toBe('a')
  await origin.sellInPostgres([5])
  await origin.seats.confirm(PERFORMANCE, `${PERFORMANCE}.sold-too`, [5])
  await reportAllStock(sources())
  expect(await reported()).toMatchObject({ left: 0, taken: 19 })
})

test('seats that only Redis believes to be sold are loaded anew before anybody is told that there are none', async () => {
  const watcher = await origin.visitor('watcher')
  await watcher.get(AVAILABILITY)
  await origin.sellInPostgres(SELLABLE.slice(1))
  await origin.seats.confirm(PERFORMANCE, `${PERFORMANCE}.sold`, SELLABLE)
  await reportAllStock(sources())
  expect(await reported()).toEqual({ left: 1, held: 0, holders: 0, taken: 18 })
  expect(await origin.map()).toBe(`f${'s'.repeat(18)}b`)
})

test('while Postgres cannot be asked nobody is told that all is sold', async () => {
  const logged = watchLog()
  const watcher = await origin.visitor('watcher')
  await watcher.get(AVAILABILITY)
  const before = await reported()
  expect(before).toMatchObject({ left: 19 })
  await origin.sellInPostgres(SELLABLE)
  await origin.seats.confirm(PERFORMANCE, `${PERFORMANCE}.sold`, SELLABLE)
  origin.database.gateway.faults.set({ kind: 'status', status: 503 }, 'order_items')
  await reportAllStock(sources())
  expect(await reported()).toEqual(before)
  expect(logged()).toBe(1)
  origin.database.gateway.faults.clear()
  await reportAllStock(sources())
  expect(await reported()).toMatchObject({ left: 0, taken: 19 })
})

test('a report that fails fails no hold, is one line in the log, and is made when Redis takes it', async () => {
  const logged = watchLog()
  const visitor = await origin.visitor('visitor')
  origin.upstash.faults.set({ kind: 'status', status: 503 }, isReport)
  for (const seat of ['A-1-1', 'A-1-2', 'A-1-3']) expect((await visitor.hold([seat])).status).toBe(201)
  expect(await reported()).toBeUndefined()
  expect(logged()).toBe(1)
  origin.upstash.faults.clear()
  expect((await visitor.hold(['A-1-4'])).status).toBe(201)
  expect(await reported()).toEqual({ left: 15, held: 4, holders: 1, taken: 4 })
})

test('a report that is lost once is made again by itself', async () => {
  const logged = watchLog()
  const visitor = await origin.visitor('visitor')
  // The client repeats once by itself.
  origin.upstash.faults.next(isReport, { kind: 'status', status: 503 })
  origin.upstash.faults.next(isReport, { kind: 'status', status: 503 })
  expect((await visitor.hold(['A-1-1'])).status).toBe(201)
  expect(await reported()).toEqual({ left: 18, held: 1, holders: 1, taken: 1 })
  expect(logged()).toBe(1)
})

test('a hold is answered while its report still hangs', async () => {
  const visitor = await origin.visitor('visitor')
  origin.upstash.faults.set({ kind: 'delay', ms: 1_500 }, isReport)
  expect((await visitor.hold(['A-1-1'])).status).toBe(201)
  expect(await origin.raw.hexists(STATE, `stock:${PERFORMANCE}`)).toBe(0)
  expect(await reported()).toMatchObject({ held: 1 })
})
