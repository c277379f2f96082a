// The visitor's part in a draw as the loop lives it: notes the entry, spreads the return when the draw is done, and judges
// the result once. Started by `waiting.ts` for each page; asks nobody anything.

import { drawValue, isDrawn, judgeDraw, returnDelayMs } from './draw.ts'
import type { EntryNote } from './kept-entry.ts'
import type { Held, Snapshot } from './room-data.ts'
import type { Verdict } from './stage.ts'

export interface OwnDraw {
  noteEntry(mine: Held, snapshot: Snapshot): void
  /** How long until this page presents its entry; 0 or less when it is time. Fixed at the first call for an epoch. */
  returnsInMs(mine: Held, snapshot: Snapshot): Promise<number>
  /** Undefined for a place that no draw gave. */
  verdictOn(mine: Held, snapshot: Snapshot): Promise<Verdict | undefined>
}

export function startOwnDraw(note: EntryNote, steady: { nowMs(): number; random(): number }): OwnDraw {
  let returnAt: { readonly epoch: number; readonly atMs: number } | undefined
  let verdict: Verdict | undefined
  return {
    noteEntry({ entry, visitor, epoch }, { draw }) {
      if (entry !== undefined) note.note({ ...entry, visitor, commitment: draw?.commitment ?? null, epoch })
    },
    async returnsInMs({ visitor }, { epoch, draw }) {
      if (returnAt?.epoch !== epoch) {
        const value = draw === null ? undefined : await drawValue(visitor, draw)
        const spread = { entries: draw?.entries ?? 0, random: steady.random() }
        returnAt = { epoch, atMs: steady.nowMs() + returnDelayMs(value, spread) }
      }
      return returnAt.atMs - steady.nowMs()
    },
    async verdictOn({ visitor, place, entry }, { draw }) {
      if (entry !== undefined || draw?.complete !== true || !isDrawn(place)) return undefined
      if (verdict?.place !== place) verdict = await judgeDraw({ visitor, place }, draw, note.of(visitor))
      return verdict
    },
  }
}
