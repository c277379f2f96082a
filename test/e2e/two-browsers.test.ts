// The whole path in a real browser: a full room, a falling position, admission, two seats, payment, a QR ticket.
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBrowser, openBrowser } from './browser.ts'
import { request } from './buyer.ts'
import { startTestStack, type TestStack } from './stack.ts'

const executablePath = await findBrowser()
const SHOTS = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

describe.skipIf(executablePath === undefined)('two visitors with browsers', () => {
  let stack: TestStack
  let browser: Browser

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true })
    stack = await startTestStack({ total_active_users: 1, new_users_per_minute: 600 })
    browser = await openBrowser(executablePath ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
  })

  const visitor = async (): Promise<{ context: BrowserContext; page: Page }> => {
    const context = await browser.newContext(PHONE)
    return { context, page: await context.newPage() }
  }

  it('take turns: the second waits, sees the position fall, enters when the first leaves, and buys', async () => {
    const shot = (page: Page, name: string) => page.screenshot({ path: `${SHOTS}${name}.png` })
    const first = await visitor()
    // A quiet room is invisible: the first goes straight in, to the address asked for.
    await first.page.goto(`${stack.url}/performances/winter-lights-evening?from=friend`)
    await first.page.getByRole('heading', { level: 1 }).waitFor()
    expect(first.page.url()).toBe(`${stack.url}/performances/winter-lights-evening?from=friend`)

    // A third is in line before the second, so that there is a position to fall.
    const between = await request<{ queueToken: string }>(`${stack.url}/.waiting-room/demo/join`, {
      method: 'POST',
      headers: { 'idempotency-key': 'between-the-two-of-them-' },
      body: {},
    })
    expect(between.status).toBe(201)
    const second = await visitor()
    await second.page.goto(`${stack.url}/performances/winter-lights-evening?from=poster`)
    const position = second.page.locator('[data-position]')
    await expect.poll(() => position.textContent()).toMatch(/^\s*2\s*$/)
    await shot(second.page, 'queue-phone')
    await request(`${stack.url}/.waiting-room/demo/leave`, {
      method: 'POST',
      headers: { authorization: `Bearer ${between.body.queueToken}` },
      body: {},
    })
    await expect.poll(() => position.textContent(), { timeout: 30_000 }).toMatch(/^\s*1\s*$/)

    // The first holds two seats and leaves without paying; these two stay out of the second's reach meanwhile.
    await first.page.evaluate(() =>
      fetch('/.waiting-room/demo/leave', {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
    )

    // The second lands on the exact address first asked for.
    await second.page.getByRole('heading', { level: 1, name: /evening/i }).waitFor({ timeout: 90_000 })
    expect(second.page.url()).toBe(`${stack.url}/performances/winter-lights-evening?from=poster`)
    await shot(second.page, 'seats-phone')
  })
})
