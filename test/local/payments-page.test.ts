// The payment simulator's own pages, used as a browser without JavaScript uses them: forms and redirects.

import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stripe } from 'stripe'
import { afterEach, expect, test, vi } from 'vitest'
import type { PaymentSimulator } from '../../local/payments/simulator.ts'
import { afterwards, start } from './payments-setup.ts'

const SHOP = 'https://shop.example/orders/o-1?view=full'
const CARD = { number: '4242 4242 4242 4242', expiry: '12 / 34', cvc: '123' }

afterEach(() => vi.restoreAllMocks())

function createIntent(stripe: Stripe, extra: Partial<Stripe.PaymentIntentCreateParams> = {}) {
  return stripe.paymentIntents.create({
    amount: 123_450,
    currency: 'eur',
    capture_method: 'manual',
    description: 'Two seats, <b>row A</b>',
    metadata: { return_url: SHOP },
    ...extra,
  })
}

function pageOf({ url }: PaymentSimulator, intent: Stripe.PaymentIntent, more: Record<string, string> = {}) {
  const query = new URLSearchParams({ client_secret: String(intent.client_secret), ...more })
  return `${url}/pay/${intent.id}?${query}`
}

function post(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' })
}

function locationOf(response: Response): URL {
  expect(response.status).toBe(303)
  return new URL(String(response.headers.get('location')), response.url)
}

/** The return to the shop, as Stripe's redirects look. */
function expectReturn(location: URL, intent: Stripe.PaymentIntent, status: 'succeeded' | 'failed') {
  expect(location.origin + location.pathname).toBe('https://shop.example/orders/o-1')
  expect(Object.fromEntries(location.searchParams)).toEqual({
    view: 'full',
    payment_intent: intent.id,
    payment_intent_client_secret: intent.client_secret,
    redirect_status: status,
  })
}

/** The policy names the hash of exactly the element that the page carries, or a browser would drop it. */
function expectAllowed(response: Response, element: 'script' | 'style', text: string) {
  const content = new RegExp(`<${element}>([^]*)</${element}>`).exec(text)?.[1] ?? ''
  const hash = createHash('sha256').update(content).digest('base64')
  expect(response.headers.get('content-security-policy')).toContain(`${element}-src 'sha256-${hash}'`)
}

test('the page shows amount and description, names its fields for autofill, and loads nothing from elsewhere', async () => {
  const { simulator, stripe } = await start()
  const response = await fetch(pageOf(simulator, await createIntent(stripe)))
  const text = await response.text()
  expect(response.status).toBe(200)
  expect(text).toContain('€1,234.50')
  expect(text).toContain('Two seats, &lt;b&gt;row A&lt;/b&gt;')
  for (const token of ['cc-number', 'cc-exp', 'cc-csc']) expect(text).toContain(`autocomplete="${token}"`)
  for (const [, id] of text.matchAll(/<input\s+id="(\w+)"/g)) expect(text).toContain(`<label for="${id}"`)
  expect(text.match(/<input/g)).toHaveLength(3)
  expect(text).not.toMatch(/(src|href)="(?!data:,)/)
  expect(text).not.toContain('<script')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const policy = String(response.headers.get('content-security-policy'))
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).toContain("form-action 'self' https://shop.example")
})

test('a good card authorises the payment and sends the payer back to the shop', async () => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  const url = pageOf(simulator, intent)
  expectReturn(locationOf(await post(url, CARD)), intent, 'succeeded')
  expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_capture')
  expectReturn(locationOf(await fetch(url, { redirect: 'manual' })), intent, 'succeeded')
})

test('a declined card is told beside the form, and another card may follow', async () => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  const url = pageOf(simulator, intent)
  const declined = await post(url, { ...CARD, number: '4000000000009995' })
  expect(declined.status).toBe(402)
  expect(await declined.text()).toContain('Your card has insufficient funds.')
  const expired = await (await post(url, { ...CARD, number: '4000000000000069' })).text()
  expect(expired).toContain('id="expiry-error"')
  const unknown = await (await post(url, { ...CARD, number: '4111111111111111' })).text()
  expect(unknown).toContain('only test cards work')
  expectReturn(locationOf(await post(url, CARD)), intent, 'succeeded')
})

test.each([
  [{ number: '' }, 'number', 'Enter the card number'],
  [{ number: '4242 4242 4242 4241' }, 'number', 'not valid'],
  [{ number: '4242' }, 'number', 'incomplete'],
  [{ number: '4242x4242y4242' }, 'number', 'only digits'],
  [{ expiry: '13/34' }, 'expiry', 'MM/YY'],
  [{ expiry: '01/20' }, 'expiry', 'has expired'],
  [{ expiry: '' }, 'expiry', 'MM/YY'],
  [{ cvc: '12' }, 'cvc', '3 digits'],
  [{ number: '378282246310005' }, 'cvc', '4 digits'],
])('%j is refused beside the field, and the bank is not asked', async (wrong, field, message) => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  const response = await post(pageOf(simulator, intent), { ...CARD, ...wrong })
  const text = await response.text()
  expect(response.status).toBe(422)
  expect(text).toMatch(new RegExp(`id="${field}-error">[^<]*${message}`))
  expect(text).toMatch(new RegExp(`aria-describedby="${field}-error"`))
  expect(simulator.events.of(intent.id, 'payment_intent.payment_failed')).toHaveLength(0)
})

test('a form that is submitted twice at once pays once, and both answers lead back to the shop', async () => {
  const { simulator, stripe } = await start({ delayMs: 60 })
  const intent = await createIntent(stripe)
  const url = pageOf(simulator, intent)
  const responses = await Promise.all([post(url, CARD), post(url, CARD), post(url, CARD)])
  for (const response of responses) expectReturn(locationOf(response), intent, 'succeeded')
  expect(simulator.events.of(intent.id, 'payment_intent.amount_capturable_updated')).toHaveLength(1)
})

test('3-D Secure: Complete pays, Fail does not, and the shop hears which', async () => {
  const { simulator, stripe } = await start()
  for (const [outcome, redirectStatus, status] of [
    ['complete', 'succeeded', 'requires_capture'],
    ['fail', 'failed', 'requires_payment_method'],
  ] as const) {
    const intent = await createIntent(stripe)
    const challenge = locationOf(
      await post(pageOf(simulator, intent), { ...CARD, number: '4000000000003220' }),
    )
    expect(challenge.pathname).toBe(`/3ds/${intent.id}`)
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_action')
    const text = await (await fetch(challenge)).text()
    expect(text).toContain('>Complete</button>')
    expect(text).toContain('>Fail</button>')
    expect((await post(challenge.href, { outcome: 'perhaps' })).status).toBe(200)
    expectReturn(locationOf(await post(challenge.href, { outcome })), intent, redirectStatus)
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe(status)
  }
})

test('3-D Secure: a bank that knows the payer may still decline', async () => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  const challenge = locationOf(await post(pageOf(simulator, intent), { ...CARD, number: '4000008260003178' }))
  expectReturn(locationOf(await post(challenge.href, { outcome: 'complete' })), intent, 'failed')
  expect((await stripe.paymentIntents.retrieve(intent.id)).last_payment_error?.decline_code).toBe(
    'insufficient_funds',
  )
})

test('the challenge of a confirmation by API is the address in next_action', async () => {
  const { stripe } = await start()
  const intent = await createIntent(stripe, {
    confirm: true,
    payment_method: 'pm_card_authenticationRequired',
  })
  const address = String(intent.next_action?.redirect_to_url?.url)
  expectReturn(locationOf(await post(address, { outcome: 'complete' })), intent, 'succeeded')
})

test('with method=post the return is a form to the shop that needs no cookies', async () => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  const challenge = locationOf(
    await post(pageOf(simulator, intent, { method: 'post' }), { ...CARD, number: '4000000000003220' }),
  )
  const response = await post(challenge.href, { outcome: 'complete' })
  const text = await response.text()
  expect(response.status).toBe(200)
  expect(text).toContain('<form method="post" action="https://shop.example/orders/o-1?view=full">')
  const fields = Object.fromEntries(
    Array.from(text.matchAll(/name="(\w+)" value="([^"]*)"/g), ([, name, value]) => [name, value]),
  )
  expect(fields).toEqual({
    payment_intent: intent.id,
    payment_intent_client_secret: intent.client_secret,
    redirect_status: 'succeeded',
  })
  expect(text).toContain('>Continue</button>')
  expectAllowed(response, 'script', text)
  expectAllowed(response, 'style', text)
})

test('the return URL of the merchant cannot be altered by the address of the page', async () => {
  const { simulator, stripe } = await start()
  const evil = { return_url: 'https://evil.example/' }
  const intent = await createIntent(stripe)
  const response = await post(pageOf(simulator, intent, evil), CARD)
  expectReturn(locationOf(response), intent, 'succeeded')

  const broken = await createIntent(stripe, { metadata: { return_url: 'javascript:alert(1)' } })
  const stays = await post(pageOf(simulator, broken, evil), CARD)
  expect(stays.status).toBe(200)
  expect(await stays.text()).toContain('Paid')
})

test('without a return URL of the merchant the query names it, and only http and https will do', async () => {
  const { simulator, stripe } = await start()
  const named = await createIntent(stripe, { metadata: {} })
  const location = locationOf(await post(pageOf(simulator, named, { return_url: SHOP }), CARD))
  expectReturn(location, named, 'succeeded')
  const other = await createIntent(stripe, { metadata: {} })
  const stays = await post(pageOf(simulator, other, { return_url: 'javascript:alert(1)' }), CARD)
  expect(stays.status).toBe(200)
  expect(await stays.text()).not.toContain('javascript:')
})

test('a wrong or missing client secret looks like an unknown payment', async () => {
  const { simulator, stripe } = await start()
  const { id } = await createIntent(stripe)
  const bodies = new Set<string>()
  for (const path of [
    `/pay/${id}`,
    `/pay/${id}?client_secret=no`,
    `/3ds/${id}?client_secret=no`,
    '/pay/pi_none',
    '/',
  ]) {
    const response = await fetch(simulator.url + path)
    expect(response.status).toBe(404)
    bodies.add(await response.text())
  }
  expect(bodies.size).toBe(1)
  expect((await post(`${simulator.url}/pay/${id}?client_secret=no`, CARD)).status).toBe(404)
  expect(simulator.intents.get(id)?.status).toBe('requires_payment_method')
})

test('a cancelled payment cannot be paid', async () => {
  const { simulator, stripe } = await start()
  const intent = await createIntent(stripe)
  await stripe.paymentIntents.cancel(intent.id)
  expect((await fetch(pageOf(simulator, intent))).status).toBe(410)
  expect((await post(pageOf(simulator, intent), CARD)).status).toBe(410)
})

test('no card number and no security code is stored, logged, echoed or sent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'payments-'))
  afterwards(() => rm(folder, { recursive: true }))
  const dataFile = join(folder, 'payments.journal')
  const output: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      output.push(String(chunk))
      return true
    })
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => void output.push(values.join(' ')))
  }
  const { simulator, stripe } = await start({ dataFile })
  const intent = await createIntent(stripe)
  const numbers = [
    '4000000000009995',
    '4242424242424241',
    '4111111111111111',
    '5555555555554444',
    '4000000000000127',
  ]
  for (const number of numbers) {
    const response = await post(pageOf(simulator, intent), { ...CARD, number, cvc: '739' })
    // The hint on the page lists test cards in groups of four digits, so only an echo has them together.
    output.push(await response.text(), String(response.headers.get('location')))
  }
  output.push(JSON.stringify(simulator.events.all()), JSON.stringify(simulator.intents.all()))
  const journal = await readFile(dataFile, 'utf8')
  output.push(journal)
  const everything = output.join('\n')
  expect(journal).toContain('"last4":"4444"')
  for (const number of numbers) expect(everything).not.toContain(number)
  expect(everything).not.toMatch(/value="739"|"739"/)
})

test('every word of the page stands in a landmark, and what is pressed is large enough for a finger', async () => {
  const { simulator, stripe } = await start()
  const html = await (await fetch(pageOf(simulator, await createIntent(stripe)))).text()
  const body = /<body>(.*)<\/body>/s.exec(html)?.[1] ?? ''
  expect(body.replaceAll(/<(header|main)\b.*?<\/\1>/gs, '').trim()).toBe('')
  // 1.5 × 15 px of text and twice 11 px: over 44.
  expect(html).toMatch(/summary \{\s+padding: 0\.6875rem 0;/)
})
