// Lets requests that meet in one isolate share one Redis call (join, claim, renew, enter). The first entry of an empty
// batch leads exactly that batch: it waits the window, sends, and is done; batches may overlap. No loop drains later
// batches, since the platform ends `waitUntil` work 30 s after the leader's response. Knows nothing of Redis.

import { Problem } from '../src/problem.ts'

/** Keeps work alive after the response, as `ExecutionContext.waitUntil` does. */
export type WaitUntil = (work: Promise<unknown>) => void

export interface CoalescerOptions {
  /** How long the first entry waits for others. */
  readonly windowMs: number
  /** How long one entry waits in all before it is answered 503; held by a timer of its own. */
  readonly deadlineMs: number
  /** Entries in one call. */
  readonly maxBatch: number
  /** Entries waiting in the isolate, over all batches; beyond it new ones are answered 503 at once. */
  readonly maxWaiting: number
}

/** After the window, another waiting request takes over a batch whose leader did not send it. */
const TAKEOVER_MS = 250

interface Waiter<Entry, Outcome> {
  readonly entry: Entry
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

interface Batch<Entry, Outcome> {
  readonly waiters: Waiter<Entry, Outcome>[]
  sent: boolean
}

export class Coalescer<Entry, Outcome> {
  readonly #flush: (entries: readonly Entry[]) => Promise<readonly Outcome[]>
  readonly #options: CoalescerOptions
  #open: Batch<Entry, Outcome> | undefined
  #waiting = 0

  /** `flush` answers in the order of its entries; when it throws, its own batch fails and no other. */
  constructor(
    flush: (entries: readonly Entry[]) => Promise<readonly Outcome[]>,
    options: Partial<CoalescerOptions> & { windowMs: number },
  ) {
    this.#flush = flush
    this.#options = { deadlineMs: 5_000, maxBatch: 500, maxWaiting: 5_000, ...options }
  }

  /** The outcome of this entry. Throws `Problem` busy when too many wait or the deadline passes. */
  async add(entry: Entry, waitUntil: WaitUntil): Promise<Outcome> {
    if (this.#waiting >= this.#options.maxWaiting) throw busy()
    const batch = this.#open ?? { waiters: [], sent: false }
    const leads = batch.waiters.length === 0
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    batch.waiters.push({ entry, resolve, reject })
    this.#open = batch.waiters.length >= this.#options.maxBatch ? undefined : batch
    this.#waiting += 1
    try {
      // waitUntil: a leader whose own client goes away still sends what the others wait for.
      if (leads) waitUntil(this.#lead(batch))
      return await this.#outcomeOf(promise, batch, waitUntil)
    } finally {
      this.#waiting -= 1
    }
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
    }
  }

  /** Waits with a timer of its own: the runtime ends a request as hung that waits for another's promise alone. */
  async #outcomeOf(
    promise: Promise<Outcome>,
    batch: Batch<Entry, Outcome>,
    waitUntil: WaitUntil,
  ): Promise<Outcome> {
    const takeoverMs = this.#options.windowMs + TAKEOVER_MS
    const deadline = Promise.withResolvers<never>()
    let timer = setTimeout(() => {
      if (!batch.sent) waitUntil(this.#send(batch))
      timer = setTimeout(() => deadline.reject(busy()), Math.max(0, this.#options.deadlineMs - takeoverMs))
    }, takeoverMs)
    try {
      return await Promise.race([promise, deadline.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

const busy = () =>
  new Problem('busy', {
    detail: 'Too many requests are being answered at this moment; the same request may be repeated.',
    retryAfterSeconds: 2,
  })
