// Which language a visitor reads, and its words, for the first paint and for browsers without script. The page's script
// brings its own language with it.

import type { Language } from '../src/config/languages.ts'
import { text as de } from './page/text/de.ts'
import { text as en } from './page/text/en.ts'
import { text as es } from './page/text/es.ts'
import { text as fr } from './page/text/fr.ts'
import { text as ja } from './page/text/ja.ts'
import { text as ko } from './page/text/ko.ts'
import type { Text } from './page/text/shape.ts'

export const TEXTS: Readonly<Record<Language, Text>> = { en, ko, ja, es, de, fr }

/** No browser asks for more; what comes after is not read. */
const MOST_RANGES = 20

/**
 * The offered language that an `Accept-Language` header wants most (RFC 9110, section 12.5.4): by weight, then by its own
 * order; `de-AT` is served by `de`. The first offered that it does not refuse where it wants none of them, or anything.
 */
export function chooseLanguage<Offered extends string>(
  header: string | null,
  offered: readonly [Offered, ...Offered[]],
): Offered {
  const ranges = (header ?? '').split(',', MOST_RANGES).map((range) => {
    const [tag = '', weight] = range.split(/\s*;\s*q\s*=\s*/i)
    return {
      primary: tag.trim().toLowerCase().split('-')[0],
      weight: weight === undefined ? 1 : Number(weight),
    }
  })
  const wanted = ranges.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight)
  const first =
    offered.find((language) => !ranges.some(({ primary, weight }) => primary === language && weight === 0)) ??
    offered[0]
  for (const { primary } of wanted) {
    const found = primary === '*' ? first : offered.find((language) => language === primary)
    if (found !== undefined) return found
  }
  return first
}
