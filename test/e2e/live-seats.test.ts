// Seats that turn while they are looked at: two browsers before the same hall, through both Workers. What one holds, the
// other sees without a reload, by the stream where it flows and by asking where it does not.

import { request as httpRequest } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, type SeatNews } from '../holds/watcher.ts'
import { findBrowser, openBrowser } from './browser.ts'
import { startTestStack, type TestStack } from './stack.ts'

const executablePath = await findBrowser()
const PERFORMANCE = 'winter-lights-evening'
const AVAILABILITY = `/api/performances/${PERFORMANCE}/availability`

let stack: TestStack
beforeAll(async () => {
  stack = await startTestStack({ total_active_users: 100, new_users_per_minute: 6_000 })
})
afterAll(() => stack?.stop())

describe.skipIf(executablePath === undefined)('two browsers before the same section', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser(executablePath ?? '')
  })
  afterAll(() => browser?.close())

  /** A visitor before one section, and what their page asked about the seats. */
  async function visitor({ withStream = true } = {}) {
    const page = await (await browser.newContext()).newPage()
    page.setDefaultTimeout(60_000)
    if (!withStream) await page.route('**/availability/stream*', (route) => route.fulfill({ status: 503 }))
    const asked: string[] = []
    page.on('request', (sent) => {
      const { pathname } = new URL(sent.url())
      if (pathname.includes('/availability')) asked.push(pathname.endsWith('/stream') ? 'stream' : 'seats')
    })
    await page.goto(`${stack.url}/performances/${PERFORMANCE}#C5`)
    await page.locator('.rows summary').first().click()
    await page.locator('.row .mark-f').first().waitFor()
    return { page, asked }
  }
  const seatOf = (page: Page, name: string) => page.locator(`.row button[aria-label^="${name},"]`)
  const labelOf = (page: Page, name: string) => seatOf(page, name).getAttribute('aria-label')

  /** Holds the first free seat of the row that is open; answers its name. */
  async function holdOne(page: Page): Promise<string> {
    const seat = page.locator('.row .mark-f').first()
    const name = ((await seat.getAttribute('aria-label')) ?? '').split(',').slice(0, 2).join(',')
    await seat.click()
    await page.locator('.cart .primary').click()
    await page.waitForSelector('#checkout:not([hidden])')
    return name
  }

  it('a seat that one holds turns for the other, by the stream alone, and turns back when it is given up', async () => {
    const [buyer, watcher] = [await visitor(), await visitor()]
    await expect.poll(() => watcher.asked.join()).toBe('seats,stream')
    const name = await holdOne(buyer.page)
    await expect.poll(() => labelOf(watcher.page, name), { timeout: 20_000 }).toBe(`${name}, held by someone`)
    await buyer.page.getByRole('button', { name: 'Change seats' }).click()
    await expect.poll(() => labelOf(watcher.page, name), { timeout: 20_000 }).toBe(`${name}, free`)
    expect(watcher.asked.join()).toBe('seats,stream')
  })

  it('where no stream can be had, the page asks instead', async () => {
    const [buyer, watcher] = [await visitor(), await visitor({ withStream: false })]
    const name = await holdOne(buyer.page)
    await expect.poll(() => labelOf(watcher.page, name), { timeout: 20_000 }).toBe(`${name}, held by someone`)
    // Once was enough to learn that there is none.
    expect(watcher.asked.filter((kind) => kind === 'stream')).toEqual(['stream'])
    expect(watcher.asked.filter((kind) => kind === 'seats').length).toBeGreaterThan(1)
  })

  it('a page that nobody looks at lets go of its stream, and catches up when it is looked at again', async () => {
    const [buyer, watcher] = [await visitor(), await visitor()]
    await expect.poll(() => watcher.asked.join()).toBe('seats,stream')
    const closed = watcher.page.waitForEvent('requestfailed', (sent) =>
      sent.url().includes('/availability/stream'),
    )
    const show = (hidden: boolean) =>
      watcher.page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await show(true)
    await closed
    const name = await holdOne(buyer.page)
    expect(watcher.asked.join()).toBe('seats,stream')
    expect(await labelOf(watcher.page, name)).toBe(`${name}, free`)
    await show(false)
    await expect.poll(() => labelOf(watcher.page, name), { timeout: 20_000 }).toBe(`${name}, held by someone`)
    expect(watcher.asked.join()).toBe('seats,stream,seats,stream')
  })
})

describe('past both Workers, as it is on the wire', () => {
  /** One GET without a client that undoes compression. */
  const get = (path: string, headers: Record<string, string>) =>
    new Promise<{ status: number; headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
      const sent = httpRequest(stack.url + path, { headers, agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: Buffer.concat(chunks),
          }),
        )
      })
      sent.on('error', reject)
      sent.end()
    })
  const passOf = ({ headers }: { headers: Record<string, unknown> }): string =>
    /wr-pass-demo=[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? ''

  it('the map is compressed once for whoever takes it, and plain for whoever does not, also beside a new pass', async () => {
    const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const maps: string[] = []
    for (const accepted of [{ 'accept-encoding': 'gzip' }, {}]) {
      // The first request with a provisional pass is answered with the lasting one: the edge writes to that response.
      const cookie = passOf(await get('/', navigation))
      const first = await get(AVAILABILITY, { ...accepted, cookie })
      expect(passOf(first)).not.toBe('')
      const again = await get(AVAILABILITY, { ...accepted, cookie: passOf(first) })
      for (const { status, headers, bytes } of [first, again]) {
        expect(status).toBe(200)
        const compressed = headers['content-encoding'] === 'gzip'
        expect(compressed).toBe('accept-encoding' in accepted)
        maps.push(
          apply(undefined, JSON.parse(String(compressed ? gunzipSync(bytes) : bytes)) as SeatNews).map,
        )
      }
    }
    expect(maps[0]).toHaveLength(15_000)
    expect(new Set(maps).size).toBe(1)
  })
})
