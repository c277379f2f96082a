// Speaks through the page's one live region: a new stage, a position worth saying, a changed message, a countdown.
// Called by `view.ts` with each state and each tick. What follows at once is added to what was said: the region speaks only
// its last words, and a reader may not have begun with them.

import { secondsToSay, worthSaying } from './announce.ts'
import type { Measures } from './measures.ts'
import { holdsPlace, type Shown, type Stage } from './stage.ts'
import type { Text } from './text/shape.ts'

export interface Speech {
  /** `wait` and `detail` as they are written: a detail belongs to a stage and is spoken with it. */
  say(shown: Shown, written: { wait: string; detail: string }): void
  countdown(target: number, leftMs: number): void
}

/** Within this time a reader may not have begun. */
const AT_ONCE_MS = 200

export function openSpeech(
  region: HTMLElement,
  {
    text,
    measures,
    message,
    nowMs,
  }: { text: Text; measures: Measures; message: string; nowMs: () => number },
): Speech {
  let lastStage: Stage | undefined
  let lastSaid: number | undefined
  // The first one is read with the page.
  let lastMessage = message
  let counted: { readonly target: number; readonly leftMs: number } | undefined

  let lastLate = false
  let spokenAtMs = Number.NEGATIVE_INFINITY

  function speak(words: readonly string[]): void {
    // A soft hyphen is for the eye.
    const spoken = words
      .filter((part) => part !== '')
      .join(' ')
      .replaceAll('\u00ad', '')
    if (spoken === '') return
    const before = nowMs() - spokenAtMs < AT_ONCE_MS ? `${region.textContent ?? ''} ` : ''
    region.textContent = before + spoken
    spokenAtMs = nowMs()
  }

  return {
    say(shown, { wait, detail }) {
      const { stage, position } = shown
      const words: string[] = []
      const isNew = stage !== lastStage
      const isPlain = stage === 'joining' || stage === 'waiting'
      if (isNew && !isPlain) words.push(`${text.stage[stage]}.`, detail)
      if (shown.late && !lastLate && isPlain) words.push(text.lateReturn)
      lastLate = shown.late
      if (
        position !== null &&
        holdsPlace(shown) &&
        (worthSaying(position, lastSaid) || (isNew && stage === 'waiting'))
      ) {
        words.push(text.spokenPosition(measures.number(position)))
        if (wait !== '') words.push(`${wait}.`)
        lastSaid = position
      }
      if (shown.message !== lastMessage) words.push(shown.message)
      lastMessage = shown.message
      lastStage = stage
      speak(words)
    },
    countdown(target, leftMs) {
      const before = counted?.target === target ? counted.leftMs : undefined
      const seconds = secondsToSay(leftMs, before)
      counted = { target, leftMs }
      if (seconds === undefined) return
      const duration =
        seconds < 60 ? measures.duration(seconds, 'second') : measures.duration(seconds / 60, 'minute')
      speak([text.opening.spoken(duration)])
    },
  }
}
