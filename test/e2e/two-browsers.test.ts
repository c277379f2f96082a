// The whole path in a real browser: a full room, a falling position, admission, two seats, payment, a QR ticket.
// Screenshots are kept as files of the run; two of them stand in the README.
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBrowser, openBrowser } from './browser.ts'
import { newKey, request } from './buyer.ts'
import { startTestStack, type TestStack } from './stack.ts'

const executablePath = await findBrowser()
const SHOTS = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }
const PERFORMANCE = '/performances/winter-lights-evening'
/** People in line before the second visitor. */
const OTHERS = 23
const SEATS = ['S5-D-6', 'S5-D-7']

describe.skipIf(executablePath === undefined)('two visitors with browsers', () => {
  let stack: TestStack
  let browser: Browser

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true })
    stack = await startTestStack({
      total_active_users: 1,
      new_users_per_minute: 600,
      admission_token_ttl: 10,
    })
    browser = await openBrowser(executablePath ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
  })

  /** A browser of its own: nothing is shared with another but the address. */
  const visitor = async (): Promise<Page> => {
    const page = await (await browser.newContext(PHONE)).newPage()
    page.setDefaultTimeout(60_000)
    return page
  }
  const shot = (page: Page, name: string) => page.screenshot({ path: `${SHOTS}${name}.png` })
  const leave = (page: Page) =>
    page.evaluate(() =>
      fetch('/.waiting-room/demo/leave', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }).then((response) => response.status),
    )

  it('take turns: the second waits, sees the position fall, enters when the first leaves, and buys', async () => {
    const first = await visitor()
    // A quiet room is invisible: the first goes straight in, to the address asked for.
    await first.goto(`${stack.url}${PERFORMANCE}?from=friend`)
    await first.getByRole('heading', { level: 1, name: 'Winter Lights: Evening' }).waitFor()
    expect(first.url()).toBe(`${stack.url}${PERFORMANCE}?from=friend`)

    // Others are in line before the second, so that there is a position to fall.
    const others: { queueToken: string; position: number }[] = []
    for (let count = 0; count < OTHERS; count += 1) {
      const { status, body } = await request<{ queueToken: string; position: number }>(
        `${stack.url}/.waiting-room/demo/join`,
        {
          method: 'POST',
          headers: { 'idempotency-key': newKey(), 'cf-connecting-ip': `198.18.0.${count}` },
          body: {},
        },
      )
      expect({ status, position: body.position }).toEqual({ status: 201, position: count + 1 })
      others.push(body)
    }

    const second = await visitor()
    await second.goto(`${stack.url}${PERFORMANCE}?from=poster`)
    const number = second.locator('#number')
    await expect.poll(() => number.textContent(), { timeout: 20_000 }).toBe(String(OTHERS + 1))
    await shot(second, 'queue')
    const leaveQueue = ({ queueToken }: { queueToken: string }) =>
      request(`${stack.url}/.waiting-room/demo/leave`, {
        method: 'POST',
        headers: { authorization: `Bearer ${queueToken}` },
        body: {},
      })
    for (const other of others.splice(0, OTHERS - 5)) await leaveQueue(other)
    await expect.poll(() => number.textContent(), { timeout: 30_000 }).toBe('6')
    for (const other of others) await leaveQueue(other)
    await expect.poll(() => number.textContent(), { timeout: 30_000 }).toBe('1')

    // The second is called when the first's slot is free, and lands on the exact address first asked for.
    expect(await leave(first)).toBe(204)
    await second.getByRole('heading', { level: 1, name: 'Winter Lights: Evening' }).waitFor()
    expect(second.url()).toBe(`${stack.url}${PERFORMANCE}?from=poster`)
    await shot(second, 'hall')

    await second
      .getByRole('link', { name: /^Stalls 5 / })
      .first()
      .click()
    await second.locator('summary', { hasText: 'Row D' }).click()
    for (const seat of [6, 7]) await second.getByRole('button', { name: `Row D, seat ${seat}, free` }).click()
    await shot(second, 'seats')
    await second.getByRole('button', { name: 'Hold these seats' }).click()
    await second.getByRole('textbox', { name: 'Name' }).fill('Ada Lovelace')
    await second.getByRole('textbox', { name: 'Email' }).fill('ada@buyers.example')
    await shot(second, 'checkout')
    await second.getByRole('button', { name: 'Continue to payment' }).click()

    // The card is entered on the provider's page, on another origin.
    await second.getByRole('button', { name: /^Pay / }).click()
    await second.getByLabel('Card number').fill('4242 4242 4242 4242')
    expect(new URL(second.url()).origin).toBe(stack.payments.url)
    await second.getByLabel('Expires').fill('12/34')
    await second.getByLabel('Security code').fill('123')
    await shot(second, 'provider')
    await second.getByRole('button', { name: /^Pay / }).click()

    await second.getByRole('heading', { name: 'Your tickets' }).waitFor()
    const codes = second.getByRole('img', { name: /^Code for Stalls 5, row D, seat [67]$/ })
    await expect.poll(() => codes.count()).toBe(2)
    const drawn = await codes.first().evaluate((image) => (image as HTMLImageElement).naturalWidth)
    expect(drawn).toBeGreaterThan(0)
    await shot(second, 'ticket')

    // The order's link opens in any other browser, outside the gate.
    const elsewhere = await visitor()
    await elsewhere.goto(second.url())
    await elsewhere.getByRole('heading', { name: 'Your tickets' }).waitFor()

    // The first could not have bought the same seats: outside, there is no way in, and inside they are sold.
    const hold = (page: Page) =>
      page.evaluate(async (seats) => {
        const response = await fetch('/api/performances/winter-lights-evening/holds', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ seats }),
        })
        return { status: response.status, body: (await response.json()) as unknown }
      }, SEATS)
    expect(await hold(first)).toMatchObject({ status: 429, body: { code: 'waiting_room' } })
    await second.goto(`${stack.url}${PERFORMANCE}`)
    expect(await leave(second)).toBe(204)
    await first.goto(`${stack.url}${PERFORMANCE}`)
    await first.getByRole('heading', { level: 1, name: 'Winter Lights: Evening' }).waitFor()
    expect(await hold(first)).toMatchObject({
      status: 409,
      body: { code: 'seats_taken', conflicts: SEATS.map((seat) => ({ seat, state: 'sold' })) },
    })
  }, 240_000)
})
