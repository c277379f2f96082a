// Takes pictures of every page in every state: `node test/e2e/pages/preview.ts [queue|shop] [serve]`.
// 390 × 844 and 1280 × 800, light and dark, into test/output/pages; "serve" leaves the server running to look around.

import { mkdir } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { findBrowser, openBrowser } from '../browser.ts'
import { SCENES } from './fake-room.ts'
import { servePages } from './serve.ts'
import { SHOP_SHOTS } from './shop-shots.ts'

const OUTPUT = 'test/output/pages'
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } } as const
const SCHEMES = ['light', 'dark'] as const

interface Shot {
  readonly name: string
  readonly path: string
  /** What a person does before the picture. */
  readonly act: (page: Page) => Promise<unknown>
  readonly javaScriptEnabled?: boolean
  /** Percent of the default text size. */
  readonly textPercent?: number
  readonly locale?: string
}

/** The words that tell that a scene has arrived where it was going. */
const ARRIVED: Readonly<Record<string, string>> = {
  trouble: '#trouble:not([hidden])',
  old: '#trouble:not([hidden])',
  'idle-lottery': '#number:not([hidden])',
  entering: '[data-stage=entering]',
  idle: '#number:not([hidden])',
  entered: '#draw:not([hidden])',
  drawn: '#verdict:not([hidden])',
}

const queueShots: Shot[] = [
  ...Object.keys(SCENES).map((name) => ({
    name: `queue-${name}`,
    path: `/q/${name}`,
    act: (page: Page) => page.waitForSelector(ARRIVED[name] ?? 'body:not([data-stage=joining])'),
  })),
  {
    name: 'queue-leave',
    path: '/q/waiting',
    act: (page) => page.click('#leave').then(() => page.waitForSelector('dialog[open]')),
  },
  {
    name: 'queue-no-script',
    path: '/q/waiting',
    act: (page) => page.waitForSelector('.fallback'),
    javaScriptEnabled: false,
  },
  {
    name: 'queue-draw-open',
    path: '/q/drawn',
    act: (page) =>
      page
        .waitForSelector('#verdict:not([hidden])')
        .then(() => page.click('summary'))
        .then(() => page.waitForSelector('dl')),
  },
  ...['far', 'idle', 'entered', 'drawn'].map((name) => ({
    name: `queue-large-text-${name}`,
    path: `/q/${name}`,
    act: (page: Page) => page.waitForSelector(ARRIVED[name] ?? 'body:not([data-stage=joining])'),
    textPercent: 200,
  })),
  ...['ko', 'ja', 'es', 'de', 'fr'].flatMap((locale) =>
    ['waiting', 'entered', 'idle'].map((name) => ({
      name: `queue-${locale}-${name}`,
      path: `/q/${name}`,
      act: (page: Page) => page.waitForSelector(ARRIVED[name] ?? '#number:not([hidden])'),
      locale,
    })),
  ),
]

async function shoot(browser: Browser, base: string, shot: Shot): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({
        viewport,
        colorScheme,
        javaScriptEnabled: shot.javaScriptEnabled ?? true,
        hasTouch: size === 'phone',
        reducedMotion: 'reduce',
        locale: shot.locale ?? 'en-GB',
        timezoneId: 'Europe/London',
      })
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('the server responded'))
          console.error(shot.name, message.text())
      })
      page.on('pageerror', (error) => console.error(shot.name, error))
      await page.goto(base + shot.path)
      if (shot.textPercent !== undefined) {
        await page.evaluate((percent) => {
          document.documentElement.style.fontSize = `${percent}%`
        }, shot.textPercent)
      }
      await shot.act(page)
      const file = `${OUTPUT}/${shot.name}-${size}-${colorScheme}.png`
      await page.screenshot({ path: file, fullPage: size === 'phone' && shot.name !== 'queue-entering' })
      await context.close()
    }
  }
}

const [which, serve] = process.argv.slice(2)
await mkdir(OUTPUT, { recursive: true })
const pages = await servePages()
console.log(`pages at ${pages.url} (for instance /q/waiting, /performances/evening)`)
const executablePath = await findBrowser()
if (executablePath === undefined) process.exit(2)
const browser = await openBrowser(executablePath)
try {
  const all: readonly Shot[] = [...queueShots, ...SHOP_SHOTS]
  for (const shot of all.filter(({ name }) => which === undefined || name.startsWith(which))) {
    await shoot(browser, pages.url, shot)
    console.log(shot.name)
  }
} finally {
  await browser.close()
  if (serve !== 'serve') await pages.stop()
}
