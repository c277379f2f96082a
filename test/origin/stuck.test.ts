// What operators see of orders and can do about those that do not move by themselves: list, look, resume, void, refund.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hold, place, statusOf } from './buyer.ts'
import {
  advance,
  asOperator,
  authorisedOrder,
  freshHall,
  intentOf,
  paidOrder,
  refund,
  rowOf,
  told,
  expectLedgerInOrder,
} from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
})
afterAll(() => origin.stop())
afterEach(() => expectLedgerInOrder(origin))
beforeEach(() => freshHall(origin))

const look = async (number: string) => (await asOperator(origin, `/${number}`)).body
const resume = (number: string) => asOperator(origin, `/${number}/resume`, { method: 'POST' })
const voidIt = (number: string, reason = 'Two buyers wrote in') =>
  asOperator(origin, `/${number}/void`, { body: { reason } })

/** Seats sold, money reserved, and the provider away twelve times. */
async function stuckAtCapture(seats: readonly string[] = ['A-1-1', 'A-1-2']) {
  const placed = await authorisedOrder(origin, seats)
  await advance(origin, placed.orderId, 3)
  origin.payments.faults.set({ kind: 'status', status: 503 }, /POST .*\/capture$/)
  await origin.database.query('update orders set attempts = 11 where id = $1', [placed.orderId])
  expect(await advance(origin, placed.orderId)).toMatchObject({ status: 'stuck', nextStatus: 'capturing' })
  origin.payments.faults.clear()
  return placed
}

describe('the list', () => {
  test('has the latest first, by pages that neither repeat nor leave out', async () => {
    const numbers: string[] = []
    for (const seat of ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'A-1-5']) {
      numbers.unshift(String((await place(origin, [seat])).answer.body['number']))
    }
    const seen: string[] = []
    for (let before: string | null = ''; before !== null;) {
      const page = await asOperator(origin, `?limit=2${before === '' ? '' : `&before=${before}`}`)
      seen.push(...(page.body['orders'] as unknown as { number: string }[]).map(({ number }) => number))
      before = page.body['next'] as unknown as string | null
    }
    expect(seen).toEqual(numbers)
  })

  test('finds by status and by number, and shows no link and no buyer', async () => {
    const { number, orderId } = await paidOrder(origin, ['A-1-1'])
    await place(origin, ['A-1-2'])
    const paid = await asOperator(origin, '?status=paid')
    expect(paid.body).toMatchObject({
      orders: [{ number, status: 'paid', seats: 1, total: 5_250, performance: 'tiny-night' }],
      next: null,
    })
    expect((await asOperator(origin, `?number=${number.toLowerCase()}`)).body['orders']).toHaveLength(1)
    const found = async (query: string) => (await asOperator(origin, query)).body['orders']
    expect(await found('?performance=tiny-night')).toHaveLength(2)
    expect(await found('?performance=another')).toEqual([])
    expect(paid.text).not.toContain(orderId)
    expect(paid.text).not.toContain('@example.com')
  })

  test.each([
    'status=sold',
    'limit=0',
    'limit=1000',
    'limit=1.5',
    'limit=x',
    'number=%00',
    'performance=%00',
    "before=';--",
    'email=ada@example.com',
  ])('refuses %s by its name', async (query) => {
    const refused = await asOperator(origin, `?${query}`)
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field: query.split('=')[0] }] } })
  })
})

test('nothing here opens without the operators’ token', async () => {
  const { number } = await stuckAtCapture()
  for (const [method, path] of [
    ['GET', ''],
    ['GET', `/${number}`],
    ['POST', `/${number}/resume`],
    ['POST', `/${number}/void`],
    ['POST', `/${number}/refunds`],
    ['GET', '/AAAA-AAAA'],
  ] as const) {
    const refused = await origin.request(`/api/admin/orders${path}`, { method })
    expect(refused, path).toMatchObject({ status: 401, body: { code: 'admin_required' } })
  }
  expect((await look('AAAA-AAAA'))['code']).toBe('not_found')
  expect((await look(number))['status']).toBe('stuck')
})

describe('a look at one order', () => {
  test('has its state, its seats, its tickets, and what the provider says now', async () => {
    const { number, orderId, holdId } = await stuckAtCapture()
    expect(await look(number)).toMatchObject({
      number,
      orderId,
      holdId,
      status: 'stuck',
      nextStatus: 'capturing',
      attempts: 12,
      total: 10_500,
      captured: 0,
      buyer: { name: 'Ada Buyer' },
      paymentIntent: intentOf(origin, orderId).id,
      sold: [
        { seat: 'A-1-1', price: 5_000, fee: 250, live: true },
        { seat: 'A-1-2', live: true },
      ],
      tickets: [{ seat: 'A-1-1', usedAt: null, voidedAt: null }, { seat: 'A-1-2' }],
      refunds: [],
      provider: {
        reachable: true,
        status: 'requires_capture',
        amount: 10_500,
        capturable: 10_500,
        received: 0,
      },
    })
  })

  test('is answered without the provider where that is away, and for an order without a payment', async () => {
    const { number } = await stuckAtCapture()
    origin.payments.faults.set({ kind: 'status', status: 503 })
    expect(await look(number)).toMatchObject({ status: 'stuck', provider: { reachable: false } })
    origin.payments.faults.clear()
    const unpaid = await place(origin, ['A-1-3'])
    expect(await look(String(unpaid.answer.body['number']))).toMatchObject({ provider: null, sold: [] })
  })
})

describe('resume', () => {
  test('carries on from where the order got stuck, once, however often it is asked for', async () => {
    const { number, orderId } = await stuckAtCapture()
    const answers = await Promise.all(Array.from({ length: 5 }, () => resume(number)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect((await resume(number)).body).toMatchObject({ status: 'paid', captured: 10_500, attempts: 0 })
    expect(intentOf(origin, orderId).amountReceived).toBe(10_500)
    expect(await told(origin, orderId, 'order.paid')).toHaveLength(1)
  })

  test('gets stuck again where nothing has changed', async () => {
    const { number, orderId } = await authorisedOrder(origin, ['A-1-1'])
    await origin.database.query('update orders set total_minor = total_minor + 1')
    expect(await advance(origin, orderId)).toMatchObject({ status: 'stuck' })
    expect((await resume(number)).body).toMatchObject({ status: 'stuck', nextStatus: 'awaiting_payment' })
    expect(intentOf(origin, orderId).status).toBe('requires_capture')
  })

  test('after a lost reply of Postgres is safe to repeat', async () => {
    const { number, orderId } = await stuckAtCapture()
    origin.database.gateway.faults.next(/^update "orders" set "status" = "orders"."next_status"/, {
      kind: 'drop-reply',
    })
    expect((await resume(number)).status).toBe(503)
    expect((await resume(number)).body).toMatchObject({ status: 'paid' })
    expect(await told(origin, orderId, 'order.paid')).toHaveLength(1)
  })
})

describe('void', () => {
  test('of an order stuck before its capture releases the money, and its sold seats are for sale again', async () => {
    const { number, orderId } = await stuckAtCapture()
    expect((await voidIt(number)).body).toMatchObject({
      status: 'voided',
      reason: 'Two buyers wrote in',
      failure: 'voided_by_operator',
      sold: [{ live: false }, { live: false }],
    })
    expect(intentOf(origin, orderId)).toMatchObject({ status: 'canceled', amountReceived: 0 })
    expect(await told(origin, orderId, 'seats.freed')).toEqual([{ ordinals: [0, 1] }])
    expect(await told(origin, orderId, 'order.closed')).toEqual([
      { number, event: 'tiny', outcome: 'voided', reason: 'Two buyers wrote in' },
    ])
    expect((await voidIt(number, 'again')).body).toMatchObject({
      status: 'voided',
      reason: 'Two buyers wrote in',
    })
    expect((await origin.request(`/api/orders/${orderId}`)).text).not.toContain('Two buyers')
    await origin.settled()
    await hold(origin, ['A-1-1', 'A-1-2'], await origin.admit())
  })

  test('asked for many times at once, and beside a resume, ends in one of the two', async () => {
    for (const seat of ['A-1-1', 'A-1-2', 'A-1-3']) {
      const { number, orderId } = await stuckAtCapture([seat])
      await Promise.all([voidIt(number), resume(number), voidIt(number), resume(number)])
      await advance(origin, orderId)
      const status = await statusOf(origin, orderId)
      const { amountReceived, status: intent } = intentOf(origin, orderId)
      expect([
        ['paid', 5_250, 'succeeded'],
        ['voided', 0, 'canceled'],
      ]).toContainEqual([status, amountReceived, intent])
      const live = await origin.database.query('select 1 from order_items where order_id = $1 and live', [
        orderId,
      ])
      expect(live).toHaveLength(status === 'paid' ? 1 : 0)
      expect(await told(origin, orderId, 'order.closed')).toHaveLength(status === 'paid' ? 0 : 1)
    }
  })

  test('of an order that nobody has paid closes it, and its seats are free', async () => {
    const { answer, orderId } = await place(origin, ['A-1-1'])
    expect((await voidIt(String(answer.body['number']))).body).toMatchObject({ status: 'voided' })
    await hold(origin, ['A-1-1'], await origin.admit())
    const pay = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
    expect(pay).toMatchObject({ status: 409, body: { orderStatus: 'voided' } })
  })

  test('is refused where money was captured, and names the refund', async () => {
    const paid = await paidOrder(origin, ['A-1-1'])
    const stuck = await stuckAtCapture(['A-1-2'])
    await origin.parts.payments.paymentIntents.capture(intentOf(origin, stuck.orderId).id)
    for (const { number } of [paid, stuck]) {
      const refused = await voidIt(number)
      expect(refused).toMatchObject({ status: 409, body: { code: 'order_conflict' } })
      expect(refused.body['detail']).toContain(`/api/admin/orders/${number}/refunds`)
    }
    expect(await rowOf(origin, stuck.orderId)).toMatchObject({ status: 'stuck' })
  })

  test('changes nothing while the provider cannot be asked', async () => {
    const { number } = await stuckAtCapture()
    origin.payments.faults.set({ kind: 'status', status: 503 })
    expect(await voidIt(number)).toMatchObject({
      status: 502,
      body: { code: 'payment_provider_unavailable' },
    })
    expect((await look(number))['status']).toBe('stuck')
  })

  test('needs a reason', async () => {
    const { number } = await stuckAtCapture()
    expect((await voidIt(number, ' ')).body).toMatchObject({ errors: [{ field: '/reason' }] })
  })
})

describe('an order that was captured by somebody else while it was given up', () => {
  async function capturedWhileVoiding() {
    const placed = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, placed.orderId, 1)
    await origin.database.query(
      `update orders set status = 'voiding', next_status = 'voided', reason = 'seat_lost'`,
    )
    await origin.parts.payments.paymentIntents.capture(intentOf(origin, placed.orderId).id)
    expect(await advance(origin, placed.orderId)).toMatchObject({ status: 'stuck', nextStatus: 'voiding' })
    return placed
  }

  test('is refunded as a whole, and is then at rest', async () => {
    const { number, orderId } = await capturedWhileVoiding()
    expect((await refund(origin, number, { seats: ['A-1-1'] })).body).toMatchObject({
      code: 'order_conflict',
    })
    expect((await refund(origin, number)).body).toMatchObject({
      amount: 5_250,
      status: 'succeeded',
      seats: [],
    })
    expect(await rowOf(origin, orderId)).toMatchObject({
      status: 'refunded',
      captured_minor: 5_250,
      refunded_minor: 5_250,
    })
    expect((await refund(origin, number)).status).toBe(409)
  })

  test('is not sold after all while its refund is under way', async () => {
    const { number, orderId } = await stuckAtCapture()
    await origin.parts.payments.paymentIntents.capture(intentOf(origin, orderId).id)
    origin.payments.faults.set({ kind: 'status', status: 503 }, /POST \/v1\/refunds$/)
    expect((await refund(origin, number)).body).toMatchObject({ amount: 10_500, status: 'requested' })
    expect((await resume(number)).body).toMatchObject({ status: 'stuck' })
    origin.payments.faults.clear()
    expect((await resume(number)).body).toMatchObject({
      status: 'refunded',
      sold: [{ live: false }, { live: false }],
    })
    expect(await told(origin, orderId, 'order.paid')).toHaveLength(0)
  })

  test('waits on where it is only resumed', async () => {
    const { number } = await capturedWhileVoiding()
    expect((await resume(number)).body).toMatchObject({ status: 'stuck', reason: 'seat_lost' })
  })
})

test('a stuck order of which nothing was captured cannot be refunded, and says what can be done', async () => {
  const { number } = await stuckAtCapture()
  const refused = await refund(origin, number)
  expect(refused).toMatchObject({ status: 409, body: { code: 'order_conflict', orderStatus: 'stuck' } })
  expect(refused.body['detail']).toContain('void')
})
