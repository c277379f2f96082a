// What every language says, as one shape: a file per language fills it, and the types find what is missing.
// Numbers, durations and times come in already written (measures.ts), so a language decides only about its words.

import type { Stage } from '../stage.ts'

/** What is asked before a place, or an entry in a draw, is given up. */
export interface Leaving {
  readonly button: string
  readonly title: string
  readonly text: string
}

export interface Text {
  /** BCP 47. */
  readonly language: string
  /** What each stage is called, in the largest words of the page. */
  readonly stage: Readonly<Record<Stage, string>>
  /** One or two sentences under it; empty where the number says enough. */
  readonly detail: Readonly<Record<Stage, string>>
  /** For one who is back at the front, once, after a missed call. */
  readonly lateReturn: string
  /** For one who keeps a place while nothing is left; `detail` is for one who has none. */
  readonly soldOutKept: string
  /** The button that a stage without a place offers. */
  readonly again: Readonly<Partial<Record<Stage, string>>>
  readonly wait: {
    /** Before the first calls there is no pace to reckon with. */
    readonly unknown: string
    readonly underAMinute: string
    readonly upTo: (duration: string) => string
    readonly about: (duration: string) => string
    /** `low` is a bare number, `high` a duration of the same unit. */
    readonly between: (low: string, high: string) => string
    readonly moreThan: (duration: string) => string
  }
  readonly opening: {
    /** Stand above a clock that counts down. */
    readonly lineIn: string
    readonly saleIn: string
    /** With the clock in the sentence. */
    readonly saleOpensIn: (clock: string) => string
    readonly drawBeginsIn: (clock: string) => string
    /** The clock has run out and the news is on its way. */
    readonly now: string
    readonly lineOpens: (time: string) => string
    readonly saleOpens: (time: string) => string
    readonly ended: (time: string) => string
    readonly spoken: (duration: string) => string
  }
  readonly draw: {
    readonly entry: (number: string, entries: string) => string
    readonly title: string
    /** Before the pre-queue opens. */
    readonly early: string
    readonly how: readonly string[]
    readonly beacon: (round: string) => string
    readonly noBeacon: string
    readonly afterwards: string
    /** Link to the public document of the draw. */
    readonly published: string
    /** After the draw. */
    readonly resultTitle: string
    readonly matches: string
    readonly differs: string
    readonly unchecked: string
    /** What the check on the device covers, and what not. */
    readonly covers: string
    readonly beaconUsed: string
    readonly operatorKnew: string
    readonly labels: {
      readonly entry: string
      readonly visitor: string
      readonly commitment: string
      readonly headThen: string
      readonly head: string
      readonly entries: string
      readonly secret: string
      readonly beacon: string
      readonly beaconAddress: string
      readonly drawn: string
      /** The drawn place: orders, but counts nobody. */
      readonly place: string
    }
  }
  readonly title: (position: string, title: string) => string
  readonly titleCalled: string
  readonly updatedNow: string
  /** `ago` as in "40 seconds ago". */
  readonly updated: (ago: string) => string
  readonly progress: string
  readonly trouble: string
  readonly troubleBefore: string
  /** While the store is lost and an older copy is shown. */
  readonly old: string
  readonly offline: string
  readonly notLeft: string
  readonly nextTitle: string
  readonly next: {
    readonly open: string
    readonly keptPlace: string
    readonly keptEntry: string
    readonly turn: (duration: string) => string
    /** After `turn`, where one late return is allowed. */
    readonly late: (duration: string) => string
  }
  readonly leavePlace: Leaving
  readonly leaveDraw: Leaving
  readonly stay: string
  readonly go: string
  readonly reference: (visitor: string) => string
  readonly spokenPosition: (position: string) => string
  /** Without script: the server's own words. */
  readonly first: {
    /** In place of a room's title, where none is set. */
    readonly heading: string
    readonly join: string
    readonly joinButton: string
    readonly enterDraw: string
    readonly enterDrawButton: string
    readonly byHand: string
    readonly needsScript: string
    /** Also with script: the visit to the shop is over, after a purchase or by time. */
    readonly ended: string
    readonly lookAgain: string
    readonly storeDown: string
  }
}
