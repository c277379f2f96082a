// How the payment simulator treats requests: idempotency keys, faults, and what it refuses.

import { Stripe } from 'stripe'
import { describe, expect, test } from 'vitest'
import { client, confirmed, MANUAL, PUBLISHABLE_KEY, refusal, SECRET_KEY, start } from './payments-setup.ts'

/** With the fetch client `lastResponse` is the Response itself. */
function header({ lastResponse }: Stripe.Response<object>, name: string): string | null {
  return new Headers(lastResponse.headers).get(name)
}

describe('idempotency keys', () => {
  test('replay the first answer to the same request', async () => {
    const { simulator, stripe } = await start()
    const options = { idempotencyKey: 'order-1' }
    const first = await stripe.paymentIntents.create({ ...MANUAL, metadata: { a: '1', b: '2' } }, options)
    const again = await stripe.paymentIntents.create({ metadata: { b: '2', a: '1' }, ...MANUAL }, options)
    expect(again.id).toBe(first.id)
    expect(simulator.intents.all()).toHaveLength(1)
    expect(header(first, 'idempotent-replayed')).toBeNull()
    expect(header(again, 'idempotent-replayed')).toBe('true')
    expect(header(again, 'original-request')).toBe(first.lastResponse.requestId)
  })

  test('refuse other parameters and another endpoint', async () => {
    const { stripe } = await start()
    const options = { idempotencyKey: 'order-1' }
    const { id } = await stripe.paymentIntents.create(MANUAL, options)
    const other = await refusal(stripe.paymentIntents.create({ ...MANUAL, amount: 1 }, options))
    expect(other).toBeInstanceOf(Stripe.errors.StripeIdempotencyError)
    expect(other).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' })
    expect((await refusal(stripe.paymentIntents.cancel(id, {}, options))).rawType).toBe('idempotency_error')
  })

  test('refuse a second request while the first runs', async () => {
    const { simulator, stripe } = await start({ delayMs: 150 })
    const { id } = await stripe.paymentIntents.create(MANUAL)
    const confirm = () =>
      stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, { idempotencyKey: 'confirm-1' })
    const first = confirm()
    await expect.poll(() => simulator.intents.get(id)?.status).toBe('processing')
    expect(await refusal(confirm())).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' })
    expect((await first).status).toBe('requires_capture')
    expect((await confirm()).status).toBe('requires_capture')
  })

  test('remember a decline, but not a request that was refused for its parameters', async () => {
    const { simulator, stripe } = await start({ successRatio: 0 })
    const options = { idempotencyKey: 'order-1' }
    const pay = () =>
      stripe.paymentIntents.create({ ...MANUAL, confirm: true, payment_method: 'pm_card_ratio' }, options)
    const declined = await refusal(pay())
    simulator.settings.successRatio = 1
    expect((await refusal(pay())).payment_intent?.id).toBe(declined.payment_intent?.id)
    const retry = { idempotencyKey: 'order-2' }
    await refusal(stripe.paymentIntents.create({ ...MANUAL, amount: 1 }, retry))
    expect((await stripe.paymentIntents.create(MANUAL, retry)).amount).toBe(4_200)
  })

  test('are forgotten after a day', async () => {
    let nowMs = Date.now()
    const { stripe } = await start({ now: () => nowMs })
    const options = { idempotencyKey: 'order-1' }
    const { id } = await stripe.paymentIntents.create(MANUAL, options)
    nowMs += 25 * 3_600_000
    expect((await stripe.paymentIntents.create(MANUAL, options)).id).not.toBe(id)
  })

  test('a reply that is lost after the money moved costs nothing twice', async () => {
    const { simulator } = await start()
    const stripe = client(simulator, SECRET_KEY, 1)
    const lost = simulator.faults.next(/^POST \/v1\/payment_intents$/, { kind: 'drop-reply' })
    const intent = await confirmed(stripe)
    expect(await lost.fired).toEqual({ method: 'POST', path: '/v1/payment_intents' })
    expect(intent.status).toBe('requires_capture')
    expect(header(intent, 'idempotent-replayed')).toBe('true')
    expect(simulator.intents.all()).toHaveLength(1)
  })
})

describe('faults', () => {
  test('drop a reply: the request is executed and the connection closed', async () => {
    const { simulator } = await start()
    simulator.faults.next({ kind: 'drop-reply' })
    const lost = fetch(`${simulator.url}/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      body: new URLSearchParams({ amount: '4200', currency: 'eur' }),
    })
    await expect(lost).rejects.toThrow(TypeError)
    expect(simulator.intents.all()).toHaveLength(1)
  })

  test('answer 503 and 429 as Stripe words them, and clear', async () => {
    const { simulator, stripe } = await start()
    simulator.faults.set({ kind: 'status', status: 503 })
    expect(await refusal(stripe.paymentIntents.create(MANUAL))).toMatchObject({
      statusCode: 503,
      rawType: 'api_error',
    })
    simulator.faults.set({ kind: 'status', status: 429 })
    expect(await refusal(stripe.paymentIntents.create(MANUAL))).toBeInstanceOf(
      Stripe.errors.StripeRateLimitError,
    )
    simulator.faults.clear()
    expect((await stripe.paymentIntents.create(MANUAL)).object).toBe('payment_intent')
    expect(simulator.intents.all()).toHaveLength(1)
  })
})

describe('what is refused', () => {
  test('no key and another key', async () => {
    const { simulator } = await start()
    for (const path of [
      '/v1/payment_intents',
      '/v1/refunds',
      '/v1/charges/ch_x',
      '/v1/payment_methods/pm_x',
    ]) {
      const response = await fetch(simulator.url + path)
      expect(response.status).toBe(401)
    }
    const wrong = await refusal(client(simulator, 'sk_test_other').paymentIntents.create(MANUAL))
    expect(wrong).toBeInstanceOf(Stripe.errors.StripeAuthenticationError)
    expect(wrong.message).not.toContain('sk_test_other')
    expect(simulator.intents.all()).toHaveLength(0)
  })

  test('the publishable key, except to see and confirm with the client secret', async () => {
    const { simulator, stripe } = await start()
    const browser = client(simulator, PUBLISHABLE_KEY)
    const { id, client_secret } = await stripe.paymentIntents.create(MANUAL)
    expect((await refusal(browser.paymentIntents.create(MANUAL))).code).toBe('secret_key_required')
    expect((await refusal(browser.paymentIntents.retrieve(id))).code).toBe('resource_missing')
    const seen = await browser.paymentIntents.retrieve(id, { client_secret: String(client_secret) })
    expect(seen.id).toBe(id)
    // The server-side client has no `client_secret` among the parameters of confirm; Stripe's script in browsers sends it.
    const reply = await fetch(`${simulator.url}/v1/payment_intents/${id}/confirm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${PUBLISHABLE_KEY}` },
      body: new URLSearchParams({ client_secret: String(client_secret), payment_method: 'pm_card_visa' }),
    })
    expect(await reply.json()).toMatchObject({ status: 'requires_capture' })
    expect((await refusal(browser.paymentIntents.capture(id))).statusCode).toBe(403)
  })

  test.each([
    ['currency=eur', 'parameter_missing', 'amount'],
    ['amount=100', 'parameter_missing', 'currency'],
    ['amount=ten&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=10.5&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=-5&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=0&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=49&currency=eur', 'amount_too_small', 'amount'],
    ['amount=100000000&currency=eur', 'amount_too_large', 'amount'],
    ['amount=100&currency=xxy', 'parameter_invalid_string', 'currency'],
    ['amount=100&currency=eur&price=1', 'parameter_unknown', 'price'],
    ['amount=100&currency=eur&confirm=maybe', 'parameter_invalid_boolean', 'confirm'],
    ['amount=100&currency=eur&payment_method=pm_none', 'resource_missing', 'payment_method'],
    ['amount=100&currency=eur&return_url=javascript:alert(1)', 'url_invalid', 'return_url'],
    ['amount=100&currency=eur&amount[a]=1', undefined, 'amount[a]'],
    ['amount[a]=1&amount=100&currency=eur', undefined, 'amount'],
    ['amount=100&currency=eur&[a]=1', undefined, undefined],
  ])('a creation with %s', async (body, code, param) => {
    const { simulator } = await start()
    const response = await fetch(`${simulator.url}/v1/payment_intents`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${SECRET_KEY}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    })
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error).toMatchObject({ type: 'invalid_request_error' })
    expect(error.code).toBe(code)
    expect(error.param).toBe(param)
    expect(simulator.intents.all()).toHaveLength(0)
  })

  test('unknown objects, unknown addresses, and bodies that are too large', async () => {
    const { simulator, stripe } = await start()
    expect(await refusal(stripe.paymentIntents.retrieve('pi_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    })
    expect((await refusal(stripe.customers.list())).statusCode).toBe(404)
    const large = await fetch(`${simulator.url}/v1/payment_intents`, {
      method: 'POST',
      body: 'x'.repeat(300_000),
    })
    expect(large.status).toBe(413)
  })
})
