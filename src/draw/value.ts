// What the draw gives to one entry: a hash that nobody could know before the entries closed, and the place that follows.
// Used by the edge, by `npm run verify-draw` and by the queue page: needs nothing but
// the WebCrypto of all three.

import { sha256 } from './sha256.ts'

/** What the value of every entry of a draw depends on, beside the visitor. All lower-case hex. */
export interface DrawInputs {
  /** Published when the draw is complete; its SHA-256 was public before the first entry. */
  readonly secret: string
  /** SHA-256 of the whole entry file. */
  readonly head: string
  /** Randomness of the beacon's round; `null` for a draw without a beacon. */
  readonly beacon: string | null
}

/** Drawn places are 1 to 2^50; every clock has been above that since 2005. */
export const LARGEST_DRAWN_PLACE = 2 ** 50

/** SHA-256 of `<visitor>|<secret>|<head>|<beacon>` as 64 hex digits; the last part is empty without a beacon. */
export function drawValue(visitor: string, { secret, head, beacon }: DrawInputs): Promise<string> {
  return sha256(`${visitor}|${secret}|${head}|${beacon ?? ''}`)
}

/** One more than the first 50 bits of a value: entries stand in this order, and two of the same place by id. */
export function drawnPlace(value: string): number {
  // 13 hex digits are 52 bits, which a number holds exactly; the last two are cut off.
  return 1 + Math.floor(Number.parseInt(value.slice(0, 13), 16) / 4)
}

/** Whether a place was drawn. All others are times in microseconds; 0 is no place. */
export const isDrawn = (place: number): boolean => place > 0 && place <= LARGEST_DRAWN_PLACE
