// A room's own colours as the custom properties of the page's styles (page/style/ground.css). Pure; the settings are
// validated, so nothing but colours can come out. What is derived stays readable on what was set.

import { contrast, mix, readableOn, TEXT_CONTRAST, type Colour } from '../src/config/contrast.ts'
import { OWN_ACCENT, OWN_BACKGROUND, textOn, type PageSettings } from '../src/config/page.ts'

/** The rules, or undefined where a room keeps the page's own colours. */
export function colourRules(settings: PageSettings): string | undefined {
  const { accent, background, text_colour: chosen } = settings
  const text = chosen ?? textOn(background)
  if (accent === OWN_ACCENT && background === OWN_BACKGROUND && text === textOn(background)) return undefined
  const readable = (colour: Colour, on: Colour): boolean => contrast(colour, on) >= TEXT_CONTRAST
  const softer = mix(text, background, 0.2)
  const quiet = readable(softer, background) ? softer : text
  // The light at the foot of the marquee lies under text.
  const light = mix(background, accent, 0.25)
  const glow = readable(text, light) && readable(quiet, light) ? light : background
  const properties: Readonly<Record<string, Colour>> = {
    night: background,
    'night-text': text,
    'night-quiet': quiet,
    bulb: mix(text, background, 0.45),
    lamp: accent,
    'lamp-text': readableOn(accent),
    glow,
    'glow-edge': mix(glow, background, 0.5),
  }
  return `:root{${Object.entries(properties)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')}}`
}
