// Where card data goes and where it must never go: a whole purchase with 3-D Secure, in which everything that the origin
// receives, and everything that it logs, is kept and searched for the card. The page and the return are walked as a browser
// does. What leaves the origin for the provider is searched as well.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { app } from '../../origin/app.ts'
import { place, statusOf } from './buyer.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { smallEvent } from './small-event.ts'

const CARD = { number: '4000002760003184', spaced: '4000 0027 6000 3184', cvc: '987', expiry: '11/39' }

const WITHIN = { timeout: 20_000 }

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())

/** Everything that came in, with headers and bodies, and every line that was logged, until `stop`. */
function listen() {
  const heard: string[] = []
  const handle = app.fetch
  const requests = vi.spyOn(app, 'fetch').mockImplementation(async (request, ...rest) => {
    const copy = request.clone()
    heard.push(`${copy.method} ${copy.url} ${JSON.stringify([...copy.headers])} ${await copy.text()}`)
    return await handle(request, ...rest)
  })
  const logs = (['log', 'info', 'warn', 'error', 'debug'] as const).map((level) =>
    vi
      .spyOn(console, level)
      .mockImplementation((...words: unknown[]) => void heard.push(words.map(String).join(' '))),
  )
  const sent = vi.spyOn(globalThis, 'fetch')
  return {
    heard,
    /** Bodies that the origin sent out, apart from those of this test to the provider's own page. */
    outgoing: () =>
      sent.mock.calls
        .filter(([to]) => /\/v1\/|\/sql|\/pipeline/.test(to instanceof Request ? to.url : String(to)))
        .map(([, init]) => (typeof init?.body === 'string' ? init.body : '')),
    stop: () => [requests, sent, ...logs].forEach((spy) => spy.mockRestore()),
  }
}

const fill = (url: string, body: Record<string, string>) =>
  fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(body) })

test('a purchase with 3-D Secure ends in tickets, and no card number reaches the origin, its stores or its logs', async () => {
  const watch = listen()
  const { orderId } = await place(origin, ['A-1-1'])
  const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const page = String(begun.body['redirectUrl'])
  expect(new URL(page).origin).not.toBe(new URL(origin.url).origin)

  const bank = await fill(page, { number: CARD.spaced, expiry: CARD.expiry, cvc: CARD.cvc })
  expect(bank.status).toBe(303)
  const challenge = new URL(String(bank.headers.get('location')), page)
  expect(challenge.pathname).toMatch(/^\/3ds\//)
  const html = await (await fetch(challenge)).text()
  const answers = [...html.matchAll(/name="([a-z_]+)" value="([a-z_]+)"/g)]
  expect(answers.length).toBeGreaterThan(0)
  const back = await fill(
    challenge.href,
    Object.fromEntries(answers.slice(0, 1).map(([, name, value]) => [name, value])),
  )
  const returnUrl = new URL(String(back.headers.get('location')), page)
  expect(returnUrl.href).toContain(`${origin.url}/orders/${orderId}/return`)

  // As a bank's page posts it: from another site, without cookies.
  const returned = await origin.request(returnUrl.pathname + returnUrl.search, {
    method: 'POST',
    headers: {
      origin: 'https://bank.example',
      'sec-fetch-site': 'cross-site',
      'content-type': 'application/x-www-form-urlencoded',
    },
  })
  expect([returned.status, returned.headers.get('location')]).toEqual([303, `/orders/${orderId}`])
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'), WITHIN)
  await origin.settled()
  const [heard, outgoing] = [watch.heard.join('\n'), watch.outgoing().join('\n')]
  watch.stop()
  // The watch sees: the order's own words are there, and the card's are not.
  expect(heard).toContain(orderId)
  expect(heard).toContain('seats sold')
  expect(outgoing).toContain(orderId)
  const stored = JSON.stringify([
    await origin.database.query('select * from orders'),
    await origin.database.query('select * from webhook_events'),
    await origin.database.query('select * from outbox'),
    await origin.database.query('select * from idempotency_keys'),
  ])
  for (const text of [heard, outgoing, stored]) {
    expect(text).not.toContain(CARD.number)
    expect(text).not.toContain(CARD.spaced)
    expect(text.replaceAll(/\D/g, '')).not.toContain(CARD.number)
    // Any sixteen digits that a card could have, whole or in groups of four.
    expect(text).not.toMatch(/\b[3-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}\b/)
  }
  // Nor does an order's link get into a log.
  const logged = watch.heard.filter((line) => line.startsWith('{'))
  expect(logged.join('\n')).not.toContain(orderId)
})

test('a double click, a second tab, a reload and the way back pay once', async () => {
  const { orderId } = await place(origin, ['A-1-2'])
  const pay = () => origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const clicks = await Promise.all([pay(), pay(), pay()])
  const pages = new Set(clicks.map(({ body }) => String(body['redirectUrl'])))
  expect(pages.size).toBe(1)
  const [page = ''] = pages
  const card = { number: '4242424242424242', expiry: CARD.expiry, cvc: CARD.cvc }
  const submitted = await Promise.all([fill(page, card), fill(page, card), fill(page, card)])
  expect(submitted.map(({ status }) => status)).toContain(303)
  // A reload of the page that was paid, and the button once more, in every state that the order passes.
  await vi.waitFor(async () => {
    const again = await pay()
    expect(again.status).toBe(202)
    expect(await statusOf(origin, orderId)).toBe('paid')
  }, WITHIN)
  await fill(page, card)
  await Promise.all([pay(), pay()])
  const mine = origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)
  expect(mine.map(({ status, amountReceived }) => [status, amountReceived])).toEqual([['succeeded', 5_250]])
  expect(
    await origin.database.query('select 1 from order_items where order_id = $1', [orderId]),
  ).toHaveLength(1)
})
