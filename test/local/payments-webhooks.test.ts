// The payment simulator's webhooks, received by a real server and verified by the `stripe` package as the origin does.

import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stripe } from 'stripe'
import { afterEach, expect, test, vi } from 'vitest'
import { afterwards, MANUAL as PAYMENT, start, WEBHOOK_SECRET } from './payments-setup.ts'

interface Received {
  readonly body: string
  readonly signature: string
}

afterEach(() => vi.restoreAllMocks())

/** A merchant's server: keeps what it got and answers each post with the next status, then 200. */
async function startReceiver(statuses: number[] = []) {
  const received: Received[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ body, signature: String(request.headers['stripe-signature']) })
      response.writeHead(statuses.shift() ?? 200).end()
    })
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  afterwards(async () => {
    server.closeAllConnections()
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    await closed.promise
  })
  return { received, url: `http://127.0.0.1:${address.port}/webhooks/payments` }
}

function verify(stripe: Stripe, { body, signature }: Received): Promise<Stripe.Event> {
  return stripe.webhooks.constructEventAsync(body, signature, WEBHOOK_SECRET)
}

test('each step of a payment arrives signed, with the intent as it was then', async () => {
  const receiver = await startReceiver()
  const { simulator, stripe } = await start({ webhookUrl: receiver.url })
  const { id } = await stripe.paymentIntents.create({ ...PAYMENT, metadata: { order: 'o-1' } })
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa_chargeDeclined' }).catch(() => {})
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' })
  await stripe.paymentIntents.capture(id)
  await stripe.refunds.create({ payment_intent: id, amount: 200 })
  await simulator.events.idle()

  const events = await Promise.all(receiver.received.map((one) => verify(stripe, one)))
  const seen = new Map(events.map((event) => [event.type as string, event]))
  expect([...seen.keys()].toSorted()).toEqual([
    'charge.refunded',
    'payment_intent.amount_capturable_updated',
    'payment_intent.created',
    'payment_intent.payment_failed',
    'payment_intent.succeeded',
    'refund.created',
  ])
  expect(seen.get('payment_intent.amount_capturable_updated')).toMatchObject({
    object: 'event',
    livemode: false,
    data: {
      object: { id, status: 'requires_capture', amount_capturable: 4_200, metadata: { order: 'o-1' } },
    },
  })
  expect(seen.get('payment_intent.payment_failed')).toMatchObject({
    data: { object: { last_payment_error: { decline_code: 'generic_decline' } } },
  })
  expect(seen.get('charge.refunded')).toMatchObject({
    data: { object: { object: 'charge', payment_intent: id, amount_refunded: 200, refunded: false } },
  })
  for (const event of events) {
    expect(event.id).toMatch(/^evt_/)
    expect(event.api_version).toBe(Stripe.API_VERSION)
  }
})

test('an event is posted again, with the same bytes, until it is answered with 2xx', async () => {
  const receiver = await startReceiver([500, 302, 429])
  const { simulator, stripe } = await start({ webhookUrl: receiver.url })
  const { id } = await stripe.paymentIntents.create(PAYMENT)
  await simulator.events.idle()
  expect(receiver.received).toHaveLength(4)
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  const [event] = simulator.events.of(id)
  expect(simulator.events.delivery(String(event?.id))).toEqual({ state: 'delivered', attempts: 4 })
})

test('a receiver that never accepts is given up after the schedule, and may be asked again by hand', async () => {
  const warning = vi.spyOn(console, 'warn').mockReturnValue()
  const receiver = await startReceiver([500, 500, 500, 500])
  const { simulator, stripe } = await start({ webhookUrl: receiver.url })
  const { id } = await stripe.paymentIntents.create(PAYMENT)
  await simulator.events.idle()
  const eventId = String(simulator.events.of(id)[0]?.id)
  expect(simulator.events.delivery(eventId)).toEqual({ state: 'failed', attempts: 4 })
  expect(warning).toHaveBeenCalledOnce()
  expect(await simulator.events.resend(eventId)).toEqual({ kind: 'answered', status: 200 })
  expect(simulator.events.delivery(eventId)).toEqual({ state: 'delivered', attempts: 5 })
})

test('a receiver that is down for a moment misses nothing', async () => {
  const { simulator, stripe } = await start({
    webhookUrl: 'http://127.0.0.1:1/',
    webhookRetryMs: Array(50).fill(5),
  })
  await stripe.paymentIntents.create(PAYMENT)
  const eventId = String(simulator.events.all()[0]?.id)
  await expect.poll(() => simulator.events.delivery(eventId).attempts).toBeGreaterThan(0)
  const receiver = await startReceiver()
  simulator.settings.webhookUrl = receiver.url
  await simulator.events.idle()
  expect(receiver.received).toHaveLength(1)
})

test('held events go out in the order that a test chooses, and doubled if it wants', async () => {
  const receiver = await startReceiver()
  const { simulator, stripe } = await start({ webhookUrl: receiver.url, holdWebhooks: true })
  const { id } = await stripe.paymentIntents.create({
    ...PAYMENT,
    confirm: true,
    payment_method: 'pm_card_visa',
  })
  expect(receiver.received).toHaveLength(0)
  const [created, authorised] = simulator.events.of(id).map((event) => event.id)
  await simulator.events.resend(String(authorised))
  await simulator.events.resend(String(created))
  await simulator.events.duplicate(String(created), 3)
  const ids = await Promise.all(receiver.received.map(async (one) => (await verify(stripe, one)).id))
  expect(ids).toEqual([authorised, created, created, created, created])
})

test('a forged event and an old one do not pass verification; the same check passes ours', async () => {
  const receiver = await startReceiver()
  const { simulator, stripe } = await start({ webhookUrl: receiver.url })
  await simulator.events.forge('payment_intent.succeeded', { id: 'pi_forged' })
  await simulator.events.forge('payment_intent.succeeded', { id: 'pi_forged' }, { ageSeconds: 3_600 })
  await stripe.paymentIntents.create(PAYMENT)
  await simulator.events.idle()
  const [forged, old, ours] = receiver.received
  if (forged === undefined || old === undefined || ours === undefined) throw new Error('three posts expected')
  await expect(verify(stripe, forged)).rejects.toThrow(Stripe.errors.StripeSignatureVerificationError)
  await expect(verify(stripe, old)).rejects.toThrow(/tolerance/)
  expect((await verify(stripe, ours)).type).toBe('payment_intent.created')
  const altered = { ...ours, body: ours.body.replace('4200', '1') }
  await expect(verify(stripe, altered)).rejects.toThrow(Stripe.errors.StripeSignatureVerificationError)
})

test('a restart keeps intents, idempotency keys and undelivered events', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'payments-'))
  afterwards(() => rm(folder, { recursive: true }))
  const dataFile = join(folder, 'payments.journal')
  const before = await start({ dataFile, webhookUrl: 'http://127.0.0.1:1/', webhookRetryMs: [60_000] })
  const options = { idempotencyKey: 'order-1' }
  const { id } = await before.stripe.paymentIntents.create(
    { ...PAYMENT, confirm: true, payment_method: 'pm_card_visa' },
    options,
  )
  await before.simulator.stop()

  const receiver = await startReceiver()
  const after = await start({ dataFile, webhookUrl: receiver.url })
  await after.simulator.events.idle()
  expect(receiver.received).toHaveLength(2)
  const again = await after.stripe.paymentIntents.create(
    { ...PAYMENT, confirm: true, payment_method: 'pm_card_visa' },
    options,
  )
  expect(again.id).toBe(id)
  expect((await after.stripe.paymentIntents.capture(id)).status).toBe('succeeded')
})

test('after a crash while the bank was thinking the payment may be confirmed again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'payments-'))
  afterwards(() => rm(folder, { recursive: true }))
  const dataFile = join(folder, 'payments.journal')
  const crashed = join(folder, 'crashed.journal')
  const before = await start({ dataFile, delayMs: 150 })
  const { id } = await before.stripe.paymentIntents.create(PAYMENT)
  const confirmation = before.stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' })
  await expect.poll(() => before.simulator.intents.get(id)?.status).toBe('processing')
  await copyFile(dataFile, crashed)
  await appendFile(crashed, '["intent",{"id":"pi_torn')
  await confirmation

  const after = await start({ dataFile: crashed })
  expect(after.simulator.intents.all()).toHaveLength(1)
  expect(after.simulator.intents.get(id)?.status).toBe('requires_confirmation')
  expect((await after.stripe.paymentIntents.confirm(id)).status).toBe('requires_capture')
})
