// Colours as `#rrggbb`, and whether they can be told apart (WCAG 2.2, contrast ratio). Used by the settings of the page,
// which refuse what cannot be read, and by the edge, which derives the page's other colours. Pure.

/** `#rrggbb`, lower case. */
export type Colour = `#${string}`

export const BLACK: Colour = '#000000'
export const WHITE: Colour = '#ffffff'

/** Least ratio for text (1.4.3) and for shapes that carry meaning (1.4.11). */
export const TEXT_CONTRAST = 4.5
export const SHAPE_CONTRAST = 3

const channels = (colour: Colour): readonly number[] =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))

function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
    const share = channel / 255
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** From 1 (the same) to 21 (black on white). */
export function contrast(a: Colour, b: Colour): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}

/** Never above the true value, so that a ratio just under a limit is not shown as the limit. */
export const ratioText = (ratio: number): string => `${Math.floor(ratio * 100) / 100}:1`

/** `share` of the second colour in the first. */
export function mix(a: Colour, b: Colour, share: number): Colour {
  const others = channels(b)
  const mixed = channels(a).map((channel, i) => Math.round(channel + ((others[i] ?? 0) - channel) * share))
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Black or white, whichever reads better; one of the two always has more than 4.5:1. */
export const readableOn = (background: Colour): Colour =>
  contrast(WHITE, background) >= contrast(BLACK, background) ? WHITE : BLACK
