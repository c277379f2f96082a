// Parts that are away for a while, at each stage of a purchase: Postgres refuses connections, Redis is emptied, the provider
// is slow, down, or hears everything twice. Nothing is lost, nothing is sold or charged twice, and all goes on by itself.
import { Stripe } from 'stripe'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { TOO_MANY_CONNECTIONS } from '../../local/neon/gateway.ts'
import { advanceOrder } from '../../origin/orders/advance.ts'
import { hold, order, payOnPage, place, statusOf } from './buyer.ts'
import { advance, authorisedOrder, expectLedgerInOrder, intentOf, paidOrder, refund } from './operator.ts'
import { newKey, startOrigin, type TestOrigin } from './origin.ts'
import {
  bringHall,
  cron,
  expectMapAgrees,
  expectMoneyAgrees,
  expireHold,
  fresh,
  whileNothingMoves,
} from './reconcile-setup.ts'
import { PERFORMANCE } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await bringHall(origin)
})
afterAll(() => origin.stop())
beforeEach(async () => {
  await fresh(origin)
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await whileNothingMoves(origin)
  await expectMoneyAgrees(origin)
  await expectLedgerInOrder(origin)
  await expectMapAgrees(origin)
})

const SEATS = ['A-1-1', 'A-1-2']
const post = (path: string) => origin.request(path, { method: 'POST' })

describe('Postgres refuses connections', () => {
  /** Everybody is told when to come back. */
  async function expectAway(
    asked: Promise<{ status: number; headers: Headers; body: object }>,
  ): Promise<void> {
    const { status, headers, body } = await asked
    expect({ status, body }).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const refuse = () => origin.database.gateway.faults.set(TOO_MANY_CONNECTIONS)
  const recover = () => origin.database.gateway.faults.clear()

  test('when the order is placed: the same key places it afterwards, once', async () => {
    const visitor = await origin.admit()
    const holdId = await hold(origin, SEATS, visitor)
    const key = newKey()
    refuse()
    const email = 'ada@example.com'
    await expectAway(order(origin, { holdId, visitor, key, email }))
    recover()
    const [first, again] = [
      await order(origin, { holdId, visitor, key, email }),
      await order(origin, { holdId, visitor, key, email }),
    ]
    expect(first.status).toBe(201)
    expect(again.body['orderId']).toBe(first.body['orderId'])
    await payOnPage(origin, String(first.body['orderId']))
    await cron(origin)
    expect(await statusOf(origin, String(first.body['orderId']))).toBe('paid')
  })

  test('when the payment begins, when the buyer looks, cancels or fetches tickets: 503, and then as before', async () => {
    const { orderId } = await place(origin, SEATS)
    refuse()
    await expectAway(post(`/api/orders/${orderId}/pay`))
    await expectAway(post(`/api/orders/${orderId}/cancel`))
    await expectAway(origin.request(`/api/orders/${orderId}`))
    await expectAway(origin.request(`/api/orders/${orderId}/tickets`))
    expect(origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)).toEqual([])
    recover()
    await payOnPage(origin, orderId)
    await cron(origin)
    expect(await statusOf(origin, orderId)).toBe('paid')
  })

  test.each([
    ['authorised', 0],
    ['decided', 1],
    ['to be committed', 2],
    ['to be captured', 3],
  ] as const)(
    'when an order is %s: no money is taken meanwhile, and cron alone ends it',
    async (_state, steps) => {
      const { orderId } = await authorisedOrder(origin, SEATS)
      if (steps > 0) await advance(origin, orderId, steps)
      refuse()
      await expect(advanceOrder(origin.parts, orderId)).rejects.toThrow()
      expect(intentOf(origin, orderId).status).toBe('requires_capture')
      await expect(cron(origin)).rejects.toThrow()
      recover()
      await cron(origin)
      expect(await statusOf(origin, orderId)).toBe('paid')
    },
  )

  test('for a whole minute of cron and events: the event is not acknowledged, and its repeat ends the order', async () => {
    const { orderId } = await authorisedOrder(origin, SEATS)
    refuse()
    const event = origin.payments.events
      .all()
      .findLast(({ type }) => type === 'payment_intent.amount_capturable_updated')
    expect(await origin.payments.events.resend(String(event?.id))).toMatchObject({ status: 503 })
    recover()
    expect(await origin.payments.events.resend(String(event?.id))).toMatchObject({ status: 200 })
    expect(await statusOf(origin, orderId)).toBe('paid')
  })
})

describe('Redis is emptied', () => {
  const empty = () => origin.parts.redis.flushdb()

  test('between hold and order: the hold is gone, and its seats are free to whoever comes first', async () => {
    const visitor = await origin.admit()
    const holdId = await hold(origin, SEATS, visitor)
    await empty()
    expect([404, 410]).toContain((await order(origin, { holdId, visitor })).status)
    await hold(origin, SEATS, await origin.admit())
  })

  test.each([
    ['placed', undefined],
    ['begun to be paid', 'begun'],
    ['authorised at the provider', 0],
    ['authorised', 1],
    ['committing', 2],
    ['capturing', 3],
  ] as const)('when an order is %s: it ends with its seats', async (_state, until) => {
    const { orderId } = await place(origin, SEATS)
    if (until === 'begun') await post(`/api/orders/${orderId}/pay`)
    if (typeof until === 'number') {
      await payOnPage(origin, orderId)
      if (until > 0) await advance(origin, orderId, until)
    }
    await empty()
    await cron(origin)
    if (typeof until !== 'number') {
      const rival = await origin.request(`/api/performances/${PERFORMANCE}/holds`, {
        headers: await origin.admit(),
        body: { seats: SEATS },
      })
      expect(rival.status).toBe(409)
      await payOnPage(origin, orderId)
      await cron(origin)
    }
    // The provider's event may have overtaken cron, and carries the order on.
    await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
  })

  test('after the sale: the seats are sold on the new map, and no rows of the outbox are lost', async () => {
    await paidOrder(origin, SEATS)
    await empty()
    await origin.database.query(`update outbox set published_at = published_at - interval '5 minutes'`)
    await cron(origin)
    expect(await origin.database.query('select 1 from outbox where handled_at is null')).toEqual([])
    expect(await origin.parts.seats.counts(PERFORMANCE)).toMatchObject({ sold: 2, held: 0 })
  })
})

describe('the provider', () => {
  /** A client with a deadline that a test can wait for. */
  const impatient = () => {
    const { port } = new URL(origin.payments.url)
    const payments = new Stripe(origin.env.STRIPE_SECRET_KEY, {
      host: '127.0.0.1',
      port: Number(port),
      protocol: 'http',
      httpClient: Stripe.createFetchHttpClient(),
      maxNetworkRetries: 0,
      timeout: 100,
      telemetry: false,
    })
    return { ...origin.parts, payments }
  }

  test.each(['before', 'after'] as const)(
    'that answers a capture only beyond the deadline, %s it is done: captured once',
    async (when) => {
      const { orderId } = await authorisedOrder(origin, SEATS)
      origin.payments.faults.next(/POST .*\/capture$/, { kind: 'delay', ms: 300, when })
      expect(await advanceOrder(impatient(), orderId)).toMatchObject({ status: 'capturing', attempts: 1 })
      await cron(origin)
      expect(await statusOf(origin, orderId)).toBe('paid')
      const { status, amountReceived } = intentOf(origin, orderId)
      expect({ status, amountReceived }).toEqual({ status: 'succeeded', amountReceived: 10_500 })
    },
  )

  test('that is down when the payment begins: 502 with a time to come back, the seats stay, and a repeat pays', async () => {
    const { orderId, holdId } = await place(origin, SEATS)
    origin.payments.faults.set({ kind: 'status', status: 503 }, 'POST /v1/payment_intents')
    const { status, headers } = await post(`/api/orders/${orderId}/pay`)
    expect(status).toBe(502)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await origin.parts.seats.findHold(PERFORMANCE, holdId)).toMatchObject({ status: 'live' })
    origin.payments.faults.clear()
    await payOnPage(origin, orderId)
    await cron(origin)
    expect(await statusOf(origin, orderId)).toBe('paid')
  })

  test.each([
    ['an intent', 'POST /v1/payment_intents'],
    ['a look', 'GET /v1/payment_intents/'],
    ['a capture', '/capture'],
  ])('that hears %s twice makes one payment of it', async (_what, request) => {
    origin.payments.faults.set({ kind: 'duplicate' }, request)
    const { orderId } = await place(origin, SEATS)
    await payOnPage(origin, orderId)
    await advance(origin, orderId)
    expect(await statusOf(origin, orderId)).toBe('paid')
    const own = origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)
    expect(own.map(({ status, amountReceived }) => ({ status, amountReceived }))).toEqual([
      { status: 'succeeded', amountReceived: 10_500 },
    ])
  })

  test('that hears a refund or a release twice gives back once', async () => {
    origin.payments.faults.set({ kind: 'duplicate' }, /POST .*(refunds|cancel)$/)
    const { orderId, number } = await paidOrder(origin, SEATS)
    expect((await refund(origin, number)).status).toBeLessThan(300)
    expect(await statusOf(origin, orderId)).toBe('refunded')
    const given = origin.payments.refunds.all().filter(({ metadata }) => metadata['order'] === orderId)
    expect(given.map(({ amount }) => amount)).toEqual([10_500])
    const other = await place(origin, SEATS)
    await post(`/api/orders/${other.orderId}/pay`)
    await post(`/api/orders/${other.orderId}/cancel`)
    expect(await statusOf(origin, other.orderId)).toBe('cancelled')
    expect(intentOf(origin, other.orderId).status).toBe('canceled')
    // The ledger of this test: a refunded order keeps its captured payment.
    await origin.database.query('truncate orders, outbox cascade')
  })

  test('that answers when the hold is dead and another has the seats: the money goes back', async () => {
    const { orderId, holdId } = await place(origin, SEATS)
    const slow = origin.payments.faults.next('POST /v1/payment_intents', {
      kind: 'delay',
      ms: 200,
      when: 'after',
    })
    const begun = post(`/api/orders/${orderId}/pay`)
    await slow.fired
    await expireHold(origin, holdId)
    const rival = await place(origin, ['A-1-1'])
    expect((await begun).status).toBe(202)
    await payOnPage(origin, orderId)
    expect(await advance(origin, orderId)).toMatchObject({ status: 'voided', failure: 'seat_lost' })
    expect(intentOf(origin, orderId).status).toBe('canceled')
    await payOnPage(origin, rival.orderId)
    expect(await advance(origin, rival.orderId)).toMatchObject({ status: 'paid' })
  })
})
