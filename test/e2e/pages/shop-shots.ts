// The pictures of the shop: where each is taken, and what a person does before. Used by preview.ts.

import type { Page } from 'playwright-core'

const SECTION = '/performances/evening#C5'

async function choose(page: Page, count: number): Promise<void> {
  await page.waitForSelector('.seat-f')
  await page.click('.rows summary')
  await page.waitForSelector('.row button')
  for (const button of await page
    .locator('.row .mark-f')
    .all()
    .then((all) => all.slice(0, count)))
    await button.click()
}

async function hold(page: Page): Promise<void> {
  await page.waitForSelector('.rows')
  await choose(page, 2)
  await page.click('.cart .primary')
  await page.waitForSelector('#checkout:not([hidden])')
}

const order = (status: string, ready: string) => ({
  name: `shop-order-${status}`,
  path: `/orders/${status}`,
  act: (page: Page) => page.waitForSelector(ready),
})

export const SHOP_SHOTS = [
  { name: 'shop-event', path: '/', act: (page: Page) => page.waitForSelector('.performances li') },
  {
    name: 'shop-hall',
    path: '/performances/evening',
    act: (page: Page) => page.waitForSelector('.part.none'),
  },
  { name: 'shop-section', path: SECTION, act: (page: Page) => page.waitForSelector('.seat-f') },
  {
    name: 'shop-chosen',
    path: SECTION,
    act: (page: Page) => page.waitForSelector('.rows').then(() => choose(page, 3)),
  },
  {
    name: 'shop-zoomed',
    path: SECTION,
    act: async (page: Page) => {
      await page.waitForSelector('.rows')
      await choose(page, 1)
      await page.evaluate(() => scrollTo(0, 0))
      for (const _ of [1, 2, 3]) await page.click('.zoom button')
    },
  },
  { name: 'shop-checkout', path: SECTION, act: hold },
  {
    name: 'shop-checkout-faults',
    path: SECTION,
    act: (page: Page) => hold(page).then(() => page.click('.checkout .primary')),
  },
  {
    name: 'shop-large-text',
    path: SECTION,
    act: (page: Page) => page.waitForSelector('.rows').then(() => choose(page, 2)),
    textPercent: 200,
  },
  order('awaiting_payment', '#actions .primary'),
  order('declined', '#actions .primary'),
  order('capturing', '.moving'),
  order('paid', '.ticket'),
  order('part-refunded', '.ticket'),
  order('standing', '.ticket'),
  order('voided', '#actions a'),
  order('stuck', '[data-status]'),
]
