// The HTML of the queue page: languages, a room's own looks, and the words for a browser without script.

import { describe, expect, test } from 'vitest'
import template from '../../../edge/page/queue.html'
import { hold } from '../../../edge/hold.ts'
import { policy, type QueuePage, renderQueuePage } from '../../../edge/queue-html.ts'
import { queuePage } from '../../../edge/queue-page.ts'
import type { RoomQueue } from '../../../edge/room-queue.ts'
import { TEXTS } from '../../../edge/texts.ts'
import { LANGUAGES } from '../../../src/config/languages.ts'
import { parseRooms } from '../../../src/config/room.ts'
import { pageSettings } from '../../../src/config/page.ts'
import { fakePage } from './fake-page.ts'

const html = (changes: Partial<QueuePage> = {}) => renderQueuePage(fakePage(changes), template, 'NONCE')
const fallback = (changes: Partial<QueuePage> = {}) => {
  const whole = html(changes)
  return whole.slice(whole.indexOf('class="fallback"'), whole.indexOf('id="draw"'))
}
const AT = Date.UTC(2026, 11, 1, 19)
const place = { position: 214, etaSeconds: { low: 121, high: 170 } }

test('no placeholder is left over, whatever the page', () => {
  const settings = pageSettings.parse({ background: '#ffffff', accent: '#aa0000', logo: '/logo.svg' })
  for (const language of LANGUAGES) {
    expect(html({ acceptLanguage: language }), language).not.toMatch(/\{\{|undefined|\[object/)
    expect(html({ acceptLanguage: language, settings, queue: place, times: { at: AT } })).not.toMatch(/\{\{/)
  }
})

test('what a visitor or an operator writes cannot become a placeholder or markup', () => {
  const title = '{{data}}</title><script>alert(1)</script>$&'
  const page = html({ title, message: title, returnTo: `/x?"><img src=x>` })
  expect(page).not.toContain('<script>alert')
  expect(page).not.toContain('<img')
  expect(page).toContain('{{data}}&lt;/title&gt;')
})

describe('the language', () => {
  test.each(LANGUAGES)('%s: attributes, script and words agree', (language) => {
    const page = html({ acceptLanguage: `${language}-XX, nl;q=0.1` })
    expect(page).toContain(`<html lang="${language}" dir="ltr">`)
    expect(page).toContain(`/.waiting-room/queue-${language}.js`)
    expect(page).toContain(TEXTS[language].first.joinButton)
  })

  test('a cache is told that the answer depends on it', () => {
    expect(queuePage(fakePage(), { status: 200 }).headers.get('vary')).toContain('accept-language')
  })

  test('a room without a title of its own says so in that language; one with a title keeps it', () => {
    expect(html({ title: 'You are in line', acceptLanguage: 'fr' })).toContain(
      '<h1 id="title">Vous êtes dans la file',
    )
    expect(html({ acceptLanguage: 'fr' })).toContain('<h1 id="title">Winter Lights')
  })

  test('own words are of one language', () => {
    const settings = pageSettings.parse({ texts: { de: { heading: 'Winterlichter', note: 'Bis <bald>' } } })
    const german = html({ settings, acceptLanguage: 'de' })
    expect(german).toContain('<h1 id="title">Winterlichter')
    expect(german).toContain('<title>Winterlichter')
    expect(german).toContain('"title":"Winterlichter"')
    expect(german).toContain('Bis &lt;bald&gt;')
    expect(html({ settings, acceptLanguage: 'en' })).not.toContain('Winterlichter')
  })
})

describe("a room's own looks", () => {
  const settings = pageSettings.parse({
    background: '#ffffff',
    accent: '#aa0000',
    logo: 'https://cdn.example.com/a/logo.svg',
  })

  test('colours are the only style in the page, and the policy names its nonce alone', () => {
    const page = html({ settings })
    expect(page.match(/<style[^>]*>[^<]*<\/style>/g)).toEqual([
      expect.stringMatching(/^<style nonce="NONCE">:root\{(?:--[a-z-]+:#[0-9a-f]{6};?)+\}<\/style>$/),
    ])
    expect(page).toContain('<meta name="theme-color" content="#ffffff" />')
    const response = queuePage(fakePage({ settings }), { status: 200 })
    const [, nonce = ''] =
      /style-src 'self' 'nonce-([^']{22,})'/.exec(response.headers.get('content-security-policy') ?? '') ?? []
    expect(nonce).not.toBe('')
    return expect(response.text()).resolves.toContain(`<style nonce="${nonce}">`)
  })

  test('a page without colours of its own has no inline style, and no nonce', () => {
    expect(html()).not.toContain('<style')
    expect(policy(pageSettings.parse({}), 'NONCE')).not.toContain('nonce')
    expect(policy(pageSettings.parse({}), 'NONCE')).toContain("img-src 'self' data:;")
  })

  test('a logo is allowed from its own origin and no other', () => {
    expect(policy(settings, 'NONCE')).toContain("img-src 'self' data: https://cdn.example.com;")
    expect(html({ settings })).toContain('src="https://cdn.example.com/a/logo.svg" alt="Winter Lights"')
    expect(policy(pageSettings.parse({ logo: '/logo.svg' }), 'NONCE')).toContain("img-src 'self' data:;")
  })
})

describe('without script', () => {
  test('whoever has not joined reads what the line is before its button', () => {
    expect(fallback()).toMatch(/<p>[^<]*Join the line to get your place[^<]*<\/p>(?:<p>[^<]*<\/p>)*<form/)
    expect(fallback()).toContain('value="/shop?a=1&amp;b=2"')
  })

  test('before the opening there is no button to join, but the time', () => {
    const shown = fallback({
      state: 'idle',
      times: { at: AT, startsAt: AT + 86_400_000 },
      acceptLanguage: 'de',
    })
    expect(shown).not.toContain('<form')
    expect(shown).toContain('Verkaufsstart: Mittwoch, 2. Dezember um 19:00 UTC')
  })

  test('a draw is entered, not joined, and an entry is no position', () => {
    const times = { at: AT, startsAt: AT + 600_000, draw: { entries: 0 } }
    expect(fallback({ state: 'prequeue', times })).toContain('<button>Enter the draw</button>')
    const entered = { position: null, etaSeconds: null, entry: { number: 7, entries: 1_200 } }
    const shown = fallback({ state: 'prequeue', times, queue: entered })
    expect(shown).toContain('Entry 7 of 1,200')
    expect(shown).not.toContain('You are number')
    expect(html({ state: 'prequeue', times, queue: entered })).toContain('tabindex="-1">You are in the draw<')
  })

  test('a place is told with its wait, in the language', () => {
    expect(fallback({ queue: place })).toContain(
      '<p>You are number 214 in line.</p><p>About 2 to 3 minutes</p>',
    )
    expect(fallback({ queue: place, acceptLanguage: 'ko' })).toContain('214번')
  })

  test.each([
    ['sold_out', 'Everything is sold'],
    ['closed', 'The line is not open'],
    ['reject', 'The line is not open'],
    ['store_down', 'Places are safe'],
  ])('a page in %s says so and offers another look', (state, words) => {
    expect(fallback({ state })).toContain(words)
    expect(fallback({ state })).toContain('>Look again</a>')
    expect(fallback({ state })).not.toContain('<form')
  })

  test('whoever waits reads how long a call lasts, that nothing moves by itself, and finds a way out', () => {
    const shown = fallback({ queue: place, claimWindowSeconds: 45 })
    expect(shown).toContain('you have 45 seconds to come in')
    expect(shown).toContain('does not change by itself')
    expect(shown).toContain('kept in this browser')
    expect(shown).toMatch(/action="\/.waiting-room\/demo\/leave"><input [^>]*value="\/shop\?a=1&amp;b=2">/)
    expect(shown).toContain('<button>Leave the line</button>')
    const entered = { position: null, etaSeconds: null, entry: { number: 1, entries: 0 } }
    expect(fallback({ state: 'prequeue', queue: entered })).toContain('<button>Leave the draw</button>')
    expect(fallback({ state: 'prequeue', queue: entered })).toContain('Entry 1 of 1<')
  })

  test('whoever is about to wait reads that choosing seats may need JavaScript', () => {
    expect(fallback()).toMatch(/may need JavaScript[^<]*<\/p><form/)
    expect(fallback({ queue: place })).not.toContain('may need JavaScript')
  })

  test('a room that stands still says so, also to one who comes, and tells no number that is too low', () => {
    expect(fallback({ state: 'paused', queue: place })).toMatch(/The line is paused.*You are number 214/)
    expect(fallback({ state: 'paused' })).toMatch(/The line is paused.*<form/)
    expect(fallback({ state: 'recovering', queue: place })).toContain('Putting the line back in order')
    expect(fallback({ state: 'recovering', queue: place })).not.toContain('You are number')
  })

  test('before a draw, that being early brings nothing', () => {
    const times = { at: AT, prequeueAt: AT + 60_000, startsAt: AT + 600_000 }
    expect(fallback({ state: 'idle', times: { ...times, draw: { entries: 0 } } })).toContain('drawn by lot')
    expect(fallback({ state: 'idle', times })).not.toContain('drawn by lot')
  })

  test('the gate tells it where it has cleared an ended pass, and only there', async () => {
    const [room] = parseRooms({ demo: {} }).values()
    const page = async (cleared: readonly string[]) => {
      const request = new Request('https://shop.example/x')
      const held = { as: 'page', because: 'waiting', place: undefined, document: undefined, cleared } as const
      return await hold(request, { room } as RoomQueue, held).text()
    }
    expect(await page(['pass=; Max-Age=0'])).toContain(TEXTS.en.first.ended)
    expect(await page([])).not.toContain(TEXTS.en.first.ended)
  })

  test('a pass that has ended is told once, with script and without', () => {
    for (const language of LANGUAGES) {
      const words = TEXTS[language].first.ended
      expect(html({ acceptLanguage: language, ended: true })).toContain(`<p class="visit-over">${words}</p>`)
      expect(html({ acceptLanguage: language })).not.toContain(words)
    }
  })

  test('after the end the page tells when it was', () => {
    const times = { at: AT, endsAt: AT - 60_000 }
    expect(fallback({ state: 'closed', times })).toMatch(/Ended: 6:59\sPM UTC/)
  })
})
