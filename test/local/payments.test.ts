// The life of a payment in the simulator, driven by the very client that the origin Worker uses.

import { describe, expect, test } from 'vitest'
import { confirmed, MANUAL, refusal, start } from './payments-setup.ts'

describe('the life of a payment', () => {
  test('with manual capture: created, confirmed, captured', async () => {
    const { stripe } = await start()
    const created = await stripe.paymentIntents.create({ ...MANUAL, metadata: { order: 'o-1' } })
    expect(created).toMatchObject({
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount: 4_200,
      currency: 'eur',
      capture_method: 'manual',
      metadata: { order: 'o-1' },
      livemode: false,
    })
    expect(created.client_secret).toMatch(new RegExp(`^${created.id}_secret_`))
    expect(created.lastResponse.requestId).toMatch(/^req_/)

    const held = await stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_visa' })
    expect(held).toMatchObject({
      status: 'requires_capture',
      amount_capturable: 4_200,
      amount_received: 0,
    })
    const captured = await stripe.paymentIntents.capture(created.id)
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 4_200 })
    const seen = await stripe.paymentIntents.retrieve(created.id, {
      expand: ['latest_charge', 'payment_method'],
    })
    expect(seen.latest_charge).toMatchObject({ object: 'charge', captured: true, amount_captured: 4_200 })
    expect(seen.payment_method).toMatchObject({
      object: 'payment_method',
      card: { brand: 'visa', last4: '4242' },
    })
  })

  test('with automatic capture it succeeds on confirmation', async () => {
    const { stripe } = await start()
    const intent = await confirmed(stripe, { capture_method: 'automatic' })
    expect(intent).toMatchObject({ status: 'succeeded', amount_received: 4_200 })
  })

  test('a payment method given at creation waits for confirmation', async () => {
    const { stripe } = await start()
    const intent = await stripe.paymentIntents.create({ ...MANUAL, payment_method: 'pm_card_mastercard' })
    expect(intent.status).toBe('requires_confirmation')
    expect((await stripe.paymentIntents.confirm(intent.id)).status).toBe('requires_capture')
  })

  test('a partial capture takes that much and releases the rest', async () => {
    const { stripe } = await start()
    const { id } = await confirmed(stripe)
    const captured = await stripe.paymentIntents.capture(id, { amount_to_capture: 1_000 })
    expect(captured).toMatchObject({ status: 'succeeded', amount_received: 1_000, amount_capturable: 0 })
    expect((await refusal(stripe.paymentIntents.capture(id))).code).toBe('payment_intent_unexpected_state')
  })

  test('more than was authorised cannot be captured', async () => {
    const { stripe } = await start()
    const { id } = await confirmed(stripe)
    const error = await refusal(stripe.paymentIntents.capture(id, { amount_to_capture: 4_201 }))
    expect(error).toMatchObject({ statusCode: 400, code: 'amount_too_large', param: 'amount_to_capture' })
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture')
  })

  test('cancelling releases the authorisation', async () => {
    const { simulator, stripe } = await start()
    const { id } = await confirmed(stripe)
    const canceled = await stripe.paymentIntents.cancel(id, {
      cancellation_reason: 'abandoned',
      expand: ['latest_charge'],
    })
    expect(canceled).toMatchObject({
      status: 'canceled',
      amount_capturable: 0,
      cancellation_reason: 'abandoned',
    })
    expect(canceled.canceled_at).toBeGreaterThan(0)
    expect(canceled.latest_charge).toMatchObject({ captured: false, refunded: true })
    expect(simulator.events.of(id).map((event) => event.type)).toEqual([
      'payment_intent.created',
      'payment_intent.amount_capturable_updated',
      'charge.refunded',
      'payment_intent.canceled',
    ])
  })

  test('an authorisation that lapses is cancelled by the provider', async () => {
    const { simulator, stripe } = await start()
    const { id } = await confirmed(stripe)
    await simulator.intents.expire(id)
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'automatic',
    })
  })

  test('each wrong transition is refused as payment_intent_unexpected_state with the intent', async () => {
    const { stripe } = await start()
    const fresh = await stripe.paymentIntents.create(MANUAL)
    const held = await confirmed(stripe)
    const paid = await confirmed(stripe, { capture_method: 'automatic' })
    const gone = await stripe.paymentIntents.cancel((await stripe.paymentIntents.create(MANUAL)).id)
    const wrong: [string, Promise<unknown>][] = [
      [fresh.id, stripe.paymentIntents.confirm(fresh.id)],
      [fresh.id, stripe.paymentIntents.capture(fresh.id)],
      [held.id, stripe.paymentIntents.confirm(held.id, { payment_method: 'pm_card_visa' })],
      [held.id, stripe.paymentIntents.update(held.id, { amount: 5_000 })],
      [paid.id, stripe.paymentIntents.cancel(paid.id)],
      [paid.id, stripe.paymentIntents.capture(paid.id)],
      [paid.id, stripe.paymentIntents.confirm(paid.id)],
      [gone.id, stripe.paymentIntents.confirm(gone.id, { payment_method: 'pm_card_visa' })],
      [gone.id, stripe.paymentIntents.capture(gone.id)],
      [gone.id, stripe.paymentIntents.cancel(gone.id)],
    ]
    for (const [id, call] of wrong) {
      expect(await refusal(call)).toMatchObject({
        statusCode: 400,
        rawType: 'invalid_request_error',
        code: 'payment_intent_unexpected_state',
        payment_intent: { id },
      })
    }
  })

  test('amount and metadata may be updated before confirmation, metadata also afterwards', async () => {
    const { stripe } = await start()
    const { id } = await stripe.paymentIntents.create({ ...MANUAL, metadata: { order: 'o-1', seat: 'A1' } })
    const updated = await stripe.paymentIntents.update(id, {
      amount: 9_900,
      metadata: { seat: '', door: 'B' },
    })
    expect(updated).toMatchObject({ amount: 9_900, metadata: { order: 'o-1', door: 'B' } })
    expect(updated.metadata).not.toHaveProperty('seat')
    await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' })
    const later = await stripe.paymentIntents.update(id, { metadata: { note: 'vip' } })
    expect(later).toMatchObject({
      status: 'requires_capture',
      amount_capturable: 9_900,
      metadata: { note: 'vip' },
    })
  })

  test('while the bank thinks the intent is processing, and a second confirmation sees the result of the first', async () => {
    const { simulator, stripe } = await start({ delayMs: { min: 150, max: 200 } })
    const { id } = await stripe.paymentIntents.create(MANUAL)
    const first = stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' })
    await expect.poll(() => simulator.intents.get(id)?.status).toBe('processing')
    const second = refusal(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }))
    expect((await first).status).toBe('requires_capture')
    expect(await second).toMatchObject({
      code: 'payment_intent_unexpected_state',
      payment_intent: { status: 'requires_capture' },
    })
    expect(simulator.events.of(id, 'payment_intent.amount_capturable_updated')).toHaveLength(1)
  })
})

describe('lists', () => {
  test('are newest first, paged by cursor and filtered', async () => {
    const { stripe } = await start()
    const ids: string[] = []
    for (let index = 0; index < 5; index++) {
      const customer = index % 2 === 0 ? 'cus_even' : 'cus_odd'
      ids.unshift((await stripe.paymentIntents.create({ ...MANUAL, customer })).id)
    }
    const page = await stripe.paymentIntents.list({ limit: 2 })
    expect(page).toMatchObject({ object: 'list', has_more: true })
    expect(page.data.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const all: string[] = []
    for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) all.push(id)
    expect(all).toEqual(ids)
    expect((await stripe.paymentIntents.list({ customer: 'cus_odd' })).data).toHaveLength(2)
    const future = Math.floor(Date.now() / 1_000) + 60
    expect((await stripe.paymentIntents.list({ created: { gte: future } })).data).toHaveLength(0)
    expect((await stripe.paymentIntents.list({ created: { lt: future } })).data).toHaveLength(5)
  })
})
