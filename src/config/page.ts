// The settings of a room's queue page: languages, colours, logo, own words. Part of `room.ts`.
// What could not be read is refused here, with the ratio that was measured: nobody finds out during the sale.

import { z } from 'zod'
import { contrast, ratioText, readableOn, SHAPE_CONTRAST, TEXT_CONTRAST, type Colour } from './contrast.ts'
import { LANGUAGES } from './languages.ts'

/** The page's own colours: a dark marquee and lamp light. Also written in edge/page/style/ground.css. */
export const OWN_BACKGROUND: Colour = '#17121f'
export const OWN_TEXT: Colour = '#f6f1fb'
export const OWN_ACCENT: Colour = '#ffc145'

const language = z.enum(LANGUAGES, `must be one of ${LANGUAGES.join(', ')}`)
const notColour = 'must be a colour such as "#17121f"'
const colour = z
  .string(notColour)
  .regex(/^#[0-9a-f]{6}$/i, notColour)
  .transform((value) => value.toLowerCase() as Colour)

const notLogo =
  'must be an https address such as "https://cdn.example.com/logo.svg", or a path of the room\'s own host'
const logo = z
  .string(notLogo)
  .max(500, 'must be at most 500 characters')
  .refine((value) => logoOrigin(value) !== undefined, notLogo)

/** What the policy of the page must allow for a logo: its origin, or `'self'`; undefined for what is no logo. */
export function logoOrigin(address: string): string | undefined {
  // Two slashes, and a backslash that browsers take for a slash, would lead to another host.
  if (/^\/(?![/\\])[^\s\\]*$/.test(address)) return "'self'"
  const url = URL.parse(address)
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url.origin : undefined
}

const words = z.strictObject({
  /** In place of the room's title. */
  heading: z.string().min(1).max(120).optional(),
  /** A sentence or two that always stand on the page. */
  note: z.string().max(500, 'must be at most 500 characters').optional(),
})

export const pageSettings = z
  .strictObject({
    /** Offered in this order to a browser that asks for none of them. */
    languages: z
      .array(language)
      .min(1)
      .refine((list) => new Set(list).size === list.length, 'must not name a language twice')
      .default([...LANGUAGES]),
    /** Lit bulbs, the main button, and the light when the turn comes. */
    accent: colour.default(OWN_ACCENT),
    /** Behind the position. */
    background: colour.default(OWN_BACKGROUND),
    /** On the background; chosen by itself where only the background is set. */
    text_colour: colour.optional(),
    logo: logo.optional(),
    texts: z.partialRecord(language, words).default({}),
  })
  .superRefine(({ languages, texts }, context) => {
    for (const language of LANGUAGES) {
      if (texts[language] === undefined || languages.includes(language)) continue
      context.addIssue({
        code: 'custom',
        path: ['texts', language],
        message: `must be in a language of the page: languages are ${languages.join(', ')}`,
      })
    }
  })
  .superRefine(({ accent, background, text_colour: text }, context) => {
    const textRatio = contrast(text ?? textOn(background), background)
    if (textRatio < TEXT_CONTRAST) {
      context.addIssue({
        code: 'custom',
        path: ['text_colour'],
        message: `has a contrast of ${ratioText(textRatio)} to the background ${background}; text needs at least ${TEXT_CONTRAST}:1`,
      })
    }
    const accentRatio = contrast(accent, background)
    if (accentRatio < SHAPE_CONTRAST) {
      context.addIssue({
        code: 'custom',
        path: [accent === OWN_ACCENT ? 'background' : 'accent'],
        message: `has a contrast of ${ratioText(accentRatio)} to the ${accent === OWN_ACCENT ? `accent ${accent}` : `background ${background}`}; the lit bulbs need at least ${SHAPE_CONTRAST}:1`,
      })
    }
  })
export type PageSettings = z.infer<typeof pageSettings>

/** The text colour where none is set. */
export const textOn = (background: Colour): Colour =>
  background === OWN_BACKGROUND ? OWN_TEXT : readableOn(background)
