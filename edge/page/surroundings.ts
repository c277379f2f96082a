// What the loop of the page stands on, and what it offers: the seam between `waiting.ts` and the browser (`queue.ts`).
// A test puts its own network, clock and screen here.

import type { JoinKey } from './join-key.ts'
import type { EntryNote } from './kept-entry.ts'
import type { Line } from './line.ts'
import type { MissedCall } from './missed-call.ts'
import type { ServerClock } from './server-clock.ts'
import type { Shown } from './stage.ts'
import type { Tabs } from './tabs.ts'

export interface Surroundings {
  readonly line: Line
  readonly key: JoinKey
  readonly note: EntryNote
  readonly missedCall: MissedCall
  readonly tabs: Tabs
  readonly clock: ServerClock
  show(shown: Shown): void
  /** Opens the address first asked for: with a pass in the cookie by now, or without where the room is switched off. */
  enter(by: 'pass' | 'suspension'): void
  /** This page came back right after it had entered; the next try without a pass is then a slow one. */
  readonly returned: boolean
  nowMs(): number
  /** 0 to 1. */
  random(): number
  hidden(): boolean
  online(): boolean
  /** Calls back once; returns the cancel. */
  after(waitMs: number, callback: () => void): () => void
}

export interface Waiting {
  /** Asks at once: the tab is seen again, restored, or back online. */
  wake(): void
  /** Gives the place up; false when that could not be told to anybody. */
  leave(): Promise<boolean>
  /** The visitor's own button: joins anew after a missed call or a leave, looks again otherwise. */
  again(): Promise<void>
}
