// The queue page in a real browser, in every state, language and colour: what it says, whether everybody can use it
// (axe; contrast on the marquee, whose light it cannot judge, is in test/unit/config/page.test.ts), and that neither the device's clock nor a screen reader is led astray by a countdown.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test as anyTest } from 'vitest'
import { findBrowser, openBrowser } from '../browser.ts'
import { answerScene, DONE, DRAW, DRAWN_PLACE, type Reply, SCENES, VISITOR } from './fake-room.ts'
import { type Served, servePages } from './serve.ts'

const executablePath = await findBrowser()
const test = anyTest.skipIf(executablePath === undefined)
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const BEACON_NAMED = {
  ...DONE,
  header: 'foyer-draw-1 room=fake beacon=https://beacon.example/ round=4711204',
}

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

async function open(
  path: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: 'en',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  faults = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text())
  })
  await prepare(page)
  await page.goto(served.url + path)
  return page
}

const now = (scene: string, changes: object): Reply => {
  const { body } = answerScene(scene, 'now', 1)
  return { status: 200, body: { ...Object(body), ...changes } }
}
const look = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event('online')))

/** Once the scene is where it goes: the last thing that it shows. */
const ARRIVED: Readonly<Record<string, string>> = {
  trouble: '#trouble:not([hidden])',
  old: '#trouble:not([hidden])',
  idle: '#number:not([hidden])',
  entered: '#draw:not([hidden])',
  drawn: '#verdict:not([hidden])',
  'drawn-differs': '#verdict:not([hidden])',
}

async function violationsIn(page: Page): Promise<AxeResults['violations']> {
  await page.evaluate(AXE)
  const { violations, passes } = await page.evaluate(() =>
    (Reflect.get(window, 'axe') as { run(): Promise<AxeResults> }).run(),
  )
  // That it ran at all.
  expect(passes.length).toBeGreaterThan(10)
  return violations
}

test.each(Object.keys(SCENES))('axe finds nothing in the state %s, light or dark', async (scene) => {
  let opened = false
  const page = await open(`/q/${scene}`, {}, (fresh) =>
    // A page that goes in would be gone before it has been looked at: 204 leaves it where it is.
    fresh.route('**/q/*', (route) => {
      if (opened) return route.fulfill({ status: 204 })
      opened = true
      return route.continue()
    }),
  )
  await page.waitForSelector(ARRIVED[scene] ?? 'body:not([data-stage=joining])')
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true
  })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const violations = await violationsIn(page)
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
      colorScheme,
    ).toEqual([])
  }
  expect(faults).toEqual([])
  await page.context().close()
})

test('axe would have found something: a text without contrast, a button without a name', async () => {
  const page = await open('/q/waiting')
  await page.waitForSelector('#number:not([hidden])')
  await page.evaluate(() => {
    document.documentElement.style.setProperty('--quiet', '#b5b0bb')
    document.querySelector('#leave')?.replaceChildren()
  })
  expect((await violationsIn(page)).map(({ id }) => id)).toEqual(
    expect.arrayContaining(['color-contrast', 'button-name']),
  )
  await page.context().close()
})

describe('a countdown', () => {
  const clockOf = (page: Page) => page.textContent('#number')

  test.each([-3_600_000, 0, 3_600_000])('is right on a device whose clock is %i ms off', async (skewMs) => {
    const page = await open('/q/idle', {}, (opened) =>
      opened.addInitScript((ms) => {
        const real = Date.now
        Date.now = () => real() + ms
      }, skewMs),
    )
    await page.waitForSelector('#number:not([hidden])')
    expect(await clockOf(page)).toMatch(/^12:3[0-4]$/)
    expect(await page.textContent('#stage')).toBe('The line opens in')
    expect(await page.textContent('#detail')).toContain('Line opens: 8:13 PM GMT+1')
    await page.context().close()
  })

  test('goes down each second, and is spoken at five minutes, not each second', async () => {
    const page = await open('/q/prequeue')
    const { at } = (await answerAt()) as { at: number }
    served.answer = ({ path }) =>
      path.endsWith('/now') ? now('prequeue', { startsAt: at + 303_500 }) : undefined
    await look(page)
    await page.waitForSelector('[data-stage=prequeue]')
    await page.evaluate(() => {
      const said: string[] = []
      Object.assign(window, { said })
      const spoken = document.querySelector('#spoken')
      if (spoken !== null)
        new MutationObserver(() => said.push(spoken.textContent ?? '')).observe(spoken, { childList: true })
    })
    await expect.poll(() => page.textContent('#wait'), { timeout: 15_000 }).toMatch(/in 4:5\d$/)
    expect(await page.evaluate(() => Reflect.get(window, 'said'))).toEqual(['Opens in 5 minutes.'])
    await page.context().close()
  })

  test('ends with the page joining by itself', async () => {
    const { at } = (await answerAt()) as { at: number }
    let isOpen = false
    served.answer = ({ path }) =>
      path.endsWith('/now')
        ? isOpen
          ? now('waiting', { at: at + 2_000 })
          : now('idle', { prequeueAt: null, startsAt: at + 2_000 })
        : undefined
    const from = served.calls.length
    const page = await open('/q/idle')
    await page.waitForSelector('[data-stage=idle] #number:not([hidden])')
    expect(served.calls.slice(from).some(({ path }) => path.endsWith('/join'))).toBe(false)
    isOpen = true
    await page.waitForSelector('[data-stage=waiting]')
    expect(await page.textContent('#number')).toBe('1')
    expect(served.calls.slice(from).filter(({ path }) => path.endsWith('/join'))).toHaveLength(1)
    await page.context().close()
  })

  async function answerAt(): Promise<unknown> {
    return await Promise.resolve(answerScene('idle', 'now', 1).body)
  }
})

test('a draw from entry to proof: the place appears by itself and is checked on the device', async () => {
  let stage: 'before' | 'drawing' | 'after' = 'before'
  served.answer = ({ path }) => {
    if (path.endsWith('/now')) {
      if (stage === 'before') return now('entered', {})
      if (stage === 'drawing') return now('drawing', {})
      return now('drawn', { epoch: 2 })
    }
    if (!path.endsWith('/join') || stage !== 'after') return undefined
    const { status, body } = answerScene('drawn', 'join', 1)
    return { status, body: { ...Object(body), epoch: 2 } }
  }
  const page = await open('/q/entered')
  await page.waitForSelector('[data-stage=entered]')
  expect(await page.textContent('#updated')).toBe('Entry 4,812 of 12,090')
  expect(await page.isVisible('#number')).toBe(false)
  // By keyboard alone.
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(await page.textContent('#draw-numbers')).toContain(DRAW.commitment)
  expect(await page.textContent('#draw-how')).toContain('beacon round 4711204')
  const stages: unknown[] = []
  await page.exposeFunction('sawStage', (seen: unknown) => stages.push(seen))
  await page.evaluate(() => {
    const tell = Reflect.get(window, 'sawStage') as (stage: unknown) => void
    new MutationObserver(() => tell(document.body.dataset['stage'])).observe(document.body, {
      attributeFilter: ['data-stage'],
    })
  })
  stage = 'drawing'
  await look(page)
  await page.waitForSelector('[data-stage=drawing]')
  stage = 'after'
  await look(page)
  await page.waitForSelector('#verdict[data-is=matches]')
  expect(await page.textContent('#number')).toBe('2,311')
  expect(await page.textContent('#draw-numbers')).toContain(String(DRAWN_PLACE))
  expect(await page.textContent('#draw-numbers')).toContain(VISITOR)
  expect(await page.textContent('#draw-numbers')).toContain(DONE.secret)
  // The entry is kept, so that its number and its chain can be held against the result.
  expect(await page.textContent('#draw-numbers')).toContain('4,812')
  await expect.poll(() => stages).toContain('waiting')
  expect(stages).not.toContain('recovering')
  await page.context().close()
})

test('a result that does not follow from the published numbers is called one', async () => {
  const page = await open('/q/drawn-differs')
  await page.waitForSelector('#verdict[data-is=differs]')
  expect(await page.textContent('#verdict')).toContain('does not follow')
  expect(await page.textContent('#verdict')).toContain('the operator knew the secret beforehand')
  await page.context().close()
})

test('a result without a beacon bears no tick, and the numbers open beside the page that waits', async () => {
  served.answer = ({ path }) =>
    path.endsWith('/now')
      ? now('drawn-differs', { draw: { ...DONE, round: null, beacon: BEACON_NAMED.beacon } })
      : undefined
  const page = await open('/q/drawn')
  await page.waitForSelector('#verdict:not([hidden])')
  expect(await page.getAttribute('#verdict', 'data-is')).toBe('matches-alone')
  expect(await page.textContent('#verdict')).toMatch(/^No public random number went into this draw/)
  expect(await page.getAttribute('#draw-link', 'target')).toBe('_blank')
  await page.context().close()
})

test('where a beacon was used, its number is the word of the operator until it is looked up', async () => {
  served.answer = ({ path }) => (path.endsWith('/now') ? now('drawn', { draw: BEACON_NAMED }) : undefined)
  const page = await open('/q/drawn')
  await page.waitForSelector('#verdict[data-is=matches]')
  expect(await page.textContent('#draw-how')).toContain('is the operator’s word until you look it up')
  expect(await page.getAttribute('#draw-numbers a', 'href')).toBe('https://beacon.example/public/4711204')
  expect(await page.textContent('#draw-numbers')).toContain('Your draw number (smaller comes earlier)')
  await page.context().close()
})

describe('what a screen reader is told', () => {
  const spoken = (page: Page) => page.textContent('#spoken')

  test('a message that comes with a change of stage is heard with it', async () => {
    const page = await open('/q/waiting')
    await page.waitForSelector('[data-stage=waiting] #number:not([hidden])')
    served.answer = ({ path }) =>
      path.endsWith('/now') ? now('paused', { message: 'Back at 19:40.' }) : undefined
    await look(page)
    await page.waitForSelector('[data-stage=paused]')
    expect(await spoken(page)).toMatch(/The line is paused\..*Back at 19:40\.$/)
    await page.context().close()
  })

  test('the first words before an opening tell when it is, and that a draw gives nothing for being early', async () => {
    const page = await open('/q/idle-lottery')
    await page.waitForSelector('[data-stage=idle]')
    expect(await spoken(page)).toContain('Line opens: 8:13')
    expect(await spoken(page)).toContain('drawn by lot')
    await page.context().close()
  })

  test('an ended sale asks nobody to come back when it opens', async () => {
    const page = await open('/q/ended')
    await page.waitForSelector('[data-stage=closed]')
    expect(await spoken(page)).toContain('Ended: ')
    expect(await spoken(page)).not.toContain('come back')
    await page.context().close()
  })

  test('a late return is said once', async () => {
    const page = await open('/q/late')
    await page.waitForSelector('[data-stage=waiting]')
    expect(await spoken(page)).toContain('This is the one return')
    expect(await page.textContent('#detail')).toContain('This is the one return')
    expect(await page.textContent('#next')).not.toContain('come back to the front once')
    await page.context().close()
  })
})

test('while the store is lost the page grows old and says so, and never that it is from just now', async () => {
  const page = await open('/q/old')
  await page.waitForSelector('#trouble:not([hidden])')
  expect(await page.textContent('#trouble')).toContain('Your place is kept')
  expect(await page.textContent('#updated')).toMatch(/^Updated \d+ \w+ ago$/)
  // The copy is older than the place, and tells nothing of what came after.
  expect(await page.textContent('#number')).toBe('313')
  await page.context().close()
})

test('with large text the question before leaving can be answered on a small phone', async () => {
  for (const locale of ['en', 'de']) {
    const page = await open('/q/waiting', { locale, viewport: { width: 390, height: 640 } })
    await page.waitForSelector('[data-stage=waiting]')
    await page.evaluate(() => {
      document.documentElement.style.fontSize = '200%'
    })
    await page.click('#leave')
    await page.waitForSelector('dialog[open]')
    const box = await page.locator('dialog').boundingBox()
    expect((box?.y ?? -1) >= 0 && (box?.y ?? 0) + (box?.height ?? 999) <= 640, locale).toBe(true)
    await page.locator('#go').scrollIntoViewIfNeeded()
    await page.click('#go')
    await page.waitForSelector('[data-stage=left]')
    await page.context().close()
  }
})

test('without a beacon the page says plainly, before the draw, what the operator knows', async () => {
  const page = await open('/q/entered-no-beacon')
  await page.waitForSelector('#verdict:not([hidden])')
  expect(await page.textContent('#verdict')).toContain('The operator knows the secret')
  await page.context().close()
})

test('when nothing is left every waiting page says so within five seconds, and goes on when something comes back', async () => {
  let state = 'open'
  served.answer = ({ path }) =>
    path.endsWith('/now') ? now('waiting', { state, pollAfterMs: 2_000 }) : undefined
  const page = await open('/q/waiting')
  await page.waitForSelector('[data-stage=waiting] #number:not([hidden])')
  state = 'sold_out'
  await page.waitForSelector('[data-stage=sold_out]', { timeout: 5_000 })
  expect(await page.textContent('#wait')).toBe('You are number 214 in line.')
  expect(await page.isVisible('#leave')).toBe(true)
  state = 'open'
  await page.waitForSelector('[data-stage=waiting]', { timeout: 5_000 })
  expect(await page.textContent('#number')).toBe('214')
  await page.context().close()
})

test.each([
  ['ko-KR', '나의 대기 순번', '대기 214번', '약 2~3분'],
  ['ja-JP', '現在の順番', '214番目', '約2〜3 分'],
  ['es-MX', 'Tu posición en la fila', 'Posición 214', 'Entre 2 y 3 minutos'],
  ['de-DE', 'Ihre Position in der Warteschlange', 'Position 214', 'Etwa 2 bis 3 Minuten'],
  ['fr-FR', 'Votre position dans la file', 'Position 214', 'Environ 2 à 3 minutes'],
])(
  'a browser in %s reads the page in its language, and loads no other',
  async (locale, stage, title, wait) => {
    const asked: string[] = []
    const page = await open('/q/waiting', { locale }, (opened) => {
      opened.on('request', (request) => asked.push(request.url().slice(served.url.length)))
      return Promise.resolve()
    })
    await page.waitForSelector('[data-stage=waiting] #number:not([hidden])')
    expect(await page.getAttribute('html', 'lang')).toBe(locale.slice(0, 2))
    expect(await page.textContent('#stage')).toBe(stage)
    expect(await page.title()).toContain(title)
    expect((await page.textContent('#wait'))?.replaceAll(/\s/g, ' ')).toBe(wait)
    expect(asked.filter((path) => path.endsWith('.js'))).toEqual([
      `/.waiting-room/queue-${locale.slice(0, 2)}.js`,
    ])
    expect(faults).toEqual([])
    await page.context().close()
  },
)

test("a room's own colours and logo pass the page's policy and are what is painted", async () => {
  const page = await open('/q/own-light')
  await page.waitForSelector('[data-stage=waiting]')
  expect(await page.locator('.marquee').evaluate((node) => getComputedStyle(node).backgroundColor)).toBe(
    'rgb(255, 255, 255)',
  )
  expect(
    await page.locator('.logo').evaluate((node) => (node as HTMLImageElement).naturalWidth),
  ).toBeGreaterThan(0)
  expect(await page.textContent('.note')).toContain('Doors at 18:30')
  expect(faults).toEqual([])
  await page.context().close()
})

test.each(['entered', 'idle', 'drawn', 'prequeue', 'sold-out-kept'])(
  'with text at 200 percent nothing of %s is cut off sideways, in any language',
  async (scene) => {
    for (const locale of ['en', 'de', 'fr', 'ja']) {
      const page = await open(`/q/${scene}`, { locale, viewport: { width: 320, height: 800 } })
      await page.waitForSelector(ARRIVED[scene] ?? 'body:not([data-stage=joining])')
      const overflow = await page.evaluate(() => {
        document.documentElement.style.fontSize = '200%'
        for (const details of document.querySelectorAll('details')) details.open = true
        const marquee = document.querySelector('.marquee')
        const inner = marquee === null ? 0 : marquee.scrollWidth - marquee.clientWidth
        return Math.max(document.documentElement.scrollWidth - innerWidth, inner)
      })
      expect(overflow, locale).toBeLessThanOrEqual(0)
      await page.context().close()
    }
  },
)
