// The provider's events over HTTP: forged, old, doubled, out of order, about nobody. Events go out only when a test says so.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { app } from '../../origin/app.ts'
import { sweep } from '../../origin/orders/sweep.ts'
import { payOnPage, place, statusOf } from './buyer.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())

function intentOf(orderId: string) {
  const intent = origin.payments.intents.all().find(({ metadata }) => metadata['order'] === orderId)
  if (intent === undefined) throw new Error('the order has no intent')
  return intent
}
const eventOf = (orderId: string, type: string) => {
  const [event] = origin.payments.events.of(intentOf(orderId).id, type)
  if (event === undefined) throw new Error(`the provider has no event ${type}`)
  return event
}
async function authorisedOrder(seat: string): Promise<string> {
  const { orderId } = await place(origin, [seat])
  await payOnPage(origin, orderId)
  return orderId
}
const AUTHORISED = 'payment_intent.amount_capturable_updated'
const NO_CONTEXT = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} }

test('a buyer who never comes back has a paid order by the event alone', async () => {
  const orderId = await authorisedOrder('A-1-1')
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
  await origin.payments.events.resend(eventOf(orderId, AUTHORISED).id)
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test('one event delivered ten times at once sells and captures once', async () => {
  const orderId = await authorisedOrder('A-1-2')
  await origin.payments.events.duplicate(eventOf(orderId, AUTHORISED).id, 10)
  expect(await statusOf(origin, orderId)).toBe('paid')
  expect(
    await origin.database.query('select 1 from order_items where order_id = $1', [orderId]),
  ).toHaveLength(1)
  expect(intentOf(orderId).amountReceived).toBe(5_250)
  const [event] = await origin.database.query('select * from webhook_events where id = $1', [
    eventOf(orderId, AUTHORISED).id,
  ])
  expect(event?.['handled_at']).toBeInstanceOf(Date)
})

test('events that arrive in the wrong order leave a paid order paid', async () => {
  const orderId = await authorisedOrder('A-1-3')
  await origin.payments.events.resend(eventOf(orderId, AUTHORISED).id)
  for (const event of origin.payments.events.of(intentOf(orderId).id).toReversed()) {
    await origin.payments.events.resend(event.id)
  }
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test.each([
  ['signed by somebody else', 'A-2-1', {}],
  ['signed ten minutes ago', 'A-2-2', { ageSeconds: 600 }],
])('an event %s is refused and moves nothing', async (_name, seat, forgery) => {
  const { orderId } = await place(origin, [seat])
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const object = { ...eventOf(orderId, 'payment_intent.created').data.object, status: 'requires_capture' }
  const before = await origin.database.query('select id from webhook_events')
  expect(await origin.payments.events.forge(AUTHORISED, object, forgery)).toMatchObject({ status: 400 })
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
  expect(await origin.database.query('select id from webhook_events')).toEqual(before)
})

test('an event with our signature that claims what the provider does not know moves nothing', async () => {
  const { orderId } = await place(origin, ['A-2-3'])
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const object = { ...eventOf(orderId, 'payment_intent.created').data.object, status: 'requires_capture' }
  const answer = await origin.payments.events.forge(AUTHORISED, object, { ageSeconds: 1 })
  expect(answer).toMatchObject({ status: 200 })
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
})

test('an unsigned event is a 400, and the answer does not say what was wrong', async () => {
  const answer = await origin.request('/webhooks/payments', { body: { id: 'evt_1', type: AUTHORISED } })
  expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } })
})

test('events about no order of ours and of unknown kinds are acknowledged', async () => {
  const forge = (type: string, object: object) =>
    origin.payments.events.forge(type, object, { ageSeconds: 1 })
  const stranger = { id: 'pi_stranger', object: 'payment_intent', amount: 100, currency: 'eur', metadata: {} }
  const answers = [await forge(AUTHORISED, stranger), await forge('invoice.created', { id: 'in_1' })]
  expect(answers).toMatchObject([{ status: 200 }, { status: 200 }])
})

test('an event that could not be handled is handled when the provider repeats it', async () => {
  const orderId = await authorisedOrder('A-2-4')
  const { id } = eventOf(orderId, AUTHORISED)
  origin.database.gateway.faults.next('from "orders"', { kind: 'status', status: 503 })
  await origin.payments.events.resend(id)
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
  await origin.payments.events.resend(id)
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test('an event that comes before our own note of the intent finds its order', async () => {
  const orderId = await authorisedOrder('A-2-5')
  await origin.database.query('update orders set payment_intent = null where id = $1', [orderId])
  await origin.payments.events.resend(eventOf(orderId, AUTHORISED).id)
  expect(await statusOf(origin, orderId)).toBe('paid')
})

test('while the secret is being changed, events signed with the old and with the new one are taken, others are not', async () => {
  const old = origin.payments.settings.webhookSecret
  const rotating = { ...origin.env, STRIPE_WEBHOOK_SECRET: `whsec_new, ${old}` }
  const signedBy = async (secret: string) => {
    const body = JSON.stringify({
      id: `evt_${secret}`,
      object: 'event',
      type: 'invoice.created',
      data: { object: {} },
    })
    const signature = await origin.parts.payments.webhooks.generateTestHeaderStringAsync({
      payload: body,
      secret,
    })
    const request = new Request(`${origin.url}/webhooks/payments`, {
      method: 'POST',
      body,
      headers: { 'stripe-signature': signature },
    })
    return (await app.fetch(request, rotating, NO_CONTEXT)).status
  }
  expect([await signedBy('whsec_new'), await signedBy(old), await signedBy('whsec_other')]).toEqual([
    200, 200, 400,
  ])
})

test('an event that was altered on its way is refused', async () => {
  const { orderId } = await place(origin, ['B-1-1'])
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const event = eventOf(orderId, 'payment_intent.created')
  const body = JSON.stringify(event)
  const signature = await origin.parts.payments.webhooks.generateTestHeaderStringAsync({
    payload: body,
    secret: origin.payments.settings.webhookSecret,
  })
  const post = (text: string) =>
    fetch(`${origin.url}/webhooks/payments`, {
      method: 'POST',
      headers: { 'stripe-signature': signature },
      body: text,
    })
  expect((await post(body.replace('requires_payment_method', 'requires_capture'))).status).toBe(400)
  expect((await post(`${body} `)).status).toBe(400)
  expect((await post(body)).status).toBe(200)
})

test('one event, repeated over three days with a fresh signature each time, is handled once', async () => {
  const orderId = await authorisedOrder('B-1-2')
  const { id } = eventOf(orderId, AUTHORISED)
  await origin.payments.events.resend(id)
  expect(await statusOf(origin, orderId)).toBe('paid')
  for (let hours = 0; hours <= 72; hours += 12) {
    await origin.database.query(
      `update webhook_events set received_at = received_at - interval '12 hours', handled_at = handled_at - interval '12 hours'`,
    )
    await sweep(origin.parts)
    expect(await origin.payments.events.resend(id)).toMatchObject({ status: 200 })
    const [known] = await origin.database.query(
      `select handled_at < now() - interval '11 hours' as untouched from webhook_events where id = $1`,
      [id],
    )
    expect(known).toEqual({ untouched: true })
  }
  // After thirty days it is forgotten, and harmless all the same: the saga asks what is true.
  await origin.database.query(`update webhook_events set received_at = now() - interval '31 days'`)
  await sweep(origin.parts)
  expect(await origin.database.query('select 1 from webhook_events where id = $1', [id])).toHaveLength(0)
  await origin.payments.events.resend(id)
  expect(await statusOf(origin, orderId)).toBe('paid')
  expect(intentOf(orderId).amountReceived).toBe(2_100)
})

test('an event of one order moves no other, whatever it says of itself', async () => {
  const payer = await authorisedOrder('B-1-3')
  const { orderId: other } = await place(origin, ['B-1-4'])
  await origin.request(`/api/orders/${other}/pay`, { method: 'POST' })
  const authorised = eventOf(payer, AUTHORISED).data.object
  // The intent of the one with the name of the other, as somebody who may write to the provider could send it.
  const crossed = { ...authorised, metadata: { order: other } }
  expect(await origin.payments.events.forge(AUTHORISED, crossed, { ageSeconds: 1 })).toMatchObject({
    status: 200,
  })
  expect(await statusOf(origin, other)).toBe('awaiting_payment')
  expect(await origin.database.query('select 1 from order_items where order_id = $1', [other])).toHaveLength(
    0,
  )
})

test('a payment of another amount than the order is not adopted, and one that became so asks for a person', async () => {
  const { orderId } = await place(origin, ['B-1-5'])
  const stripe = origin.parts.payments
  const cheap = await stripe.paymentIntents.create({
    amount: 100,
    currency: 'eur',
    capture_method: 'manual',
    metadata: { order: orderId },
  })
  await stripe.paymentIntents.confirm(cheap.id, { payment_method: 'pm_card_visa' })
  const [event] = origin.payments.events.of(cheap.id, AUTHORISED)
  await origin.payments.events.resend(String(event?.id))
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
  const [row] = await origin.database.query('select payment_intent from orders where id = $1', [orderId])
  expect(row).toEqual({ payment_intent: null })

  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const own = origin.payments.intents.all().findLast(({ metadata }) => metadata['order'] === orderId)
  await stripe.paymentIntents.update(String(own?.id), { amount: 100 })
  await stripe.paymentIntents.confirm(String(own?.id), { payment_method: 'pm_card_visa' })
  const [altered] = origin.payments.events.of(String(own?.id), AUTHORISED)
  await origin.payments.events.resend(String(altered?.id))
  expect(await statusOf(origin, orderId)).toBe('stuck')
  expect(origin.payments.intents.get(String(own?.id))?.status).toBe('requires_capture')
})

test('an event that overtakes the answer to our own request finds its order, which keeps one payment', async () => {
  const { orderId } = await place(origin, ['B-1-6'])
  const created = origin.payments.faults.next(/POST \/v1\/payment_intents$/, {
    kind: 'delay',
    ms: 400,
    when: 'after',
  })
  const begun = origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  await created.fired
  const mine = () => origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)
  await vi.waitFor(() => expect(mine()).toHaveLength(1))
  await origin.payments.events.resend(eventOf(orderId, 'payment_intent.created').id)
  const [row] = await origin.database.query('select payment_intent from orders where id = $1', [orderId])
  expect(row).toEqual({ payment_intent: mine()[0]?.id })
  const answer = await begun
  expect(answer.status).toBe(202)
  expect(answer.body['redirectUrl']).toContain(String(mine()[0]?.id))
  expect(mine()).toHaveLength(1)
})

test('the map of the performance agrees with what the events have sold', async () => {
  await origin.settled()
  const sold = await origin.database.query('select seat_ordinal from order_items where live order by 1')
  const availability = await origin.parts.seats.availability(PERFORMANCE)
  if (availability.status !== 'full') throw new Error('the whole map was asked for')
  const marked = availability.map.split('').flatMap((mark, ordinal) => (mark === 's' ? [ordinal] : []))
  expect(marked).toEqual(sold.map(({ seat_ordinal }) => Number(seat_ordinal)))
})

async function postSigned(body: string, { timestamp }: { timestamp?: number } = {}): Promise<Response> {
  const signature = await origin.parts.payments.webhooks.generateTestHeaderStringAsync({
    payload: body,
    secret: origin.payments.settings.webhookSecret,
    ...(timestamp !== undefined && { timestamp }),
  })
  return await fetch(`${origin.url}/webhooks/payments`, {
    method: 'POST',
    body,
    headers: { 'stripe-signature': signature },
  })
}

test.each([
  '{}',
  'null',
  '[]',
  '"x"',
  '7',
  'this is not JSON',
  '{"id":1}',
  '{"id":"evt_odd","type":"charge.refunded","data":{}}',
  '{"id":"evt_odd","type":"refund.updated","data":{"object":null}}',
  '{"id":"evt_odd","type":"payment_intent.succeeded","data":{"object":[]}}',
  '{"id":"","type":"invoice.created","data":{"object":{}}}',
])('a body that is signed and no event is a 400 and is not kept: %s', async (body) => {
  const before = await origin.database.query('select id from webhook_events')
  const answer = await postSigned(body)
  expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'bad_request' }])
  expect(await origin.database.query('select id from webhook_events')).toEqual(before)
})

test.each([
  ['payment_intent.succeeded', { id: 'pi_1', amount: 1, currency: 'eur' }],
  ['payment_intent.succeeded', { id: 'pi_1', amount: 1, currency: 'eur', metadata: null }],
  ['payment_intent.succeeded', { metadata: { order: 'x' } }],
  ['refund.updated', {}],
  ['refund.updated', { payment_intent: 7 }],
  ['charge.refunded', { payment_intent: null }],
])('an event %s that says nothing to us, %o, is acknowledged and ignored', async (type, object) => {
  const body = JSON.stringify({ id: `evt_${crypto.randomUUID()}`, type, data: { object } })
  const answer = await postSigned(body)
  expect([answer.status, await answer.json()]).toEqual([200, { received: true, outcome: 'ignored' }])
})

test('a signature of the future is refused beyond five minutes, and taken within', async () => {
  const now = Math.floor(Date.now() / 1_000)
  const body = JSON.stringify({ id: 'evt_future', type: 'invoice.created', data: { object: {} } })
  expect((await postSigned(body, { timestamp: now + 600 })).status).toBe(400)
  expect((await postSigned(body, { timestamp: now + 200 })).status).toBe(200)
})
