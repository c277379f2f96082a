// The queue page in a real browser, against a scripted line. What the edge really answers is tested with the whole stack.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test as anyTest } from 'vitest'
import { findBrowser, openBrowser } from '../browser.ts'
import { answerScene, type Reply } from './fake-room.ts'
import { type Served, servePages } from './serve.ts'

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

async function open(path: string, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, ...options })
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
const now = (changes: object): Reply => {
  const { body } = answerScene('waiting', 'now', 1)
  return { status: 200, body: { ...Object(body), ...changes } }
}
const joinsSince = (from: number) => served.calls.slice(from).filter(({ path }) => path.endsWith('/join'))

test('a visitor sees the position, and the title of the tab shows it too', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  expect(await page.textContent('#number')).toBe('214')
  expect(await page.title()).toBe('214 in line · Winter Lights: the evening')
  expect(await page.textContent('#spoken')).toContain('You are number 214 in line')
  expect(faults).toEqual([])
  await page.context().close()
})

test('a reply that is lost on the way is asked for again under the same key', async () => {
  const from = served.calls.length
  let lost = 0
  served.answer = ({ path }) => (path.endsWith('/join') && (lost += 1) === 1 ? 'cut' : undefined)
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  const keys = joinsSince(from).map(({ headers }) => headers['idempotency-key'])
  expect(keys.length).toBeGreaterThan(1)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toMatch(/^[\w-]{22,128}$/)
  await page.context().close()
})

test.each(['/q/waiting', '/q/waiting?seat=5&b=%20#row'])(
  'a called visitor lands on %s again',
  async (path) => {
    let ready = false
    served.answer = (call) => {
      if (call.path.endsWith('/now')) return now(ready ? { serving: Number.MAX_SAFE_INTEGER } : {})
      return call.path.endsWith('/claim')
        ? { status: 200, body: { admissionToken: 'x', expiresAt: '' } }
        : undefined
    }
    const page = await open(path)
    await page.waitForSelector('#number:not([hidden])')
    const landings: string[] = []
    page.on('request', (request) => request.isNavigationRequest() && landings.push(request.url()))
    ready = true
    // The news has the focus while it stands there.
    await page.waitForSelector('[data-stage=entering] #stage:focus')
    await expect.poll(() => landings, { timeout: 15_000 }).toEqual([served.url + path.split('#')[0]])
    // Closing in the middle of a navigation can hang; this fake sets no cookie, so the page arrives without a place.
    await page.waitForSelector('[data-stage=cookies]')
    await page.context().close()
  },
)

test('a browser that drops cookies is told so, not sent in circles', async () => {
  served.answer = (call) => {
    if (call.path.endsWith('/now')) return now({ serving: Number.MAX_SAFE_INTEGER })
    return call.path.endsWith('/claim') ? { status: 200, body: {} } : undefined
  }
  const page = await open('/q/waiting')
  // The fake never sets a cookie, so the page comes back without a place.
  await page.waitForSelector('[data-stage=cookies]')
  expect(await page.isVisible('#again')).toBe(true)
  await page.context().close()
})

test('while the edge cannot answer, the place stays on screen and the page says that it is safe', async () => {
  const page = await open('/q/trouble')
  await page.waitForSelector('#trouble:not([hidden])')
  expect(await page.textContent('#number')).toBe('214')
  expect(await page.textContent('#trouble')).toContain('Your place is safe')
  served.answer = ({ path }) => (path.endsWith('/now') ? now({ calledTotal: 1_150 }) : undefined)
  await page.waitForSelector('#trouble', { state: 'hidden' })
  expect(await page.textContent('#number')).toBe('163')
  await page.context().close()
})

test('a page that comes back online asks at once', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  const from = served.calls.length
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await expect.poll(() => served.calls.slice(from).some(({ path }) => path.endsWith('/now'))).toBe(true)
  await page.context().close()
})

test('by keyboard alone: leaving asks first, Escape stays, and the focus comes back', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#leave:not([hidden])')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('leave')
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog[open]')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('stay')
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog[open]', { state: 'hidden' })
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('leave')
  expect(served.calls.some(({ path }) => path.endsWith('/leave'))).toBe(false)

  await page.keyboard.press('Enter')
  await page.click('#go')
  await page.waitForSelector('[data-stage=left]')
  expect(served.calls.some(({ path }) => path.endsWith('/leave'))).toBe(true)
  await page.context().close()
})

test("the operator's message is text, whatever it holds", async () => {
  const message = '<img src=x onerror="document.title=1">&amp; <b>bold</b>'
  served.answer = ({ path }) => (path.endsWith('/now') ? now({ message }) : undefined)
  const page = await open('/q/waiting')
  await expect.poll(() => page.textContent('#message')).toBe(message)
  expect(await page.locator('#message *').count()).toBe(0)
  await page.context().close()
})

test('the message is spoken once when it changes, and not when the page opens with it', async () => {
  let message = 'Doors open at 18:30. Everyone in line before 20:00 will be let in tonight.'
  served.answer = ({ path }) => (path.endsWith('/now') ? now({ message }) : undefined)
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  expect(await page.textContent('#spoken')).not.toContain(message)
  await page.evaluate(() => {
    const said: string[] = []
    Object.assign(window, { said })
    const spoken = document.querySelector('#spoken')
    if (spoken !== null)
      new MutationObserver(() => said.push(spoken.textContent ?? '')).observe(spoken, { childList: true })
  })
  message = 'The doors open later.'
  const look = () => page.evaluate(() => window.dispatchEvent(new Event('online')))
  await look()
  await expect.poll(() => page.textContent('#spoken')).toContain(message)
  const from = served.calls.length
  await look()
  await expect.poll(() => served.calls.length).toBeGreaterThan(from)
  expect(await page.evaluate(() => Reflect.get(window, 'said'))).toEqual([expect.stringContaining(message)])
  await page.context().close()
})

test('while paused, what is spoken is the pause and the position, not a wait', async () => {
  const page = await open('/q/paused')
  await page.waitForSelector('[data-stage=paused]')
  const spoken = await page.textContent('#spoken')
  expect(spoken).toContain('The line is paused.')
  expect(spoken).toMatch(/You are number 133 in line\.$/)
  await page.context().close()
})

test('while the connection is down the age of what is shown goes on rising', async () => {
  const page = await open('/q/waiting')
  await page.addInitScript(() => {
    const real = Date.now
    Date.now = () => real() + Number(Reflect.get(window, 'laterMs') ?? 0)
  })
  await page.reload()
  await page.waitForSelector('#number:not([hidden])')
  expect(await page.textContent('#updated')).toBe('Updated just now')
  await page.evaluate(() => Reflect.set(window, 'laterMs', 40_000))
  served.answer = ({ path }) => (path.endsWith('/now') ? 'cut' : undefined)
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await page.waitForSelector('#trouble:not([hidden])')
  expect(await page.textContent('#updated')).toMatch(/^Updated 4\d seconds ago$/)
  await page.context().close()
})

test('after leaving and after joining again the focus stands on the news', async () => {
  const page = await open('/q/waiting')
  await page.click('#leave')
  await page.click('#go')
  await page.waitForSelector('[data-stage=left] #stage:focus')
  await page.click('#again')
  await page.waitForSelector('[data-stage=waiting] #stage:focus')
  await page.context().close()
})

test('two tabs are one visitor: leaving, joining again and entering happen in both', async () => {
  let ready = false
  let leaves = 0
  served.answer = ({ path }) => {
    if (path.endsWith('/now')) return now(ready ? { serving: Number.MAX_SAFE_INTEGER } : {})
    if (path.endsWith('/leave')) leaves += 1
    if (path.endsWith('/join')) {
      const { status, body } = answerScene('waiting', 'join', 1)
      // A place that was given up is never given again.
      return { status, body: { ...Object(body), place: Object(body).place + leaves } }
    }
    return path.endsWith('/claim') ? { status: 200, body: {} } : undefined
  }
  const page = await open('/q/waiting')
  const other = await page.context().newPage()
  await other.goto(`${served.url}/q/waiting`)
  await Promise.all([page, other].map((tab) => tab.waitForSelector('[data-stage=waiting]')))
  // A question that stands open in the other tab has become pointless.
  await other.click('#leave')
  await page.click('#leave')
  await page.click('#go')
  await other.waitForSelector('[data-stage=left]')
  expect(await other.isVisible('#again')).toBe(true)
  expect(await other.isVisible('dialog')).toBe(false)
  const from = served.calls.length
  await page.click('#again')
  await other.waitForSelector('[data-stage=waiting]')
  expect(joinsSince(from)).toHaveLength(1)
  ready = true
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await Promise.all([page, other].map((tab) => tab.waitForSelector('[data-stage=entering]')))
  await page.context().close()
})

test('when the room is switched off the page enters by itself, and is not taken for one without cookies', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  const landings: string[] = []
  page.on('request', (request) => request.isNavigationRequest() && landings.push(request.url()))
  served.answer = ({ path }) => (path.endsWith('/now') ? now({ state: 'suspended' }) : undefined)
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await page.waitForSelector('[data-stage=suspended] #stage:focus')
  await expect.poll(() => landings, { timeout: 5_000 }).toEqual([`${served.url}/q/waiting`])
  // The fake holds it again, as an isolate with older settings would: it stays calm, and tries no faster.
  await page.waitForSelector('[data-stage=suspended]')
  await page.waitForTimeout(3_500)
  expect(landings).toHaveLength(1)
  await page.context().close()
})

test('on a phone, number, bulbs, wait and the first thing to know fit without scrolling', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  for (const selector of ['#number', '#bar', '#wait', '#next li']) {
    const box = await page.locator(selector).first().boundingBox()
    expect(box === null ? 0 : box.y + box.height, selector).toBeLessThanOrEqual(844)
  }
  const upper = await page.locator('.marquee').boundingBox()
  expect(upper?.height).toBeLessThan(500)
  await page.context().close()
})

test('without script the page paints and offers its button', async () => {
  const page = await open('/q/waiting', { javaScriptEnabled: false })
  await page.waitForSelector('.fallback button')
  expect(await page.locator('.fallback').evaluate((node) => getComputedStyle(node).visibility)).toBe(
    'visible',
  )
  expect(await page.isVisible('h1')).toBe(true)
  await page.context().close()
})

test.each([
  [390, 100],
  [390, 200],
  [320, 200],
  [1_280, 200],
])('at %i px and text at %i percent nothing is cut off sideways', async (width, percent) => {
  const page = await open('/q/far')
  await page.setViewportSize({ width, height: 800 })
  await page.waitForSelector('#number:not([hidden])')
  const overflow = await page.evaluate((textPercent) => {
    document.documentElement.style.fontSize = `${textPercent}%`
    const number = document.querySelector('#number')
    const range = document.createRange()
    if (number !== null) range.selectNodeContents(number)
    return Math.max(document.documentElement.scrollWidth, range.getBoundingClientRect().right) - innerWidth
  }, percent)
  expect(overflow).toBeLessThanOrEqual(0)
  await page.context().close()
})
