// One hold in the place of another over HTTP, and what becomes of an order for the earlier one.

import { expect, onTestFinished, test } from 'vitest'
import { newOrderId } from '../../origin/orders/order.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { HOLDS, PERFORMANCE, setUpOrigin, type Visitor } from './setup.ts'

const origin = setUpOrigin()

interface Held {
  readonly holdId: string
  readonly lastsUntil: string
  readonly seats: readonly { readonly id: string }[]
}

async function held(answer: Response): Promise<Held> {
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Held
}

const exchange = (visitor: Visitor, { holdId }: Held, seats: string[], key = crypto.randomUUID()) =>
  visitor.post(HOLDS, { seats, replaces: holdId }, { 'Idempotency-Key': key })

/** An order as the buyer has placed it, in the state that a test is about. */
async function order(holdId: string, status: string, session = 'session-owner---'): Promise<string> {
  const id = newOrderId()
  await origin.database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key,
       status, seats, seat_count, total_minor, currency, pay_by)
     values ($1, $1, $2, $3, $4, 'B', 'b@example.com', $1, $5, '[]', 0, 0, 'EUR', now() + interval '5 minutes')`,
    [id, PERFORMANCE, holdId, session, status],
  )
  onTestFinished(async () => {
    await origin.database.query('delete from orders where id = $1', [id])
  })
  return id
}

async function statusOf(id: string): Promise<unknown> {
  const rows = await origin.database.query('select status from orders where id = $1', [id])
  return rows[0]?.['status']
}

test('other seats take the place of the first in one step, also of those that are kept', async () => {
  const visitor = await origin.visitor('owner')
  const first = await held(await visitor.hold(['A-1-1', 'A-1-2']))
  const second = await held(await exchange(visitor, first, ['A-1-2', 'A-1-3', 'A-1-4']))
  expect(second.seats.map(({ id }) => id)).toEqual(['A-1-2', 'A-1-3', 'A-1-4'])
  expect(second.lastsUntil).toBe(first.lastsUntil)
  expect(await origin.map()).toMatch(/^fhhhf/)
  expect((await visitor.get(`/api/holds/${first.holdId}`)).status).toBe(409)
})

test('where the new seats are not free, the old hold and its order live on', async () => {
  const visitor = await origin.visitor('owner')
  await held(await (await origin.visitor('other')).hold(['A-1-5']))
  const first = await held(await visitor.hold(['A-1-1', 'A-1-2']))
  const id = await order(first.holdId, 'awaiting_payment')
  const refused = await exchange(visitor, first, ['A-1-2', 'A-1-5'])
  expect(await refused.json()).toMatchObject({ status: 409, conflicts: [{ seat: 'A-1-5', state: 'held' }] })
  expect(await statusOf(id)).toBe('awaiting_payment')
  expect((await visitor.get(`/api/holds/${first.holdId}`)).status).toBe(200)
  expect(await origin.map()).toMatch(/^hhffh/)
})

test('an order that awaits its payment is cancelled with its hold, and its seats are not given away with it', async () => {
  const visitor = await origin.visitor('owner')
  const first = await held(await visitor.hold(['A-1-1', 'A-1-2']))
  const id = await order(first.holdId, 'awaiting_payment')
  await held(await exchange(visitor, first, ['A-1-2', 'A-1-3']))
  expect(await statusOf(id)).toBe('cancelled')
  expect(await origin.map()).toMatch(/^fhhff/)
})

test.each(['authorised', 'committing', 'capturing', 'stuck'])(
  'a hold whose order is %s is not exchanged',
  async (status) => {
    const visitor = await origin.visitor('owner')
    const first = await held(await visitor.hold(['A-1-1', 'A-1-2']))
    const id = await order(first.holdId, status)
    expect(await (await exchange(visitor, first, ['A-1-3'])).json()).toMatchObject({
      status: 409,
      code: 'order_conflict',
      orderStatus: status,
    })
    expect(await statusOf(id)).toBe(status)
    expect(await origin.map()).toMatch(/^hhfff/)
  },
)

test('a repeat finds the new hold, also where the order was still open when the first try died', async () => {
  const visitor = await origin.visitor('owner')
  const first = await held(await visitor.hold(['A-1-1']))
  const key = crypto.randomUUID()
  const second = await held(await exchange(visitor, first, ['A-1-2'], key))
  const id = await order(first.holdId, 'awaiting_payment')
  const again = await held(await exchange(visitor, first, ['A-1-2'], key))
  expect(again.holdId).toBe(second.holdId)
  expect(await statusOf(id)).toBe('cancelled')
  expect(await origin.map()).toMatch(/^fhfff/)
})

test('another’s hold is not replaced, nor its order touched, and the answer does not tell that it exists', async () => {
  const [owner, other] = [await origin.visitor('owner'), await origin.visitor('other')]
  const theirs = await held(await owner.hold(['A-1-1']))
  const id = await order(theirs.holdId, 'authorised')
  await held(await exchange(other, theirs, ['A-1-2']))
  const none = { ...theirs, holdId: `${PERFORMANCE}.aaaaaaaaaaaaaaaaaaaaaa` }
  await held(await exchange(other, none, ['A-1-3']))
  expect(await statusOf(id)).toBe('authorised')
  expect((await owner.get(`/api/holds/${theirs.holdId}`)).status).toBe(200)
  expect(await origin.map()).toMatch(/^hhhff/)
})

test('nobody is ever offered a seat that is kept: 40 rivals meet 20 exchanges', async () => {
  const visitor = await origin.visitor('owner')
  const rivals = await Promise.all(Array.from({ length: 40 }, (_, at) => origin.visitor(`rival-${at}`)))
  let mine = await held(await visitor.hold(['A-1-1', 'A-1-2']))
  const attempts: Promise<Response>[] = []
  for (let turn = 0; turn < 20; turn += 1) {
    attempts.push(...rivals.slice(2 * turn, 2 * turn + 2).map((rival) => rival.hold(['A-1-1'])))
    mine = await held(await exchange(visitor, mine, ['A-1-1', turn % 2 === 0 ? 'A-1-3' : 'A-1-2']))
  }
  const statuses = (await Promise.all(attempts)).map(({ status }) => status)
  expect(statuses).toEqual(attempts.map(() => 409))
  const records = await origin.raw.hgetall(performanceKeys(PERFORMANCE).holders)
  expect(Object.values(records).filter((record) => record.startsWith('live '))).toHaveLength(1)
})
