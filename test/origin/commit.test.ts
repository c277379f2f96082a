// The commit against a real Postgres, straight on `commitOrder`: no hold, no payment, nothing but the database decides.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventFile } from '../../origin/import/event-file.ts'
import { commitOrder, completeOrder, giveBackSeats, type CommitOutcome } from '../../origin/orders/commit.ts'
import { bringEvent } from './bring-event.ts'
import { startDatabase, type TestDatabase } from './database.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

const BUYERS = 200
const SEATS = [3, 1, 0, 2]

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
  await bringEvent(database.db, eventFile.parse(smallEvent()))
})
afterAll(() => database.stop())
beforeEach(() => database.query('truncate orders, order_items, tickets, outbox restart identity cascade'))

/** An order whose payment is authorised and whose sale is decided; seats in the order given. */
async function committingOrder(id: string, ordinals: readonly number[]): Promise<string> {
  const seats = ordinals.map((ordinal) => ({ ordinal, seat: `s${ordinal}`, price: 5_000, fee: 250 }))
  await database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, status,
       seats, seat_count, total_minor, currency, pay_by)
     values ($1, $1, $2, 'hold-' || $1, 'session', 'B', 'b@example.com', 'b@example.com', 'committing',
       $3::jsonb, $4, 0, 'EUR', now())`,
    [id, PERFORMANCE, JSON.stringify(seats), ordinals.length],
  )
  return id
}

const count = (outcomes: readonly CommitOutcome[], outcome: CommitOutcome) =>
  outcomes.filter((one) => one === outcome).length

async function rows(table: string): Promise<number> {
  const [row] = await database.query(`select count(*)::int as n from ${table}`)
  return Number(row?.['n'])
}

async function told() {
  const written = await database.query('select topic, payload from outbox order by topic desc')
  return written.map(({ topic, payload }) => [topic, payload])
}

/** All orders at once, each wanting the same seats in an order of its own. */
async function race(): Promise<CommitOutcome[]> {
  const orders: string[] = []
  for (let buyer = 0; buyer < BUYERS; buyer += 1) {
    const turned = [...SEATS.slice(buyer % 4), ...SEATS.slice(0, buyer % 4)]
    orders.push(await committingOrder(`order-${buyer}`, turned))
  }
  return await Promise.all(orders.map((id) => commitOrder(database.db, id)))
}

describe('200 orders for the same four seats, committed at once without holds', () => {
  test('one order gets them, 199 are told, and nothing partial is written', async () => {
    const outcomes = await race()
    expect(count(outcomes, 'committed')).toBe(1)
    expect(count(outcomes, 'seat_lost')).toBe(BUYERS - 1)
    expect(await rows('order_items')).toBe(4)
    expect(await rows('tickets')).toBe(4)
    expect(await rows('outbox')).toBe(1)
    expect(await rows(`orders where status = 'capturing'`)).toBe(1)
    expect(await rows(`orders where status = 'committing'`)).toBe(BUYERS - 1)
  })

  describe('control: without the unique index', () => {
    beforeEach(() => database.query('drop index order_items_live_seat'))
    afterEach(async () => {
      await database.query('truncate order_items, tickets cascade')
      await database.query(
        'create unique index order_items_live_seat on order_items (performance_id, seat_ordinal) where live',
      )
    })

    test('every seat is sold many times over', async () => {
      const outcomes = await race()
      expect(count(outcomes, 'committed')).toBe(BUYERS)
      expect(await rows('order_items')).toBe(BUYERS * SEATS.length)
    })
  })
})

test('an order that loses one of its seats sells none of the others', async () => {
  await commitOrder(database.db, await committingOrder('first', [5]))
  expect(await commitOrder(database.db, await committingOrder('second', [4, 5, 6]))).toBe('seat_lost')
  expect(await rows('order_items')).toBe(1)
  expect(await rows(`orders where id = 'second' and status = 'committing'`)).toBe(1)
})

test('a commit repeated after a lost reply sells nothing twice', async () => {
  const id = await committingOrder('repeated', [7, 8])
  database.gateway.faults.next('with moved', { kind: 'drop-reply' })
  await expect(commitOrder(database.db, id)).rejects.toThrow()
  expect(await commitOrder(database.db, id)).toBe('not_committing')
  expect(await rows('order_items')).toBe(2)
  expect(await rows('tickets')).toBe(2)
  expect(await rows('outbox')).toBe(1)
})

test('an order whose sale was not decided is not committed', async () => {
  const id = await committingOrder('undecided', [9])
  await database.query(`update orders set status = 'voiding' where id = $1`, [id])
  expect(await commitOrder(database.db, id)).toBe('not_committing')
  expect(await rows('order_items')).toBe(0)
})

test('seats given back can be sold again, and their tickets are void', async () => {
  const lapsed = await committingOrder('lapsed', [10, 11])
  await commitOrder(database.db, lapsed)
  const giveBack = { from: 'capturing', to: 'failed', reason: 'authorisation_lapsed' } as const
  expect(await giveBackSeats(database.db, lapsed, giveBack)).toBe(true)
  expect(await giveBackSeats(database.db, lapsed, giveBack)).toBe(false)
  expect(await told()).toEqual([
    ['seats.sold', { hold: 'hold-lapsed', ordinals: [10, 11] }],
    ['seats.freed', { ordinals: [10, 11] }],
    ['order.closed', { number: 'lapsed', event: 'tiny', outcome: 'failed', reason: 'authorisation_lapsed' }],
  ])
  expect(await rows('tickets where voided_at is not null')).toBe(2)
  expect(await commitOrder(database.db, await committingOrder('next', [10, 11]))).toBe('committed')
})

test('a paid order is completed once and keeps its seats', async () => {
  const id = await committingOrder('paid', [12])
  await commitOrder(database.db, id)
  expect(await completeOrder(database.db, id)).toBe(true)
  expect(await completeOrder(database.db, id)).toBe(false)
  const giveBack = { from: 'capturing', to: 'failed', reason: 'authorisation_lapsed' } as const
  expect(await giveBackSeats(database.db, id, giveBack)).toBe(false)
  expect((await told()).filter(([topic]) => topic === 'order.paid')).toEqual([
    ['order.paid', { number: 'paid', event: 'tiny', total: 0, currency: 'EUR' }],
  ])
})

test('rows that Postgres refuses for what they are is told apart from a lost seat and from an outage', async () => {
  const id = await committingOrder('refused', [13])
  await database.query('alter table tickets add constraint no_tickets check (seat_ordinal <> 13)')
  expect(await commitOrder(database.db, id)).toBe('refused')
  await database.query('alter table tickets drop constraint no_tickets')
  expect(await rows('order_items')).toBe(0)
  database.gateway.faults.next('with moved', { kind: 'status', status: 503 })
  await expect(commitOrder(database.db, id)).rejects.toThrow()
  expect(await commitOrder(database.db, id)).toBe('committed')
})
