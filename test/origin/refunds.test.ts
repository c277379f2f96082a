// Refunds over HTTP: whole, in parts, twice, at once, and refused. The provider's events are held back, so that nothing but
// the request itself carries a refund on.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { claimKey } from '../../origin/orders/idempotency.ts'
import { requireOrderByNumber } from '../../origin/orders/order.ts'
import { refundRequest, requestRefund } from '../../origin/orders/refund-request.ts'
import { hold, place, statusOf } from './buyer.ts'
import {
  advance,
  asOperator,
  freshHall,
  intentOf,
  paidOrder,
  refund,
  rowOf,
  told,
  expectLedgerInOrder,
} from './operator.ts'
import { newKey, startOrigin, type TestOrigin } from './origin.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin({ SEATS_PER_BUYER: 4 })
  origin.payments.settings.holdWebhooks = true
})
afterAll(() => origin.stop())
afterEach(() => expectLedgerInOrder(origin))
beforeEach(() => freshHall(origin))

const refundedAtProvider = (orderId: string) =>
  origin.payments.refunds
    .all()
    .filter(({ intent }) => intent === intentOf(origin, orderId).id)
    .map(({ amount }) => amount)

const verify = (code: string) =>
  origin.request('/api/tickets/verify', {
    headers: { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` },
    body: { code },
  })

async function ticketsOf(orderId: string) {
  const { body } = await origin.request(`/api/orders/${orderId}/tickets`)
  return body['tickets'] as unknown as { seat: string; code: string }[]
}

test('a whole refund gives the money back, voids the tickets and puts the seats on sale again', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'B-1-1'])
  const [ticket] = await ticketsOf(orderId)
  const answer = await refund(origin, number)
  expect(answer).toMatchObject({
    status: 201,
    body: { status: 'succeeded', amount: 7_350, currency: 'EUR', seats: ['A-1-1', 'B-1-1'], number },
  })
  expect(refundedAtProvider(orderId)).toEqual([7_350])
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 7_350 })
  expect((await verify(String(ticket?.code))).body['valid']).toBe(false)
  await origin.settled()
  await hold(origin, ['A-1-1', 'B-1-1'], await origin.admit())
  const { refundId } = answer.body
  expect(await told(origin, orderId, 'seats.freed')).toEqual([{ ordinals: [0, 10] }])
  expect(await told(origin, orderId, 'order.refunded')).toEqual([
    {
      number,
      event: 'tiny',
      amount: 7_350,
      currency: 'EUR',
      seats: [0, 10],
      refund: refundId,
      reason: 'The buyer fell ill',
      whole: true,
    },
  ])
})

test('a part leaves the others their tickets, may keep the fees, and the last part ends the order', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2', 'B-1-1'])
  const first = await refund(origin, number, { seats: ['A-1-2'], fees: false })
  expect(first.body).toMatchObject({ amount: 5_000, seats: ['A-1-2'] })
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 5_000 })
  const tickets = await ticketsOf(orderId)
  expect(tickets.map(({ seat }) => seat)).toEqual(['A-1-1', 'B-1-1'])
  expect((await origin.request(`/api/orders/${orderId}`)).body).toMatchObject({
    total: 12_600,
    refunded: 5_000,
  })
  const second = await refund(origin, number)
  expect(second.body).toMatchObject({ amount: 7_350, seats: ['A-1-1', 'B-1-1'] })
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 12_350 })
  expect(refundedAtProvider(orderId)).toEqual([5_000, 7_350])
  const entries = (await told(origin, orderId, 'order.refunded')) as { whole: boolean }[]
  expect(entries.map(({ whole }) => whole)).toEqual([false, true])
  expect((await refund(origin, number)).body).toMatchObject({
    code: 'order_conflict',
    orderStatus: 'refunded',
  })
})

test('seats that were given back no longer count against the limit of their buyer', async () => {
  const { number, visitor, orderId } = await paidOrder(origin, ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4'])
  const email = String((await rowOf(origin, orderId))['buyer_email'])
  const holdId = await hold(origin, ['A-1-5'], visitor)
  const again = () =>
    origin.request('/api/orders', {
      headers: { ...visitor, 'idempotency-key': newKey() },
      body: { holdId, buyer: { name: 'Ada', email } },
    })
  expect((await again()).status).toBe(422)
  await refund(origin, number, { seats: ['A-1-1'] })
  expect((await again()).status).toBe(201)
})

describe('Idempotency-Key', () => {
  test('a repeat gets the same refund, and the provider gives back once', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const key = newKey()
    const [first, ...others] = [
      await refund(origin, number, { key, seats: ['A-1-1'] }),
      await refund(origin, number, { key, seats: ['A-1-1'] }),
      await refund(origin, number.toLowerCase(), { key, seats: ['A-1-1'] }),
    ]
    for (const other of others) expect([other.status, other.body]).toEqual([201, first?.body])
    expect(refundedAtProvider(orderId)).toEqual([5_250])
  })

  test('twenty requests at once with one key give back once', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 20 }, () => refund(origin, number, { key })))
    const outcomes = new Set(answers.map(({ status, body }) => `${status} ${String(body['code'])}`))
    expect([...outcomes].toSorted().at(0)).toBe('201 undefined')
    expect(outcomes.size).toBeLessThanOrEqual(2)
    for (const outcome of outcomes)
      expect(['201 undefined', '409 idempotency_in_progress']).toContain(outcome)
    expect(refundedAtProvider(orderId)).toEqual([10_500])
  })

  test('that a repeat has taken over meanwhile gives the late request nothing', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    const { db } = origin.parts
    const request = refundRequest.parse({ reason: 'x' })
    const outcome = await claimKey(db, { scope: 'admin', key: newKey(), request })
    if (outcome.status !== 'claimed') throw new Error('the key was used before')
    await origin.database.query('update idempotency_keys set claim = gen_random_uuid()')
    const order = await requireOrderByNumber(db, number)
    await expect(requestRefund(origin.parts, order, { request, claim: outcome.claim })).rejects.toMatchObject(
      {
        code: 'idempotency_in_progress',
      },
    )
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid' })
    expect(await origin.database.query('select 1 from refunds')).toHaveLength(0)
  })

  test('missing, unusable, used for another body or another order: refused, and nothing is given back', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const other = await paidOrder(origin, ['A-1-3'])
    const missing = await asOperator(origin, `/${number}/refunds`, { body: { reason: 'x' } })
    expect(missing).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } })
    expect((await refund(origin, number, { key: 'short' })).body['code']).toBe('idempotency_key_invalid')
    const key = newKey()
    await refund(origin, number, { key, seats: ['A-1-1'] })
    for (const reused of [
      await refund(origin, number, { key, seats: ['A-1-2'] }),
      await refund(origin, other.number, { key }),
    ]) {
      expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    }
    expect(refundedAtProvider(orderId)).toEqual([5_250])
    expect(refundedAtProvider(other.orderId)).toEqual([])
  })
})

describe('at the same moment', () => {
  // Each insert takes a moment, so that without turns all would decide before any is written.
  beforeAll(() =>
    origin.database.query(`
      create function linger_refund() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return new; end';
      create trigger linger before insert on refunds for each row execute function linger_refund()`),
  )
  afterAll(() => origin.database.query('drop trigger linger on refunds'))

  test('two refunds of one seat: one wins, and the provider gives back once', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const answers = await Promise.all([
      refund(origin, number, { seats: ['A-1-1'] }),
      refund(origin, number, { seats: ['A-1-1'] }),
    ])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
    expect(refundedAtProvider(orderId)).toEqual([5_250])
  })

  test('many refunds of overlapping seats never give back more than was captured', async () => {
    const seats = ['A-1-1', 'A-1-2', 'A-1-3', 'B-1-1']
    const { orderId, number } = await paidOrder(origin, seats)
    const wanted = [
      seats.slice(0, 2),
      seats.slice(1, 3),
      seats.slice(2),
      [seats[3] ?? ''],
      seats,
      seats.slice(0, 1),
    ]
    await Promise.all(wanted.map((some) => refund(origin, number, { seats: some })))
    await refund(origin, number)
    const given = refundedAtProvider(orderId).reduce((sum, amount) => sum + amount, 0)
    expect(given).toBe(intentOf(origin, orderId).amountReceived)
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: given })
    const freed = (await told(origin, orderId, 'seats.freed')) as { ordinals: number[] }[]
    expect(freed.flatMap(({ ordinals }) => ordinals).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 10])
  })

  test('a door that scans and a refund: the ticket enters or is refunded, never both', async () => {
    for (const seat of ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4']) {
      const { orderId, number } = await paidOrder(origin, [seat])
      const [ticket] = await ticketsOf(orderId)
      const [entry, answer] = await Promise.all([verify(String(ticket?.code)), refund(origin, number)])
      expect([entry.body['valid'], answer.status]).toEqual(entry.body['valid'] ? [true, 409] : [false, 201])
    }
  })
})

test('used tickets are named and not refunded, unless the operator says so', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
  const [ticket] = await ticketsOf(orderId)
  await verify(String(ticket?.code))
  expect(await refund(origin, number)).toMatchObject({
    status: 409,
    body: { code: 'tickets_used', seats: ['A-1-1'] },
  })
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 0 })
  expect((await refund(origin, number, { seats: ['A-1-2'] })).status).toBe(201)
  expect((await refund(origin, number, { used: true })).body).toMatchObject({
    amount: 5_250,
    status: 'succeeded',
  })
  expect(await statusOf(origin, orderId)).toBe('refunded')
})

test('what cannot be refunded is refused with its reason, and nothing changes', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
  const unpaid = await place(origin, ['A-1-3'])
  await refund(origin, number, { seats: ['A-1-1'] })
  const before = await rowOf(origin, orderId)
  expect(await refund(origin, String(unpaid.answer.body['number']))).toMatchObject({
    status: 409,
    body: { code: 'order_conflict', orderStatus: 'awaiting_payment' },
  })
  expect(await refund(origin, number, { seats: ['A-1-1', 'A-1-2'] })).toMatchObject({
    status: 409,
    body: { code: 'order_conflict' },
  })
  expect((await refund(origin, number, { seats: ['A-1-2', 'Z-9'] })).body).toMatchObject({
    errors: [{ field: '/seats/1' }],
  })
  for (const body of [
    { reason: ' ' },
    { reason: 'a\nb' },
    {},
    { reason: 'x', seats: [] },
    { reason: 'x', amount: 1 },
  ]) {
    const headers = { 'idempotency-key': newKey() }
    expect((await asOperator(origin, `/${number}/refunds`, { headers, body })).status).toBe(422)
  }
  expect((await refund(origin, 'AAAA-AAAA')).status).toBe(404)
  expect((await refund(origin, "x';--")).status).toBe(404)
  const stranger = await origin.request(`/api/admin/orders/${number}/refunds`, { body: { reason: 'x' } })
  expect(stranger).toMatchObject({ status: 401, body: { code: 'admin_required' } })
  expect(await rowOf(origin, orderId)).toEqual(before)
  expect(refundedAtProvider(orderId)).toEqual([5_250])
})

describe('a refund made on the provider’s own pages', () => {
  const elsewhere = async (orderId: string, amount?: number) => {
    const stripe = origin.parts.payments
    const made = await stripe.refunds.create({
      payment_intent: intentOf(origin, orderId).id,
      ...(amount !== undefined && { amount }),
    })
    return made.id
  }
  const hearOf = async (orderId: string, type = 'charge.refunded') => {
    const [event] = origin.payments.events.of(intentOf(origin, orderId).id, type)
    return await origin.payments.events.resend(String(event?.id))
  }

  test('is shown to operators as stuck, once, and the order keeps its seats until somebody decides', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const id = await elsewhere(orderId, 1_000)
    const heard = [
      ...(await Promise.all([hearOf(orderId), hearOf(orderId, 'refund.created')])),
      await hearOf(orderId),
    ]
    expect(heard).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }])
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 0 })
    const listed = await asOperator(origin, '?status=stuck')
    expect(listed.body).toMatchObject({ orders: [{ number, status: 'paid', refundsStuck: 1 }], next: null })
    const shown = await asOperator(origin, `/${number}`)
    expect(shown.body['refunds']).toMatchObject([
      { status: 'stuck', amount: 1_000, failure: 'made_at_provider', providerRefund: id, seats: [] },
    ])
    expect(await ticketsOf(orderId)).toHaveLength(2)

    const seen = await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(seen.body).toMatchObject({ status: 'paid', refunded: 1_000, refunds: [{ status: 'succeeded' }] })
    const rest = await refund(origin, number)
    // What is left, though two seats cost more.
    expect(rest.body).toMatchObject({ amount: 9_500, status: 'succeeded' })
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 10_500 })
  })

  test('of everything leaves seats to give up without money', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    await elsewhere(orderId)
    await hearOf(orderId)
    await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect((await refund(origin, number)).body).toMatchObject({
      amount: 0,
      status: 'succeeded',
      seats: ['A-1-1'],
    })
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 5_250 })
    expect(refundedAtProvider(orderId)).toEqual([5_250])
  })

  test('a moment before ours, of which no event has told: ours becomes what is left, and theirs is shown', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    const id = await elsewhere(orderId, 5_000)
    const answer = await refund(origin, number)
    expect(answer.body).toMatchObject({ status: 'succeeded', amount: 5_500, reason: 'The buyer fell ill' })
    expect(refundedAtProvider(orderId)).toEqual([5_000, 5_500])
    const shown = await asOperator(origin, `/${number}`)
    expect(shown.body['refunds']).toMatchObject([
      { status: 'succeeded', amount: 5_500 },
      { status: 'stuck', amount: 5_000, failure: 'made_at_provider', providerRefund: id },
    ])
    // Their event, late: known already.
    await hearOf(orderId)
    const seen = await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(seen.body).toMatchObject({ status: 'refunded', refunded: 10_500 })
    expect(await told(origin, orderId, 'order.refunded')).toMatchObject([
      { amount: 5_500, whole: false },
      { amount: 5_000, whole: true },
    ])
  })

  test('of everything, a moment before ours: ours ends with nothing, and says why', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    await elsewhere(orderId)
    const answer = await refund(origin, number)
    expect(answer.body).toMatchObject({
      status: 'succeeded',
      amount: 0,
      reason: 'The buyer fell ill',
      failure: 'charge_already_refunded',
    })
    expect(refundedAtProvider(orderId)).toEqual([5_250])
    await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 5_250 })
  })

  test('while ours was stuck: resuming gives back what is left and leaves theirs to be seen', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    origin.payments.faults.set({ kind: 'status', status: 503 }, /POST \/v1\/refunds$/)
    await refund(origin, number, { seats: ['A-1-1'] })
    origin.payments.faults.clear()
    await origin.database.query(`update refunds set status = 'stuck', attempts = 12`)
    await elsewhere(orderId, 8_000)
    const resumed = await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(resumed.body['refunds']).toMatchObject([
      { status: 'succeeded', amount: 2_500 },
      { status: 'stuck', amount: 8_000, failure: 'made_at_provider' },
    ])
    expect(refundedAtProvider(orderId)).toEqual([8_000, 2_500])
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 2_500 })
  })

  test('is found by a resume, also where ours fits beside it, and is not acknowledged unseen', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
    origin.payments.faults.set({ kind: 'status', status: 503 }, /POST \/v1\/refunds$/)
    await refund(origin, number, { seats: ['A-1-1'] })
    origin.payments.faults.clear()
    await origin.database.query(`update refunds set status = 'stuck', attempts = 12`)
    await elsewhere(orderId, 1_000)
    const resumed = await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(resumed.body['refunds']).toMatchObject([
      { status: 'succeeded', amount: 5_250 },
      { status: 'stuck', amount: 1_000, failure: 'made_at_provider' },
    ])
  })

  test('that the bank sent back counts nothing', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    const id = await elsewhere(orderId, 1_000)
    await hearOf(orderId)
    await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    await origin.payments.refunds.settle(id, 'failed')
    await hearOf(orderId, 'refund.failed')
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 0 })
    expect((await refund(origin, number)).body).toMatchObject({ amount: 5_250, status: 'succeeded' })
  })

  test('is told apart from the release of money that was never captured', async () => {
    const placed = await place(origin, ['A-1-1'])
    await origin.request(`/api/orders/${placed.orderId}/pay`, { method: 'POST' })
    const stripe = origin.parts.payments
    await stripe.paymentIntents.confirm(intentOf(origin, placed.orderId).id, {
      payment_method: 'pm_card_visa',
    })
    await origin.database.query(
      `update orders set status = 'voiding', next_status = 'voided', reason = 'seat_lost'`,
    )
    expect(await advance(origin, placed.orderId)).toMatchObject({ status: 'voided' })
    expect(await hearOf(placed.orderId)).toMatchObject({ status: 200 })
    expect(await origin.database.query('select 1 from refunds')).toHaveLength(0)
  })
})

test('the check of Postgres refuses to count more as given back than was captured', async () => {
  const { orderId } = await paidOrder(origin, ['A-1-1'])
  await expect(
    origin.database.query('update orders set refunded_minor = captured_minor + 1 where id = $1', [orderId]),
  ).rejects.toThrow('orders_refunded')
})
