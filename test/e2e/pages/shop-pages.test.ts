// The shop's pages in a real browser, against the fake shop: by keyboard, by finger, and when things go wrong.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test as anyTest } from 'vitest'
import { findBrowser, openBrowser } from '../browser.ts'
import { answerShop } from './fake-shop.ts'
import { type Served, servePages } from './serve.ts'
import { choose, holdSeats } from './shopper.ts'

const executablePath = await findBrowser()
const test = anyTest.skipIf(executablePath === undefined)

let browser: Browser
let served: Served
let faults: string[] = []

beforeAll(async () => {
  ;[browser, served] = await Promise.all([openBrowser(executablePath ?? ''), servePages()])
})
afterAll(async () => {
  await browser.close()
  await served.stop()
})
afterEach(() => {
  served.answer = undefined
})

async function open(path: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  faults = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text())
  })
  await page.goto(served.url + path)
  return page
}

const focused = (page: Page) =>
  page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
  )

async function tabTo(page: Page, words: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab')
    if (words.test((await focused(page)).trim())) return
  }
  throw new Error(`Tab never reaches ${String(words)}`)
}

test('by keyboard alone: section, row, seats, hold, details, order, payment', async () => {
  const page = await open('/performances/evening')
  await page.waitForSelector('.part.none')
  await tabTo(page, /^Circle 5/)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.rows')
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('list-title')
  await tabTo(page, /^Row A/)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.row button')
  for (const count of [1, 2]) {
    await tabTo(page, /seat \d+, free/)
    await page.keyboard.press('Space')
    await expect.poll(() => page.textContent('.count')).toBe(`${count} / 8`)
  }
  await tabTo(page, /^Hold these seats/)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#checkout:not([hidden])')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('checkout-title')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Ada Lovelace')
  await page.keyboard.press('Tab')
  await page.keyboard.type('ada@example.com')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/orders/made')
  await tabTo(page, /^Pay €129.00/)
  const paying = page.waitForRequest('**/elsewhere')
  await page.keyboard.press('Enter')
  await paying

  const order = served.calls.findLast(({ method, path }) => method === 'POST' && path === '/api/orders')
  expect(order?.headers['idempotency-key']).toMatch(/^[\w-]{16,}$/)
  expect(order?.body).toEqual({
    holdId: 'evening.1',
    buyer: { name: 'Ada Lovelace', email: 'ada@example.com' },
  })
  expect(faults).toEqual([])
  await page.context().close()
})

test('the list comes before the map for the keyboard, and the map is not in its way', async () => {
  const page = await open('/performances/evening#C5')
  await page.waitForSelector('.seat-f')
  const order = await page.evaluate(() =>
    [...document.querySelectorAll('a, button, summary')]
      .filter((node) => node instanceof HTMLElement && node.tabIndex >= 0 && node.offsetParent !== null)
      .map((node) => node.closest('#list, #map, #cart')?.id),
  )
  expect(order.indexOf('list')).toBeLessThan(order.indexOf('map'))
  await page.context().close()
})

test('by finger: the first tap on small seats zooms in, the next takes the seat', async () => {
  const page = await open('/performances/evening#C5')
  const free = page.locator('.seat-f').nth(30)
  await free.waitFor()
  const tap = async () => {
    const box = await free.boundingBox()
    if (box === null) throw new Error('the seat is not in view')
    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2)
  }
  await tap()
  await page.waitForSelector('.seats.zoomed')
  expect(await page.textContent('.count')).toBe('0 / 8')
  await tap()
  await expect.poll(() => page.textContent('.count')).toBe('1 / 8')
  await page.context().close()
})

test('seats that somebody else took are named, and the others stay chosen', async () => {
  const page = await open('/performances/evening#C5')
  await choose(page, 3)
  served.answer = ({ path, body }) => {
    if (!path.endsWith('/holds')) return undefined
    const [seat] = Object(body).seats
    return { status: 409, body: { code: 'seats_taken', conflicts: [{ seat, state: 'held' }] } }
  }
  await page.click('.cart .primary')
  await page.waitForSelector('#notice:not([hidden])')
  expect(await page.textContent('#notice')).toMatch(/Just taken by someone else: Circle 5, row A, seat \d+\./)
  expect(await page.textContent('.count')).toBe('2 / 8')
  await page.context().close()
})

test('a hold whose answer is lost is asked for again under the same key', async () => {
  const page = await open('/performances/evening#C5')
  await choose(page, 2)
  const from = served.calls.length
  let lost = 0
  served.answer = ({ path }) => (path.endsWith('/holds') && (lost += 1) === 1 ? 'cut' : undefined)
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
  const holds = served.calls.slice(from).filter(({ path }) => path.endsWith('/holds'))
  const keys = holds.map(({ headers }) => headers['idempotency-key'])
  expect(keys.length).toBeGreaterThan(1)
  expect(new Set(keys).size).toBe(1)
  await page.context().close()
})

test('a seat that is sold while it is chosen leaves the choice with a word', async () => {
  const page = await open('/performances/evening#C5')
  await choose(page, 2)
  const name = await page.locator('.row .mark-yours').first().getAttribute('aria-label')
  const layout = Object(
    answerShop({
      method: 'GET',
      path: '/api/performances/evening/seats?section=C5',
      headers: {},
      body: undefined,
    }).body,
  )
  const [, row, label] = /Row (\w+), seat (\d+)/.exec(name ?? '') ?? []
  const { ordinal } = layout.seats.find(
    (seat: { row: string; label: string }) => seat.row === row && seat.label === label,
  )
  served.answer = ({ path }) =>
    path.includes('availability?since')
      ? { status: 200, body: { version: 8, changes: { [ordinal]: 'x' } } }
      : undefined
  await expect.poll(() => page.textContent('.count'), { timeout: 10_000 }).toBe('1 / 8')
  expect(await page.textContent('#notice')).toContain(`row ${row}, seat ${label}`)
  await page.context().close()
})

test('nobody takes more than eight', async () => {
  const page = await open('/performances/evening#B1')
  await choose(page, 8)
  await page.locator('.row .mark-f').first().click()
  expect(await page.textContent('.count')).toBe('8 / 8')
  expect(await page.textContent('#notice')).toContain('up to 8')
  await page.context().close()
})

test('a reload keeps the hold', async () => {
  const page = await open('/performances/evening#C5')
  await choose(page, 2)
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
  await page.reload()
  await page.waitForSelector('#checkout:not([hidden])')
  expect(await page.textContent('.time')).toMatch(/^\d:\d\d$/)
  await page.context().close()
})

test('faults stand beside their fields, and the first of them has the focus', async () => {
  const page = await open('/performances/evening#C5')
  await choose(page, 1)
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
  await page.fill('#email', 'nobody')
  await page.click('.checkout .primary')
  expect(await page.textContent('#name-error')).toContain('enter your name')
  expect(await page.textContent('#email-error')).toContain('name@example.com')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('name')
  expect(await page.getAttribute('#email', 'aria-invalid')).toBe('true')
  await page.context().close()
})

test('what an event file says is text, whatever it holds', async () => {
  const nasty = '<img src=x onerror="document.title=1">'
  served.answer = ({ path }) => {
    if (!path.endsWith('/seats')) return undefined
    const layout = Object(answerShop({ method: 'GET', path, headers: {}, body: undefined }).body)
    const [section] = layout.sections
    return { status: 200, body: { ...layout, sections: [{ ...section, name: nasty, id: nasty }] } }
  }
  const page = await open('/performances/evening')
  await page.waitForSelector('.sections b')
  expect(await page.textContent('.sections b')).toBe(nasty)
  expect(await page.locator('img').count()).toBe(0)
  await page.context().close()
})

test("a paid order shows each ticket's code as an image with a name", async () => {
  const page = await open('/orders/paid')
  await page.waitForSelector('.ticket')
  const codes = page.locator('.ticket img')
  expect(await codes.count()).toBe(2)
  expect(await codes.first().getAttribute('alt')).toContain('seat 12')
  expect(await page.textContent('#number')).toBe('Order 7K3M-9QXA')
  expect(await page.locator('.ticket dl').allTextContents()).toEqual([
    'SectionCircle 5RowFSeat12Order7K3M-9QXA',
    'SectionCircle 5RowFSeat13Order7K3M-9QXA',
  ])
  expect(await page.locator('.refunded').count()).toBe(0)
  await expect
    .poll(() =>
      codes.first().evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth > 0),
    )
    .toBe(true)
  expect(faults).toEqual([])
  expect(await page.textContent('#actions')).toContain('Your visit to the shop ended with this purchase')
  expect(await page.getAttribute('#actions a', 'href')).toMatch(/^\/performances\//)
  await page.context().close()
})

test('a refund of a part shows under the total of an order that is drawn already', async () => {
  let refunded = 0
  served.answer = ({ path }) => {
    if (path !== '/api/orders/paid') return undefined
    const { body } = answerShop({ method: 'GET', path, headers: {}, body: undefined })
    return { status: 200, body: { ...Object(body), refunded } }
  }
  const page = await open('/orders/paid')
  await page.waitForSelector('.ticket')
  refunded = 3_000
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await page.waitForSelector('.refunded')
  expect(await page.textContent('.refunded')).toBe('Refunded: €30.00')
  await page.context().close()
})

test('a ticket of a general area names the place and no row', async () => {
  const page = await open('/orders/standing')
  await page.waitForSelector('.ticket')
  expect(await page.textContent('.ticket dl')).toBe('SectionFloorPlace17Order7K3M-9QXA')
  await page.context().close()
})

test('wheelchair spaces have a sign in the list, and other seats none', async () => {
  served.answer = ({ path }) => {
    if (!path.includes('seats?section=')) return undefined
    const { body } = answerShop({ method: 'GET', path, headers: {}, body: undefined })
    const { seats, ...rest } = Object(body)
    const [first, second, ...others] = seats.map((seat: object) => ({ ...seat, accessible: false }))
    return { status: 200, body: { ...rest, seats: [{ ...first, accessible: true }, second, ...others] } }
  }
  const page = await open('/performances/evening#C5')
  await page.waitForSelector('.rows')
  await page.click('.rows summary')
  const buttons = page.locator('.row button')
  await buttons.first().waitFor()
  const [first, second] = await buttons.allTextContents()
  expect(first).toMatch(/^\d+ ♿$/)
  expect(second).toMatch(/^\d+$/)
  expect(await buttons.first().getAttribute('aria-label')).toMatch(/wheelchair space$/)
  await page.context().close()
})

test('an order that is on its way turns into tickets by itself', async () => {
  let status = 'capturing'
  served.answer = ({ path }) => {
    const { body } = answerShop({ method: 'GET', path: '/api/orders/paid', headers: {}, body: undefined })
    return path === '/api/orders/paid' ? { status: 200, body: { ...Object(body), status } } : undefined
  }
  const page = await open('/orders/paid')
  await page.waitForSelector('.moving')
  status = 'paid'
  await page.waitForSelector('.ticket')
  expect(await page.textContent('h1')).toBe('Your tickets')
  await page.context().close()
})

test.each([
  [390, 200],
  [320, 100],
  [1_280, 200],
])('at %i px and text at %i percent nothing is cut off sideways', async (width, percent) => {
  for (const path of ['/', '/performances/evening', '/performances/evening#C5', '/orders/paid']) {
    const page = await open(path)
    await page.setViewportSize({ width, height: 800 })
    await page.waitForSelector('.performances li, .part.none, .seat-f, .ticket')
    const overflow = await page.evaluate((textPercent) => {
      document.documentElement.style.fontSize = `${textPercent}%`
      return document.documentElement.scrollWidth - innerWidth
    }, percent)
    expect(overflow, path).toBeLessThanOrEqual(0)
    await page.context().close()
  }
  const page = await open('/performances/evening#B1')
  await holdSeats(page, 8)
  await page.setViewportSize({ width, height: 800 })
  const overflow = await page.evaluate((textPercent) => {
    document.documentElement.style.fontSize = `${textPercent}%`
    return document.documentElement.scrollWidth - innerWidth
  }, percent)
  expect(overflow, 'held seats').toBeLessThanOrEqual(0)
  await page.context().close()
})
