// Every language says everything, and the one that a browser asks for is the one it gets.

import { describe, expect, test } from 'vitest'
import { measuresIn, waitIn } from '../../../edge/page/measures.ts'
import { chooseLanguage, TEXTS } from '../../../edge/texts.ts'
import { directionOf, LANGUAGES, type Language } from '../../../src/config/languages.ts'

const ALL = [...LANGUAGES] as [Language, ...Language[]]

test.each([
  ['ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7', 'ko'],
  ['en;q=0.7, fr ; q = 0.9', 'fr'],
  ['de-AT', 'de'],
  ['DE-at', 'de'],
  ['nl, pt;q=0.9, es;q=0.2', 'es'],
  ['nl', 'en'],
  ['*', 'en'],
  ['fr;q=0, *', 'en'],
  ['en;q=0, *', 'ko'],
  ['nl, en;q=0.0', 'ko'],
  ['de;q=0, de-AT;q=0.3', 'de'],
  ['nl, *;q=0.1', 'en'],
  ['', 'en'],
  [null, 'en'],
  [';;,,q=1;q=x', 'en'],
])('Accept-Language %j is answered in %s', (header, language) => {
  expect(chooseLanguage(header, ALL)).toBe(language)
})

test('a room offers its own languages alone, the first of them to a browser that asks for none', () => {
  expect(chooseLanguage('ko', ['de', 'fr'])).toBe('de')
  expect(chooseLanguage('ko, fr;q=0.1', ['de', 'fr'])).toBe('fr')
})

test('a language written from right to left would be set so', () => {
  expect(directionOf('ar-EG')).toBe('rtl')
  expect(LANGUAGES.map(directionOf)).toEqual(LANGUAGES.map(() => 'ltr'))
})

/** Every sentence of a text under its path; functions are given words that must appear again. */
function sentencesOf(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value === 'function') return [[path, String(value('‹1›', '‹2›'))]]
  return Object.entries(Object(value)).flatMap(([key, inner]) => sentencesOf(inner, `${path}.${key}`))
}

describe.each(LANGUAGES)('%s', (language) => {
  const text = TEXTS[language]
  const sentences = new Map(sentencesOf(text))

  test('says what English says, in words of its own', () => {
    const english = new Map(sentencesOf(TEXTS.en))
    expect(text.language).toBe(language)
    expect([...sentences.keys()].toSorted()).toEqual([...english.keys()].toSorted())
    for (const [path, sentence] of sentences) {
      const original = english.get(path) ?? ''
      expect(sentence === '', `${path} is empty only where English is`).toBe(original === '')
      for (const given of ['‹1›', '‹2›']) {
        expect(sentence.includes(given), `${path} uses ${given}`).toBe(original.includes(given))
      }
      // A German draw is the French Position too: short words may agree, sentences may not.
      if (language !== 'en' && original.length > 20) expect(sentence, path).not.toBe(original)
    }
  })

  test('counts in its own plurals', () => {
    const measures = measuresIn(language)
    expect(waitIn(text, measures, { low: 120, high: 170 })).toContain(measures.duration(3, 'minute'))
    expect(waitIn(text, measures, undefined)).toBeUndefined()
  })
})

test.each([
  ['en', 'About 2 to 3 minutes'],
  ['de', 'Etwa 2 bis 3 Minuten'],
  ['fr', 'Environ 2 à 3 minutes'],
  ['es', 'Entre 2 y 3 minutos'],
  ['ko', '약 2~3분'],
  ['ja', '約2〜3 分'],
] as const)('a wait in %s reads "%s"', (language, words) => {
  const said = waitIn(TEXTS[language], measuresIn(language), { low: 121, high: 170 })
  expect(said?.replaceAll(/\s/g, ' ')).toBe(words)
})
