// Lets requests that meet in one isolate share one Redis call (join, claim, renew, enter). The first entry of an empty
// batch leads exactly that batch: it waits the window, sends, and is done; batches may overlap, and a big one goes at
// once. No loop drains later batches, since the platform ends `waitUntil` work 30 s after the leader's response.
// Knows nothing of Redis.

import { Problem } from '../src/problem.ts'

/** Keeps work alive after the response, as `ExecutionContext.waitUntil` does. */
export type WaitUntil = (work: Promise<unknown>) => void

export interface CoalescerOptions {
  /** How long the first entry waits for others. */
  readonly windowMs: number
  /** How long one entry waits in all before it is answered 503; held by a timer of its own. */
  readonly deadlineMs: number
  /** A batch of so many is sent at once, by the entry that completes it: with 64, one more saves 0.1 % of the commands. */
  readonly bigBatch: number
  /** Calls under way beside which a big batch waits for its window: a Worker has six connections at once. */
  readonly maxEarlyCalls: number
  /** Entries in one call. */
  readonly maxBatch: number
  /** Entries waiting in the isolate, over all batches; beyond it new ones are answered 503 at once. */
  readonly maxWaiting: number
  /** From 0 to 1: spreads the repetitions of those who were refused. */
  readonly random: () => number
}

const DEFAULTS = {
  deadlineMs: 5_000,
  bigBatch: 64,
  maxEarlyCalls: 4,
  maxBatch: 500,
  maxWaiting: 5_000,
  random: Math.random,
} as const

/** After the window, another waiting request takes over a batch whose leader did not send it. */
const TAKEOVER_MS = 250
/** Whoever is refused comes again after 2 to 6 seconds. */
const RETRY_AFTER_SECONDS = { least: 2, spread: 5 } as const

interface Waiter<Entry, Outcome> {
  readonly entry: Entry
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

interface Batch<Entry, Outcome> {
  readonly waiters: Waiter<Entry, Outcome>[]
  readonly openedAtMs: number
  sent: boolean
}

export class Coalescer<Entry, Outcome> {
  readonly #flush: (entries: readonly Entry[]) => Promise<readonly Outcome[]>
  readonly #options: CoalescerOptions
  #open: Batch<Entry, Outcome> | undefined
  readonly #unanswered = new Set<Batch<Entry, Outcome>>()

  /** `flush` answers in the order of its entries; when it throws, its own batch fails and no other. */
  constructor(
    flush: (entries: readonly Entry[]) => Promise<readonly Outcome[]>,
    options: Partial<CoalescerOptions> & { windowMs: number },
  ) {
    this.#flush = flush
    this.#options = { ...DEFAULTS, ...options }
  }

  /** The outcome of this entry. Throws `Problem` busy when too many wait or the deadline passes; it may be repeated. */
  async add(entry: Entry, waitUntil: WaitUntil): Promise<Outcome> {
    const nowMs = Date.now()
    const { waiting, calls } = this.#countLoad(nowMs)
    if (waiting >= this.#options.maxWaiting) throw this.#busy()
    const batch = this.#open ?? this.#openBatch(nowMs)
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const size = batch.waiters.push({ entry, resolve, reject })
    // waitUntil: whoever sends a batch does so for the others too, even if its own client goes away.
    if (this.#goesNow(size, calls)) waitUntil(this.#send(batch))
    else if (size === 1) waitUntil(this.#lead(batch))
    // A timer of its own: the runtime ends a request as hung that waits for another's promise alone.
    const takeoverMs = this.#options.windowMs + TAKEOVER_MS
    let timer = setTimeout(() => {
      if (!batch.sent) waitUntil(this.#send(batch))
      timer = setTimeout(() => reject(this.#busy()), Math.max(0, this.#options.deadlineMs - takeoverMs))
    }, takeoverMs)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #openBatch(openedAtMs: number): Batch<Entry, Outcome> {
    const batch = { waiters: [], openedAtMs, sent: false }
    this.#open = batch
    this.#unanswered.add(batch)
    return batch
  }

  /**
   * Counted by batch, not by waiter: the platform may end a request whose client went away before it has counted itself
   * out. A batch whose sender was ended is forgotten once the last of its entries has been told to come again.
   */
  #countLoad(nowMs: number): { waiting: number; calls: number } {
    const lifeMs = this.#options.windowMs + TAKEOVER_MS + this.#options.deadlineMs
    let waiting = 0
    let calls = 0
    for (const batch of this.#unanswered) {
      if (nowMs - batch.openedAtMs > lifeMs) {
        this.#unanswered.delete(batch)
        continue
      }
      waiting += batch.waiters.length
      if (batch.sent) calls += 1
    }
    return { waiting, calls }
  }

  #goesNow(size: number, calls: number): boolean {
    const { bigBatch, maxEarlyCalls, maxBatch } = this.#options
    return size >= maxBatch || (size >= bigBatch && calls < maxEarlyCalls)
  }

  async #lead(batch: Batch<Entry, Outcome>): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#options.windowMs))
    await this.#send(batch)
  }

  async #send(batch: Batch<Entry, Outcome>): Promise<void> {
    if (batch.sent) return
    batch.sent = true
    if (this.#open === batch) this.#open = undefined
    try {
      const outcomes = await this.#flush(batch.waiters.map(({ entry }) => entry))
      for (const [index, { resolve, reject }] of batch.waiters.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined) reject(new Error('a batch came back with fewer outcomes than entries'))
        else resolve(outcome)
      }
    } catch (error) {
      for (const { reject } of batch.waiters) reject(error)
    } finally {
      this.#unanswered.delete(batch)
    }
  }

  #busy(): Problem {
    const { least, spread } = RETRY_AFTER_SECONDS
    return new Problem('busy', {
      detail: 'Too many requests are being answered at this moment; the same request may be repeated.',
      retryAfterSeconds: least + Math.floor(this.#options.random() * spread),
    })
  }
}
