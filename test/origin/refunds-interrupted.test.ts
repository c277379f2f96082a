// Refunds interrupted: replies lost by Postgres and by the provider, a provider that is away, slow, or changes its mind.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sweepRefunds } from '../../origin/orders/refund-send.ts'
import { hold } from './buyer.ts'
import {
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

const CREATE = /POST \/v1\/refunds$/

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
})
afterAll(() => origin.stop())
afterEach(() => expectLedgerInOrder(origin))
beforeEach(async () => {
  origin.payments.settings.refundStatus = 'succeeded'
  await freshHall(origin)
})

const madeFor = (orderId: string) =>
  origin.payments.refunds.all().filter(({ intent }) => intent === intentOf(origin, orderId).id)

/** Cron, when every wait is over. */
async function cron(): Promise<void> {
  await origin.database.query(`update refunds set retry_at = now() - interval '1 second'`)
  await sweepRefunds(origin.parts)
}

async function shownRefund(number: string): Promise<Record<string, unknown>> {
  const { body } = await asOperator(origin, `/${number}`)
  return (body['refunds'] as unknown as Record<string, unknown>[])[0] ?? {}
}

async function expectRefundedOnce(orderId: string, amount: number): Promise<void> {
  expect(madeFor(orderId).map(({ amount: made, status }) => [made, status])).toEqual([[amount, 'succeeded']])
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: amount })
  expect(await told(origin, orderId, 'order.refunded')).toHaveLength(1)
  expect(await told(origin, orderId, 'seats.freed')).toHaveLength(1)
}

test('a provider that is away leaves the refund for cron; its seats are on sale at once', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  origin.payments.faults.set({ kind: 'status', status: 503 }, CREATE)
  expect(await refund(origin, number)).toMatchObject({
    status: 201,
    body: { status: 'requested', attempts: 1 },
  })
  await origin.settled()
  await hold(origin, ['A-1-1'], await origin.admit())
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 0 })
  origin.payments.faults.clear()
  await cron()
  await expectRefundedOnce(orderId, 5_250)
})

describe.each([
  ['the decision', 'with claimed', 503],
  ['the first look', /from "refunds" where "refunds"."id"/, 503],
  ['the end', 'with done', 503],
])('Postgres loses the reply to %s', (_name, statement, status) => {
  test('a repeat with the same key, and cron, give back once', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    const key = newKey()
    const lost = origin.database.gateway.faults.next(statement, { kind: 'drop-reply' })
    expect((await refund(origin, number, { key })).status).toBe(status)
    await lost.fired
    await cron()
    expect((await refund(origin, number, { key })).body).toMatchObject({ status: 'succeeded' })
    await cron()
    await expectRefundedOnce(orderId, 5_250)
  })
})

test('a reply that the provider loses is found again', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  origin.payments.faults.set({ kind: 'drop-reply' }, CREATE)
  expect((await refund(origin, number)).body).toMatchObject({ status: 'requested' })
  expect(madeFor(orderId)).toHaveLength(1)
  origin.payments.faults.clear()
  await cron()
  await expectRefundedOnce(orderId, 5_250)
})

test('the same, a week later, when the provider has forgotten our key', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2'])
  origin.payments.faults.set({ kind: 'drop-reply' }, CREATE)
  await refund(origin, number, { seats: ['A-1-1'] })
  origin.payments.faults.clear()
  // As after a week: what was created is known by our mark alone, and the key would create another.
  await origin.database.query(
    `update refunds set refusals = refusals + 1, created_at = now() - interval '7 days'`,
  )
  await cron()
  expect(madeFor(orderId)).toHaveLength(1)
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 5_250 })
})

test('ten that carry one refund on at the same moment give back and count once', async () => {
  // A part, so that nothing but our own care stops a second one.
  const { orderId, number } = await paidOrder(origin, ['A-1-1', 'A-1-2', 'A-1-3'])
  origin.payments.faults.set({ kind: 'status', status: 503 }, CREATE)
  await refund(origin, number, { seats: ['A-1-2'] })
  origin.payments.faults.clear()
  origin.payments.faults.set({ kind: 'delay', ms: 100 }, CREATE)
  await origin.database.query(`update refunds set retry_at = now() - interval '1 second'`)
  await Promise.all(Array.from({ length: 10 }, () => sweepRefunds(origin.parts)))
  await cron()
  expect(madeFor(orderId).map(({ amount }) => amount)).toEqual([5_250])
  expect(await rowOf(origin, orderId)).toMatchObject({ status: 'paid', refunded_minor: 5_250 })
  expect(await told(origin, orderId, 'order.refunded')).toHaveLength(1)
})

test('the provider’s event carries a refund on whose reply was lost', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  origin.payments.faults.set({ kind: 'drop-reply' }, CREATE)
  await refund(origin, number)
  origin.payments.faults.clear()
  const [event] = origin.payments.events.of(intentOf(origin, orderId).id, 'charge.refunded')
  await origin.payments.events.duplicate(String(event?.id), 5)
  await expectRefundedOnce(orderId, 5_250)
})

test('a refund that fails twelve times waits for a person, is listed, and goes on when resumed', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  origin.payments.faults.set({ kind: 'status', status: 503 }, CREATE)
  await refund(origin, number)
  const waits: number[] = []
  for (let failure = 2; failure <= 12; failure += 1) {
    expect(await shownRefund(number)).toMatchObject({ status: 'requested', attempts: failure - 1 })
    await cron()
    const [row] = await origin.database.query(
      'select round(extract(epoch from retry_at - now()) / 10)::int as s from refunds',
    )
    waits.push(Number(row?.['s']))
  }
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
  expect(await shownRefund(number)).toMatchObject({ status: 'stuck', attempts: 12 })
  expect((await asOperator(origin, '?status=stuck')).body).toMatchObject({
    orders: [{ number, status: 'paid', refundsStuck: 1 }],
  })
  await cron()
  expect(madeFor(orderId)).toHaveLength(0)
  origin.payments.faults.clear()
  const resume = () => asOperator(origin, `/${number}/resume`, { method: 'POST' })
  expect((await resume()).body).toMatchObject({ status: 'refunded', refunds: [{ status: 'succeeded' }] })
  expect((await resume()).status).toBe(200)
  await expectRefundedOnce(orderId, 5_250)
}, 60_000)

test('a refund that the provider refuses waits for a person after three tries', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  const refusal = { error: { type: 'invalid_request_error', code: 'charge_disputed', message: 'Disputed.' } }
  origin.payments.faults.set({ kind: 'error-body', status: 400, body: refusal }, CREATE)
  expect((await refund(origin, number)).body).toMatchObject({
    status: 'requested',
    failure: 'charge_disputed',
  })
  await cron()
  await cron()
  expect(await shownRefund(number)).toMatchObject({ status: 'stuck', failure: 'charge_disputed' })
  origin.payments.faults.clear()
  await asOperator(origin, `/${number}/resume`, { method: 'POST' })
  await expectRefundedOnce(orderId, 5_250)
})

test('a refusal without a code is shown in the provider’s own words', async () => {
  const { number } = await paidOrder(origin, ['A-1-1'])
  const refusal = { error: { type: 'invalid_request_error', message: 'This charge cannot be refunded.' } }
  origin.payments.faults.set({ kind: 'error-body', status: 400, body: refusal }, CREATE)
  expect((await refund(origin, number)).body).toMatchObject({
    status: 'requested',
    amount: 5_250,
    failure: 'This charge cannot be refunded.',
  })
})

test('a resume whose look at the refunds fails carries the refund on all the same', async () => {
  const { orderId, number } = await paidOrder(origin, ['A-1-1'])
  origin.payments.faults.set({ kind: 'status', status: 503 }, CREATE)
  await refund(origin, number)
  origin.payments.faults.clear()
  await origin.database.query(`update refunds set status = 'stuck', attempts = 12, failure = null`)
  origin.payments.faults.set({ kind: 'status', status: 503 }, /GET \/v1\/refunds\?/)
  expect((await asOperator(origin, `/${number}/resume`, { method: 'POST' })).status).toBe(200)
  await expectRefundedOnce(orderId, 5_250)
})

describe('a bank that takes its time', () => {
  const eventOf = (orderId: string, type: string) =>
    String(origin.payments.events.of(intentOf(origin, orderId).id, type).at(-1)?.id)

  test('is waited for without counting failures, and its event ends the refund', async () => {
    origin.payments.settings.refundStatus = 'pending'
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    expect((await refund(origin, number)).body).toMatchObject({ status: 'requested', attempts: 0 })
    await cron()
    expect(await shownRefund(number)).toMatchObject({ status: 'requested', attempts: 0 })
    await origin.payments.refunds.settle(String(madeFor(orderId)[0]?.id), 'succeeded')
    await origin.payments.events.resend(eventOf(orderId, 'refund.updated'))
    await expectRefundedOnce(orderId, 5_250)
  })

  test('and refuses in the end: another refund is tried under another key', async () => {
    origin.payments.settings.refundStatus = 'pending'
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    await refund(origin, number)
    await origin.payments.refunds.settle(String(madeFor(orderId)[0]?.id), 'failed')
    await origin.payments.events.resend(eventOf(orderId, 'refund.failed'))
    expect(await shownRefund(number)).toMatchObject({ status: 'requested', failure: 'lost_or_stolen_card' })
    origin.payments.settings.refundStatus = 'succeeded'
    await cron()
    expect(madeFor(orderId).map(({ status }) => status)).toEqual(['failed', 'succeeded'])
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 5_250 })
  })

  test('and sends the money back days later: a person is asked, and resuming gives it back anew', async () => {
    const { orderId, number } = await paidOrder(origin, ['A-1-1'])
    await refund(origin, number)
    await origin.payments.refunds.settle(String(madeFor(orderId)[0]?.id), 'failed')
    const event = eventOf(orderId, 'refund.failed')
    await origin.payments.events.duplicate(event, 3)
    expect(await rowOf(origin, orderId)).toMatchObject({ refunded_minor: 0 })
    expect((await asOperator(origin, '?status=stuck')).body).toMatchObject({ orders: [{ number }] })
    expect(await shownRefund(number)).toMatchObject({ status: 'stuck', failure: 'lost_or_stolen_card' })
    await asOperator(origin, `/${number}/resume`, { method: 'POST' })
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 5_250 })
    // The old event, once more: it is about the refund that was replaced.
    await origin.payments.events.forge(
      'refund.failed',
      { object: 'refund', payment_intent: intentOf(origin, orderId).id },
      { ageSeconds: 1 },
    )
    expect(await rowOf(origin, orderId)).toMatchObject({ status: 'refunded', refunded_minor: 5_250 })
  })
})
