// Cron against what was left mid-way: orders, refunds, imports, the outbox, and money that is reserved at the provider for no
// order. Damage is done by hand, cron repairs it once and counts it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { reconcile } from '../../origin/reconcile/reconcile.ts'
import { reconcileAuthorisations } from '../../origin/reconcile/authorisations.ts'
import { payOnPage, place, statusOf } from './buyer.ts'
import { advance, authorisedOrder, expectLedgerInOrder, intentOf, paidOrder, refund } from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { bringHall, cron, expectMoneyAgrees, fresh, repairs, whileNothingMoves } from './reconcile-setup.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await bringHall(origin)
})
afterAll(() => origin.stop())
beforeEach(() => fresh(origin))
afterEach(() => expectLedgerInOrder(origin))

/** As cron would find it after so many seconds. */
const look = (seconds: number) =>
  reconcileAuthorisations(origin.parts, { nowMs: Date.now() + seconds * 1_000 })
const query: TestOrigin['database']['query'] = (text, params) => origin.database.query(text, params)

describe('money that is reserved', () => {
  test('for an order that waits for it is left alone, and for one that is unpaid', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    const unpaid = await place(origin, ['A-1-2'])
    await origin.request(`/api/orders/${unpaid.orderId}/pay`, { method: 'POST' })
    expect(await look(400)).toEqual({})
    expect(intentOf(origin, orderId).status).toBe('requires_capture')
  })

  test('is left alone while it is younger than a few minutes', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await query('delete from orders')
    expect(await look(200)).toEqual({})
    expect(intentOf(origin, orderId).status).toBe('requires_capture')
  })

  test.each(['cancelled', 'voided', 'expired', 'failed'])(
    'for an order that is %s is released',
    async (status) => {
      const { orderId } = await authorisedOrder(origin, ['A-1-1'])
      await query('update orders set status = $2, reason = $2 where id = $1', [orderId, status])
      await query(
        `insert into outbox (topic, order_id, performance_id, payload) select 'order.closed', id, performance_id,
         jsonb_build_object('number', number, 'event', 'tiny', 'outcome', status, 'reason', reason) from orders`,
      )
      expect(await look(400)).toEqual({ authorisation_released: 1 })
      expect(intentOf(origin, orderId)).toMatchObject({ status: 'canceled', cancellationReason: 'abandoned' })
      expect(await look(400)).toEqual({})
    },
  )

  test('for an order that we do not know is released', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await query('delete from orders')
    expect(await look(400)).toEqual({ authorisation_released: 1 })
    expect(intentOf(origin, orderId).status).toBe('canceled')
  })

  test('for an order that has another payment is released, and its own is not', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    const [other] = origin.payments.intents.all().slice(-1)
    await query(`update orders set payment_intent = null, payment_attempt = 2 where id = $1`, [orderId])
    await payOnPage(origin, orderId)
    const own = intentOf(origin, orderId)
    expect(own.id).not.toBe(other?.id)
    expect(await look(400)).toEqual({ authorisation_released: 1 })
    expect(origin.payments.intents.get(String(other?.id))?.status).toBe('canceled')
    expect(origin.payments.intents.get(own.id)?.status).toBe('requires_capture')
  })

  test('for an order that never heard of its payment becomes its payment', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await query('update orders set payment_intent = null')
    expect(await look(400)).toEqual({ payment_found: 1 })
    expect(await statusOf(origin, orderId)).toBe('paid')
    expect(await look(400)).toEqual({})
    await expectMoneyAgrees(origin)
  })

  test('of another amount than its order asks for is not taken for its payment', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await query('update orders set payment_intent = null, total_minor = total_minor + 1')
    vi.spyOn(console, 'error').mockReturnValue()
    expect(await look(400)).toEqual({})
    expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
    expect(intentOf(origin, orderId).status).toBe('requires_capture')
    vi.restoreAllMocks()
  })

  test('by another program on the same account is left alone', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    const { id } = intentOf(origin, orderId)
    await origin.parts.payments.paymentIntents.update(id, {
      metadata: { return_url: 'https://other.example/done' },
    })
    await query('delete from orders')
    expect(await look(400)).toEqual({})
    expect(origin.payments.intents.get(id)?.status).toBe('requires_capture')
  })

  test('after the first look is found by the second and the third', async () => {
    const early = await authorisedOrder(origin, ['A-1-1'])
    expect(await look(400)).toEqual({})
    const late = await authorisedOrder(origin, ['A-1-2'])
    await query('delete from orders where id = $1', [early.orderId])
    expect(await look(3_000)).toEqual({})
    expect(await look(4_000)).toEqual({ authorisation_released: 1 })
    await query('delete from orders where id = $1', [late.orderId])
    expect(await look(86_000)).toEqual({})
    expect(await look(87_000)).toEqual({ authorisation_released: 1 })
  })

  test('is found page by page, and a provider that cannot be asked in between loses none', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    const { metadata } = intentOf(origin, orderId)
    for (let i = 0; i < 230; i += 1) {
      await origin.parts.payments.paymentIntents.create({
        amount: 100,
        currency: 'eur',
        metadata: { ...metadata },
      })
    }
    await query('delete from orders')
    const lists = 'GET /v1/payment_intents'
    origin.payments.faults.next(lists, { kind: 'delay', ms: 0 })
    origin.payments.faults.next(lists, { kind: 'status', status: 400 })
    await expect(look(400)).rejects.toThrow()
    origin.payments.faults.clear()
    expect(await look(400)).toEqual({ authorisation_released: 1 })
  })
})

describe('what was left mid-way', () => {
  test.each([
    ['authorised', 1],
    ['committing', 2],
    ['capturing', 3],
  ] as const)('an order that is %s is carried on and counted', async (status, steps) => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    expect(await advance(origin, orderId, steps)).toMatchObject({ status })
    await cron(origin)
    expect(await statusOf(origin, orderId)).toBe('paid')
    expect(await repairs(origin)).toEqual({ order_carried_on: 1 })
    await expectMoneyAgrees(origin)
  })

  test('a payment of which nobody has told is found', async () => {
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await cron(origin)
    expect(await statusOf(origin, orderId)).toBe('paid')
    expect(await repairs(origin)).toEqual({ payment_found: 1 })
  })

  test('an order that nobody pays ends by right, and counts nothing', async () => {
    const { orderId } = await place(origin, ['A-1-1'])
    await query(`update orders set pay_by = now() - interval '1 second'`)
    await cron(origin)
    expect(await statusOf(origin, orderId)).toBe('expired')
    expect(await repairs(origin)).toEqual({})
  })

  test('a refund whose request died is sent, once', async () => {
    const { number } = await paidOrder(origin, ['A-1-1'])
    origin.payments.faults.set({ kind: 'status', status: 400 }, 'POST /v1/refunds')
    vi.spyOn(console, 'error').mockReturnValue()
    await refund(origin, number)
    vi.restoreAllMocks()
    origin.payments.faults.clear()
    await query(
      `update refunds set created_at = now() - interval '1 minute', attempts = 0, refusals = 0, failure = null`,
    )
    await cron(origin)
    await cron(origin)
    expect(await query('select status from refunds')).toEqual([{ status: 'succeeded' }])
    expect(await repairs(origin)).toEqual({ refund_carried_on: 1 })
    expect(
      origin.payments.refunds.all().filter(({ metadata }) => metadata['number'] === number),
    ).toHaveLength(1)
  })

  test('an import that stands still goes on, and so does one whose stream is lost', async () => {
    origin.redis.faults.set({ kind: 'status', status: 503 }, /XADD|XREADGROUP|XAUTOCLAIM|XGROUP/)
    vi.spyOn(console, 'error').mockReturnValue()
    const accepted = await origin.request('/api/admin/events/import', {
      headers: { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` },
      body: { ...smallEvent(), event: { ...smallEvent().event, name: 'Tiny, renamed' } },
    })
    expect(accepted.status).toBe(202)
    await origin.settled()
    origin.redis.faults.clear()
    await query(
      `update imports set touched_at = now() - interval '5 minutes' where status in ('queued', 'running')`,
    )
    await cron(origin)
    vi.restoreAllMocks()
    expect(await query(`select status from imports where id = $1`, [accepted.body['importId']])).toEqual([
      { status: 'done' },
    ])
    expect(await repairs(origin)).toEqual({ import_carried_on: 1 })
    await query(`update imports set finished_at = finished_at - interval '5 minutes'`)
  })

  test('rows of the outbox that Redis has lost are published again and counted', async () => {
    await paidOrder(origin, ['A-1-1'])
    await whileNothingMoves(origin)
    await origin.parts.redis.del('outbox')
    await query(`delete from outbox_handled`)
    await query(`update outbox set published_at = now() - interval '5 minutes', handled_at = null, taken_at = null,
      entry = coalesce(entry, '1-1'), created_at = now() - interval '5 minutes'`)
    await cron(origin)
    expect(await query('select 1 from outbox where handled_at is null')).toEqual([])
    expect(await repairs(origin)).toMatchObject({ outbox_published_again: 2 })
  })
})

describe('GET /api/admin/reconcile', () => {
  const headers = () => ({ authorization: `Bearer ${origin.env.ADMIN_TOKEN}` })

  test('shows what was repaired so far, what the last run found, and what waits', async () => {
    const before = await origin.request('/api/admin/reconcile', { headers: headers() })
    expect(before.body).toMatchObject({
      repairs: {},
      lastRun: null,
      waiting: { outboxRows: 0, ordersStuck: 0 },
    })
    const { orderId } = await authorisedOrder(origin, ['A-1-1'])
    await advance(origin, orderId, 1)
    await query(`update orders set status = 'stuck', next_status = 'authorised', hold_id = hold_id || 'x'`)
    await origin.parts.redis.setrange(`seats:{${PERFORMANCE}}:map`, 7, 's')
    await reconcile(origin.parts)
    const { body } = await origin.request('/api/admin/reconcile', { headers: headers() })
    expect(body).toMatchObject({
      repairs: { seat_not_freed: 1 },
      lastRun: { repairs: { seat_not_freed: 1 }, failed: [] },
      waiting: { ordersStuck: 1 },
    })
    await query('delete from orders')
  })

  test('names what could not be compared, while the rest is', async () => {
    origin.payments.faults.set({ kind: 'status', status: 400 }, 'GET /v1/payment_intents')
    await origin.parts.redis.setrange(`seats:{${PERFORMANCE}}:map`, 7, 's')
    vi.spyOn(console, 'error').mockReturnValue()
    await expect(reconcile(origin.parts)).rejects.toThrow()
    vi.restoreAllMocks()
    const { body } = await origin.request('/api/admin/reconcile', { headers: headers() })
    expect(body).toMatchObject({ lastRun: { repairs: { seat_not_freed: 1 }, failed: ['authorisations'] } })
  })

  test('opens for nobody but operators', async () => {
    expect((await origin.request('/api/admin/reconcile')).status).toBe(401)
  })
})
