// The life of one hold on the page: taken, counted down, extended, given up, ended; found again after a reload and in
// another tab.
// Called by `performance-page.ts`, which shows what follows from it.

import { countDown, type Countdown } from './countdown.ts'
import {
  type Asked,
  extendHold,
  findHold,
  type Hold,
  type HoldAnswer,
  type Refusal,
  releaseHold,
  takeHold,
} from './hold.ts'
import { forgetHold, keepHold, keptHold, keptOrder } from './kept.ts'
import { clock } from './money.ts'
import { notice, speak } from './notices.ts'
import { requestKey } from './request-key.ts'
import { en } from './text/en.ts'

export interface HeldSeats {
  current(): Hold | undefined
  /** Holds seats or places; returns the seats that somebody else has taken, empty for any other outcome. */
  take(asked: Asked): Promise<readonly string[]>
  /** The hold of before a reload or of another tab, if it still lives. */
  restore(): Promise<void>
  extend(): Promise<void>
  /** Gives the seats up so that others can be chosen. */
  release(): Promise<void>
  /**
   * Holds the same seats anew, free of the order that was made of them; false, with a word, where that cannot be. Between
   * the two holds lies one round trip, in which somebody else may take a seat.
   */
  renew(): Promise<boolean>
  /** What the server says is over, is over. */
  end(): void
}

function wordsOf(refusal: Refusal): string {
  if (refusal.is === 'refused') return refusal.words
  return refusal.is === 'gone' ? en.holdEnded : en.noAnswer
}

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
  let hold: Hold | undefined
  let countdown: Countdown | undefined
  /** One key for one try at one set of seats: a lost answer finds the same hold. */
  let attempt: { readonly asked: string; readonly key: string } | undefined

  function begin(next: Hold): void {
    countdown?.stop()
    hold = next
    keepHold(performance, next.holdId, next.endsAtMs)
    notice('')
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
    const over = hold
    hold = undefined
    forgetHold(performance, over.holdId)
    events.freed(over, lost)
    notice(lost ? en.holdEnded : '')
  }

  async function ask(wanted: Asked): Promise<HoldAnswer> {
    const asked = JSON.stringify(wanted)
    if (attempt?.asked !== asked) attempt = { asked, key: requestKey() }
    let answer = await takeHold(performance, wanted, attempt.key)
    // The seats may be held and only the answer lost: the same key finds that hold instead of a conflict with oneself.
    for (let again = 1; again < TRIES && answer.is === 'no_answer'; again += 1) {
      await new Promise((resolve) => setTimeout(resolve, again * RETRY_MS))
      answer = await takeHold(performance, wanted, attempt.key)
    }
    // Only an unanswered try is the same try again.
    if (answer.is !== 'no_answer') attempt = undefined
    return answer
  }

  /** True where the seats are given back; otherwise says why not, or goes to the order that is being paid. */
  async function giveBack(holdId: string): Promise<boolean> {
    const answer = await releaseHold(holdId)
    if (answer.is === 'released' || answer.is === 'gone') return true
    const orderId = keptOrder(holdId)
    if (answer.is !== 'ordered') notice(wordsOf(answer))
    else if (orderId === '') notice(en.orderPaying)
    else location.assign(`/orders/${encodeURIComponent(orderId)}`)
    return false
  }

  return {
    current: () => hold,
    async take(asked) {
      const answer = await ask(asked)
      if (answer.is === 'taken') return answer.seats
      if (answer.is === 'held') begin(answer.hold)
      else notice(wordsOf(answer))
      return []
    },
    async restore() {
      const id = keptHold(performance)
      if (id === undefined) return
      const found = await findHold(id)
      if (found === undefined) forgetHold(performance, id)
      else begin(found)
    },
    async extend() {
      if (hold === undefined) return
      const answer = await extendHold(hold.holdId)
      if (answer.is === 'gone') return stop(true)
      if (answer.is !== 'extended') return notice(wordsOf(answer))
      const longer = answer.endsAtMs > hold.endsAtMs + 1_000
      begin({ ...hold, endsAtMs: answer.endsAtMs })
      const left = clock((answer.endsAtMs - Date.now()) / 1_000)
      return notice(longer ? en.extended(left) : en.atLimit)
    },
    async release() {
      if (hold === undefined) return
      if (await giveBack(hold.holdId)) stop(false)
    },
    async renew() {
      const before = hold
      if (before === undefined || !(await giveBack(before.holdId))) return false
      // They were theirs a moment ago, those that are kept for who needs them too.
      const answer = await ask({ seats: before.seats.map(({ id }) => id), accessible: true })
      if (answer.is === 'held') {
        begin(answer.hold)
        return true
      }
      stop(false)
      notice(answer.is === 'taken' ? en.renewTaken : wordsOf(answer))
      return false
    },
    end: () => stop(true),
  }
}
