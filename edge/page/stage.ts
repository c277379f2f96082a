// What the queue page can be in, as plain data. Made by `waiting.ts`, shown by `view.ts`; no DOM and no clock here.

import type { Wait } from '../../src/queue/position.ts'

export type Stage =
  | 'joining'
  | 'waiting'
  | 'paused'
  | 'recovering'
  /** Called; the claim is on its way. */
  | 'called'
  /** Admitted; the shop is about to open. */
  | 'entering'
  /** The room was switched off: everybody may go in, and the shop is about to open. */
  | 'suspended'
  | 'missed'
  | 'sold_out'
  | 'closed'
  | 'left'
  /** The browser keeps no cookies, so no place can be kept either. */
  | 'cookies'

/** Everything the view needs to draw the page. */
export interface Shown {
  readonly stage: Stage
  /** Ahead plus one; never rises while one place is held. */
  readonly position: number | null
  /** Way from the first position seen to the front, 0 to 1. */
  readonly progress: number
  /** Expected wait in seconds; undefined where nothing is known of the pace. */
  readonly eta: Wait | undefined
  /** Shown only after a second failure in a row, since one lost request is nothing to worry about. */
  readonly trouble: 'none' | 'retrying' | 'offline' | 'not_left'
  /** When the position was last confirmed (ms since 1970). */
  readonly updatedAtMs: number | null
  readonly message: string
  /** First characters of the visitor's id, for a support desk. */
  readonly reference: string
}

/** Stages in which the visitor holds a place and the page goes on asking. */
export function holdsPlace(stage: Stage): boolean {
  return stage === 'waiting' || stage === 'paused' || stage === 'recovering'
}
