// Coming back in the shop: Back from the order, a correction, another tab, seats given back, things pressed twice.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test as anyTest } from 'vitest'
import { packMap } from '../../../origin/availability-copy.ts'
import { unpack } from '../../holds/watcher.ts'
import { findBrowser, openBrowser } from '../browser.ts'
import { answerShop } from './fake-shop.ts'
import { type Served, servePages } from './serve.ts'
import { choose, holdSeats, openPage, order } from './shopper.ts'

const executablePath = await findBrowser()
const test = anyTest.skipIf(executablePath === undefined)
const SECTION = '/performances/evening#C5'

let browser: Browser
let served: Served
let open: (path: string) => Promise<Page>

beforeAll(async () => {
  ;[browser, served] = await Promise.all([openBrowser(executablePath ?? ''), servePages()])
  open = (path) => openPage(browser, served.url + path)
})
afterAll(async () => {
  await browser.close()
  await served.stop()
})
afterEach(() => {
  served.answer = undefined
})

const active = (page: Page) =>
  page.evaluate(
    () => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName,
  )
const callsSince = (from: number, path: string) =>
  served.calls.slice(from).filter((call) => call.method === 'POST' && call.path === path)

/** An availability in which the seats of the given ordinals have a mark of their own. */
function mapWith(marks: ReadonlyMap<number, string>) {
  const whole = answerShop({
    method: 'GET',
    path: '/api/performances/evening/availability',
    headers: {},
    body: undefined,
  })
  const { packed, seats } = Object(whole.body)
  const map = Array.from(unpack(String(packed), Number(seats)))
  for (const [ordinal, mark] of marks) map[ordinal] = mark
  // As Redis writes it, where sold is one of the marks that cannot be had.
  return { status: 200, body: { version: 9, seats, packed: packMap(map.join('').replaceAll('x', 's')) } }
}

function ordinalOf(seatId: string): number {
  const path = '/api/performances/evening/seats?section=C5'
  const { seats } = Object(answerShop({ method: 'GET', path, headers: {}, body: undefined }).body)
  return seats.find(({ id }: { id: string }) => id === seatId).ordinal
}

test('a typo in the email is corrected after Back: the visitor ends at an order with the right one', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 2)
  await order(page, { name: 'Ada', email: 'ada@exampel.com' })
  await page.goBack()
  await page.waitForSelector('#checkout:not([hidden])')
  expect(await page.inputValue('#name')).toBe('Ada')
  expect(await page.inputValue('#email')).toBe('ada@exampel.com')
  const from = served.calls.length
  await page.fill('#email', 'ada@example.com')
  await page.click('.checkout .primary')
  await page.waitForURL('**/orders/made')
  const last = callsSince(from, '/api/orders').at(-1)
  expect(Object(last?.body).buyer).toEqual({ name: 'Ada', email: 'ada@example.com' })
  await page.getByRole('button', { name: /^Pay/ }).waitFor()
  await page.context().close()
})

test('the same details again find the same order, and what is typed outlives a reload', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 1)
  await page.fill('#name', 'Ada')
  await page.reload()
  await page.waitForSelector('#checkout:not([hidden])')
  expect(await page.inputValue('#name')).toBe('Ada')
  const from = served.calls.length
  await order(page, { name: 'Ada', email: 'ada@example.com' })
  await page.goBack()
  await page.waitForSelector('#checkout:not([hidden])')
  await page.click('.checkout .primary')
  await page.waitForURL('**/orders/made')
  const keys = callsSince(from, '/api/orders').map(({ headers }) => headers['idempotency-key'])
  expect(keys).toHaveLength(2)
  expect(new Set(keys).size).toBe(1)
  await page.context().close()
})

test('a refusal is said in the words of the shop', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 1)
  served.answer = ({ path }) =>
    path === '/api/orders' ? { status: 503, body: { code: 'busy', detail: 'APIWORDS' } } : undefined
  await page.fill('#name', 'Ada')
  await page.fill('#email', 'ada@example.com')
  await page.click('.checkout .primary')
  await expect.poll(() => page.textContent('#notice')).toContain('very busy')
  expect(await page.textContent('body')).not.toContain('APIWORDS')
  await page.context().close()
})

test('a hold that was lost to a sale leaves its seats sold, not free', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 2)
  const hold = served.calls.findLast(({ path }) => path.endsWith('/holds'))
  const mine: string[] = Object(hold?.body).seats
  const sold = mapWith(new Map(mine.map((id) => [ordinalOf(id), 'x'])))
  served.answer = ({ path }) => {
    if (path.includes('availability')) return sold
    return path === '/api/orders' ? { status: 409, body: { code: 'hold_expired' } } : undefined
  }
  await page.waitForResponse((response) => response.url().includes('availability'))
  await page.fill('#name', 'Ada')
  await page.fill('#email', 'ada@example.com')
  const whole = page.waitForRequest((request) => request.url().endsWith('/availability'))
  await page.click('.checkout .primary')
  await whole
  await page.waitForSelector('#list:not([hidden])')
  const [, row, label] = (mine[0] ?? '').split('-')
  const seat = page.locator(`.row button[aria-label^="Row ${row}, seat ${label},"]`)
  await expect.poll(() => seat.getAttribute('aria-label')).toContain('not available')
  await page.waitForTimeout(500)
  expect(await seat.getAttribute('aria-label')).toContain('not available')
  expect(await page.textContent('#notice')).toContain('ran out')
  await page.context().close()
})

test('seats given back stay chosen while the map still calls them held', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 2)
  const mine: string[] = Object(served.calls.findLast(({ path }) => path.endsWith('/holds'))?.body).seats
  const held = mapWith(new Map(mine.map((id) => [ordinalOf(id), 'h'])))
  served.answer = ({ path }) => (path.includes('availability') ? held : undefined)
  const asked = page.waitForResponse((response) => response.url().endsWith('/availability'))
  await page.getByRole('button', { name: 'Change seats' }).click()
  await asked
  await page.waitForTimeout(200)
  expect(await page.textContent('.count')).toBe('2 / 8')
  expect(await page.isHidden('#notice')).toBe(true)
  await page.context().close()
})

test('the focus stays after more time and after a seat is removed', async () => {
  const page = await open(SECTION)
  await choose(page, 2)
  await page.click('.cart summary')
  await page.locator('.remove').first().click()
  expect(await active(page)).toBe('remove')
  await page.locator('.remove').first().click()
  expect(await active(page)).toBe('cart-title')
  await page.locator('.row .mark-f').first().click()
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
  const more = page.getByRole('button', { name: 'I need more time' })
  await more.click()
  await page.waitForSelector('#notice:not([hidden])')
  expect(await more.evaluate((node) => node === document.activeElement)).toBe(true)
  await page.click('#notice button')
  expect(await more.evaluate((node) => node === document.activeElement)).toBe(true)
  await page.context().close()
})

test('a notice goes with the next thing that succeeds', async () => {
  const page = await open('/performances/evening#B1')
  await choose(page, 8)
  await page.locator('.row .mark-f').first().click()
  await page.waitForSelector('#notice:not([hidden])')
  await page.locator('.row .mark-yours').first().click()
  expect(await page.isHidden('#notice')).toBe(true)
  await page.context().close()
})

test.each(['#%', '#%E0%A4%A', '#nowhere'])('the address %s opens the overview', async (fragment) => {
  const page = await open(`/performances/evening${fragment}`)
  await page.waitForSelector('.sections li')
  await page.context().close()
})

test('another tab of the same browser finds the hold', async () => {
  const page = await open(SECTION)
  await holdSeats(page, 2)
  const other = await page.context().newPage()
  await other.goto(served.url + SECTION)
  await other.waitForSelector('#checkout:not([hidden])')
  expect(await other.textContent('.time')).toMatch(/^\d:\d\d$/)
  await page.context().close()
})

test('every target on a phone is at least 44 px high', async () => {
  const page = await open('/performances/evening#B1')
  await choose(page, 8)
  await page.click('.cart summary')
  await page.locator('.row .mark-f').first().click()
  await page.waitForSelector('#notice:not([hidden])')
  for (const selector of ['.top .back', '.list .back', '.cart summary', '.remove', '.toast button']) {
    const box = await page.locator(selector).first().boundingBox()
    expect(box?.height, selector).toBeGreaterThanOrEqual(44)
    expect(box?.width, selector).toBeGreaterThanOrEqual(44)
  }
  expect(await page.textContent('.total')).toMatch(/Total including €[\d.]+ fees/)
  await page.context().close()
})

test('the order counts down to the end of its time and speaks two minutes before', async () => {
  let leftMs = 125_000
  const payBy = new Date(Date.now() + leftMs).toISOString()
  served.answer = ({ path }) => {
    if (path !== '/api/orders/awaiting_payment') return undefined
    const { body } = answerShop({ method: 'GET', path, headers: {}, body: undefined })
    return {
      status: 200,
      body: { ...Object(body), payBy, status: leftMs > 0 ? 'awaiting_payment' : 'expired' },
    }
  }
  const page = await open('/orders/awaiting_payment')
  await expect.poll(() => page.textContent('#left-time')).toMatch(/^2:0\d$/)
  await expect.poll(() => page.textContent('#spoken'), { timeout: 10_000 }).toContain('2 minutes left')
  leftMs = 0
  await page.getByText('The time to pay has run out').waitFor()
  expect(await page.isHidden('#left')).toBe(true)
  await page.context().close()
})

test('a double click pays once', async () => {
  const page = await open('/orders/declined')
  const pay = page.getByRole('button', { name: /^Pay/ })
  await pay.waitFor()
  const from = served.calls.length
  await page.route('**/elsewhere', (route) => route.abort())
  await pay.dblclick()
  await page.waitForTimeout(500)
  expect(callsSince(from, '/api/orders/declined/pay')).toHaveLength(1)
  await page.context().close()
})
