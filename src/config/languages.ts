// The languages of the queue page: which there are, and which way each is written. Read by the settings and by the edge.
// A language is added here, as a file in edge/page/text, and in edge/texts.ts; the types then name what is missing.

export const LANGUAGES = ['en', 'ko', 'ja', 'es', 'de', 'fr'] as const
export type Language = (typeof LANGUAGES)[number]

/** Languages written from right to left, also those that have no file yet: the page's styles are ready for them. */
const RIGHT_TO_LEFT: readonly string[] = ['ar', 'dv', 'fa', 'he', 'ps', 'ug', 'ur', 'yi']

/** Value of the `dir` attribute for a BCP 47 tag. */
export function directionOf(tag: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.includes(tag.toLowerCase().split('-')[0] ?? '') ? 'rtl' : 'ltr'
}
