// What the queue page can be in, as plain data. Made by `waiting.ts`, shown by `view.ts`; no DOM and no clock here.

import type { Wait } from '../../src/queue/position.ts'
import type { Draw, Entry } from './room-data.ts'

export type Stage =
  | 'joining'
  /** Nobody may join yet; the page joins by itself when it opens. */
  | 'idle'
  /** A place by arrival, before the sale opens. */
  | 'prequeue'
  /** An entry in a draw that is still to come. */
  | 'entered'
  | 'drawing'
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

/** When the room opens and ends, as the snapshot says (ms since 1970). */
export interface Times {
  readonly prequeueAt: number | null
  readonly startsAt: number | null
  readonly endsAt: number | null
}

/** What a complete draw makes of the visitor on this device; `value` in hex, where it could be computed. */
export interface Verdict {
  readonly is: 'matches' | 'differs' | 'unchecked'
  readonly value: string | undefined
  readonly place: number
}

/** Everything the view needs to draw the page. */
export interface Shown extends Times {
  readonly stage: Stage
  /** Ahead plus one; never rises while one place is held in one epoch. Null while it would be wrong. */
  readonly position: number | null
  /** Back at the front after a missed call: the one late return. */
  readonly late: boolean
  /** Way from the first position seen to the front, 0 to 1. */
  readonly progress: number
  /** Expected wait in seconds; undefined where nothing is known of the pace. */
  readonly eta: Wait | undefined
  /**
   * Shown only after a second failure in a row, since one lost request is nothing to worry about. `old`: the edge answers
   * with what it knew before it lost its store.
   */
  readonly trouble: 'none' | 'retrying' | 'offline' | 'not_left' | 'old'
  /** When what is shown was true (ms since 1970, by this device). */
  readonly updatedAtMs: number | null
  readonly message: string
  /** The visitor's id; its first characters serve a support desk. */
  readonly visitor: string
  /** The draw of this room, the visitor's entry in it, and what this device makes of its result. */
  readonly draw: Draw | null
  readonly entry: Entry | undefined
  readonly verdict: Verdict | undefined
}

/** What a page shows before it has asked anybody. */
export const NOTHING_SHOWN: Omit<Shown, 'stage' | 'message'> = {
  position: null,
  late: false,
  progress: 0,
  eta: undefined,
  trouble: 'none',
  updatedAtMs: null,
  visitor: '',
  prequeueAt: null,
  startsAt: null,
  endsAt: null,
  draw: null,
  entry: undefined,
  verdict: undefined,
}

const HOLDING: readonly Stage[] = ['prequeue', 'entered', 'drawing', 'waiting', 'paused', 'recovering']

/** The visitor holds a place or an entry, and the page goes on asking. */
export function holdsPlace({ stage, position }: Pick<Shown, 'stage' | 'position'>): boolean {
  return HOLDING.includes(stage) || (stage === 'sold_out' && position !== null)
}

/** The time that a stage counts down to, if it counts down to any. */
export function countsDownTo({ stage, prequeueAt, startsAt }: Shown): number | null {
  if (stage === 'idle') return prequeueAt ?? startsAt
  return stage === 'prequeue' || stage === 'entered' ? startsAt : null
}
