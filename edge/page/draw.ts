// The visitor's own draw, recomputed on the device from what the snapshot publishes. Pure but for SHA-256, which the
// browser offers on secure pages alone: elsewhere nothing can be checked, and the page says so.

import type { Draw } from './room-data.ts'
import type { KeptEntry } from './kept-entry.ts'
import type { Verdict } from './stage.ts'

/** Drawn places lie below it, and below every place by arrival. */
const DRAWN_BELOW = 2 ** 50
const HEX_DIGITS_OF_50_BITS = 13

export const isDrawn = (place: number): boolean => place <= DRAWN_BELOW

/** SHA-256 as hex; undefined where the browser does not offer it. */
async function sha256(text: string): Promise<string | undefined> {
  // Not there on http pages, whatever the types say.
  const subtle = crypto.subtle as SubtleCrypto | undefined
  if (subtle === undefined) return undefined
  const bytes = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** One more than the first 50 bits. */
export function placeFrom(value: string): number {
  // 13 digits are 52 bits: still exact in a number, and two too many.
  return Math.floor(Number.parseInt(value.slice(0, HEX_DIGITS_OF_50_BITS), 16) / 4) + 1
}

/** Undefined while the secret is unpublished, or where nothing can be computed. */
export async function drawValue(visitor: string, draw: Draw): Promise<string | undefined> {
  if (draw.secret === null) return undefined
  return await sha256(`${visitor}|${draw.secret}|${draw.head}|${draw.beacon ?? ''}`)
}

/**
 * `kept` is what this browser noted when it entered: a commitment that changed since proves nothing any more. Of the list
 * itself the page sees only its end: that it begins as it stood then can be told here where nobody entered since, or
 * where it became shorter; else only from the whole list.
 */
export async function judgeDraw(
  mine: { readonly visitor: string; readonly place: number },
  draw: Draw,
  kept: KeptEntry | undefined,
): Promise<Verdict> {
  const { visitor, place } = mine
  const value = await drawValue(visitor, draw)
  const commitment = draw.secret === null ? undefined : await sha256(draw.secret)
  if (value === undefined || draw.commitment === null) return { is: 'unchecked', value, place }
  const committed =
    commitment === draw.commitment && (kept?.commitment ?? draw.commitment) === draw.commitment
  const holds = committed && isListOf(draw, kept) && placeFrom(value) === place
  return { is: holds ? 'matches' : 'differs', value, place }
}

function isListOf({ entries, head }: Draw, kept: KeptEntry | undefined): boolean {
  if (kept === undefined || kept.head === '') return true
  return kept.entries < entries || (kept.entries === entries && kept.head === head)
}

/** So many may come back for their places in a second after a draw. */
const RETURNS_PER_SECOND = 5_000

/**
 * How long after the draw a page presents its entry: in the order of the draw itself, so that the front is there at once
 * and nobody is called before having come back, however many entered. Without a value, anywhere in that time.
 */
export function returnDelayMs(
  value: string | undefined,
  { entries, random }: { entries: number; random: number },
): number {
  const share = value === undefined ? random : placeFrom(value) / DRAWN_BELOW
  return Math.round(((share * entries) / RETURNS_PER_SECOND + random) * 1_000)
}
