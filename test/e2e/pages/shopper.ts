// A visitor of the shop's pages in a phone's browser. Used by the pages' own browser tests.

import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'

export async function openPage(browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  await page.goto(address)
  return page
}

/** Opens the first row that has free seats and takes some of them. */
export async function choose(page: Page, count: number): Promise<void> {
  await page.waitForSelector('.seat-f')
  await page.click('.rows summary')
  for (let taken = 0; taken < count; taken += 1) await page.locator('.row .mark-f').first().click()
  await expect.poll(() => page.textContent('.count')).toBe(`${count} / 8`)
}

export async function holdSeats(page: Page, count: number): Promise<void> {
  await choose(page, count)
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
}

export async function order(page: Page, { name, email }: { name: string; email: string }): Promise<void> {
  await page.fill('#name', name)
  await page.fill('#email', email)
  await page.click('.checkout .primary')
  await page.waitForURL('**/orders/made')
}
