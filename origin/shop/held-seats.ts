// The life of one hold on the page: taken, counted down, extended, given up, ended; found again after a reload.
// Called by `performance-page.ts`, which shows what follows from it.

import { countDown, type Countdown } from './countdown.ts'
import { extendHold, findHold, type Hold, releaseHold, takeHold } from './hold.ts'
import { clock } from './money.ts'
import { notice, speak } from './notices.ts'
import { requestKey } from './request-key.ts'
import { en } from './text/en.ts'

export interface HeldSeats {
  current(): Hold | undefined
  /** Holds the seats; returns those that somebody else has taken, empty for any other outcome. */
  take(seats: readonly string[]): Promise<readonly string[]>
  /** The hold of before a reload, if it still lives. */
  restore(): Promise<void>
  extend(): Promise<void>
  /** Gives the seats up so that others can be chosen. */
  release(): Promise<void>
  /** What the server says is over, is over. */
  end(): void
}

const REFUSALS = {
  gone: en.holdEnded,
  no_answer: en.noAnswer,
  too_many: en.tooMany,
  refused: en.refused,
} as const

const TRIES = 3
const RETRY_MS = 700

export function createHeldSeats(
  performance: string,
  events: {
    held(hold: Hold): void
    tick(seconds: number): void
    /** `lost`: its time ran out. */
    freed(hold: Hold, lost: boolean): void
  },
): HeldSeats {
  const kept = `hold:${performance}`
  let hold: Hold | undefined
  let countdown: Countdown | undefined
  /** One key for one try at one set of seats: a lost answer finds the same hold. */
  let attempt: { readonly seats: string; readonly key: string } | undefined

  function begin(next: Hold): void {
    countdown?.stop()
    hold = next
    sessionStorage.setItem(kept, next.holdId)
    events.held(next)
    countdown = countDown(next.endsAtMs, {
      show: (seconds) => events.tick(seconds),
      speak: (seconds) => speak(en.timeLeft(seconds)),
      ended: () => stop(true),
    })
  }

  function stop(lost: boolean): void {
    if (hold === undefined) return
    countdown?.stop()
    sessionStorage.removeItem(kept)
    const over = hold
    hold = undefined
    if (lost) notice(en.holdEnded)
    events.freed(over, lost)
  }

  return {
    current: () => hold,
    async take(seats) {
      const asked = [...seats].toSorted().join()
      if (attempt?.seats !== asked) attempt = { seats: asked, key: requestKey() }
      let answer = await takeHold(performance, seats, attempt.key)
      // The seats may be held and only the answer lost: the same key finds that hold instead of a conflict with oneself.
      for (let again = 1; again < TRIES && answer.is === 'no_answer'; again += 1) {
        await new Promise((resolve) => setTimeout(resolve, again * RETRY_MS))
        answer = await takeHold(performance, seats, attempt.key)
      }
      // Only an unanswered try is the same try again.
      if (answer.is !== 'no_answer') attempt = undefined
      if (answer.is === 'taken') return answer.seats
      if (answer.is === 'held') begin(answer.hold)
      else notice(REFUSALS[answer.is])
      return []
    },
    async restore() {
      const id = sessionStorage.getItem(kept)
      if (id === null) return
      const found = await findHold(id)
      if (found === undefined) sessionStorage.removeItem(kept)
      else begin(found)
    },
    async extend() {
      if (hold === undefined) return
      const answer = await extendHold(hold.holdId)
      if (answer.is === 'gone') return stop(true)
      if (answer.is !== 'extended') return notice(REFUSALS[answer.is])
      const longer = answer.endsAtMs > hold.endsAtMs + 1_000
      begin({ ...hold, endsAtMs: answer.endsAtMs })
      const left = clock((answer.endsAtMs - Date.now()) / 1_000)
      return notice(longer ? en.extended(left) : en.atLimit)
    },
    async release() {
      if (hold === undefined) return
      if (await releaseHold(hold.holdId)) stop(false)
      else notice(en.noAnswer)
    },
    end: () => stop(true),
  }
}
