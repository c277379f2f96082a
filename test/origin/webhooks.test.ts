// The provider's events over HTTP: forged, old, doubled, out of order, about nobody. Events go out only when a test says so.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { payOnPage, place, statusOf } from './buyer.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { smallEvent } from './small-event.ts'

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
  const stranger = { id: 'pi_stranger', object: 'payment_intent', amount: 1, currency: 'eur', metadata: {} }
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
