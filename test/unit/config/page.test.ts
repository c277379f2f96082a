// The settings of a room's page: what cannot be read is refused before the sale, with the ratio.

import { describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { colourRules } from '../../../edge/page-colours.ts'
import { contrast, mix, readableOn, type Colour } from '../../../src/config/contrast.ts'
import { ConfigError } from '../../../src/config/fault.ts'
import { OWN_ACCENT, OWN_BACKGROUND, OWN_TEXT, pageSettings } from '../../../src/config/page.ts'
import { parseRooms } from '../../../src/config/room.ts'

function faultsOf(page: unknown): readonly string[] {
  try {
    parseRooms({ demo: { page } })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test('the contrast is the one that WCAG defines', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  expect(contrast('#abcdef', '#abcdef')).toBe(1)
  expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080')
})

test("the page's own colours are those of its styles, and readable on the light at the foot too", () => {
  const styles = readFileSync('edge/page/style/ground.css', 'utf8')
  const own = (name: string) => (new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(styles)?.[1] ?? '') as Colour
  expect([own('night'), own('night-text'), own('lamp')]).toEqual([OWN_BACKGROUND, OWN_TEXT, OWN_ACCENT])
  // At its strongest, when the front is reached: marquee.css, opacity 0.35 + 0.28.
  for (const under of [own('night'), mix(own('night'), own('glow'), 0.63)]) {
    expect(contrast(own('night-text'), under)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(own('night-quiet'), under)).toBeGreaterThanOrEqual(4.5)
  }
  expect(contrast(own('lamp-text'), own('lamp'))).toBeGreaterThanOrEqual(4.5)
})

describe('colours', () => {
  test('a text that cannot be read is refused with its ratio', () => {
    expect(faultsOf({ background: '#888888', text_colour: '#777777', accent: '#000000' })).toEqual([
      'ROOMS.demo.page.text_colour = "#777777": has a contrast of 1.26:1 to the background #888888; text needs at least 4.5:1',
    ])
  })

  test('so is an accent that does not stand out, also where only the background was set', () => {
    expect(faultsOf({ accent: '#2a2233' })[0]).toMatch(/page\.accent = "#2a2233": has a contrast of 1\.\d+:1/)
    expect(faultsOf({ background: '#ffffff' })).toEqual([
      'ROOMS.demo.page.background = "#ffffff": has a contrast of 1.61:1 to the accent #ffc145; the lit bulbs need at least 3:1',
    ])
  })

  test('a ratio just under the limit is not rounded up to it', () => {
    expect(faultsOf({ background: '#ffffff', text_colour: '#777777', accent: '#aa0000' })[0]).toContain(
      '4.47:1',
    )
  })

  test('nothing but a colour is a colour', () => {
    for (const accent of ['red', '#fff', '#12345g', '#ffc145;}', 7]) {
      expect(faultsOf({ accent })[0]).toContain('must be a colour such as "#17121f"')
    }
    expect(pageSettings.parse({ accent: '#FFC145' }).accent).toBe('#ffc145')
  })

  test('what is derived from them stays readable, whatever was accepted', () => {
    let seed = 20_261_121
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
    const colour = (): Colour =>
      `#${Math.floor(random() * 2 ** 24)
        .toString(16)
        .padStart(6, '0')}`
    let tried = 0
    for (let i = 0; i < 3_000; i += 1) {
      const parsed = pageSettings.safeParse({ background: colour(), accent: colour() })
      if (!parsed.success) continue
      tried += 1
      const rules = colourRules(parsed.data) ?? ''
      const of = (name: string) => (new RegExp(`--${name}:(#[0-9a-f]{6})`).exec(rules)?.[1] ?? '') as Colour
      for (const under of ['night', 'glow', 'glow-edge']) {
        expect(contrast(of('night-text'), of(under)), rules).toBeGreaterThanOrEqual(4.5)
        expect(contrast(of('night-quiet'), of(under)), rules).toBeGreaterThanOrEqual(4.5)
      }
      expect(contrast(of('lamp-text'), of('lamp')), rules).toBeGreaterThanOrEqual(4.5)
      expect(readableOn(of('lamp'))).toBe(of('lamp-text'))
    }
    expect(tried).toBeGreaterThan(300)
  })
})

test('a logo is an https address or a path of the same host, and nothing that browsers read as another host', () => {
  for (const logo of ['/logo.svg', 'https://cdn.example.com/logo.png?v=2'])
    expect(faultsOf({ logo })).toEqual([])
  for (const logo of [
    'http://cdn.example.com/a.svg',
    '//cdn.example.com/a.svg',
    String.raw`/\cdn.example.com/a.svg`,
    'javascript:alert(1)',
    'data:image/svg+xml,x',
    'https://user:secret@example.com/a.svg',
    'logo.svg',
    '',
  ]) {
    expect(faultsOf({ logo })[0], logo).toContain('must be an https address')
  }
})

test('languages are known, named once, and there is one at least', () => {
  expect(pageSettings.parse({}).languages).toEqual(['en', 'ko', 'ja', 'es', 'de', 'fr'])
  expect(faultsOf({ languages: ['it'] })[0]).toContain('must be one of en, ko, ja, es, de, fr')
  expect(faultsOf({ languages: ['de', 'de'] })[0]).toContain('must not name a language twice')
  expect(faultsOf({ languages: [] })[0]).toContain('must not be empty')
  expect(faultsOf({ texts: { it: { heading: 'Ciao' } } })[0]).toContain('unknown setting "it"')
  expect(faultsOf({ languages: ['de', 'en'], texts: { de: { note: 'a' }, ko: { note: 'b' } } })).toEqual([
    'ROOMS.demo.page.texts.ko = {"note":"b"}: must be in a language of the page: languages are de, en',
  ])
})
