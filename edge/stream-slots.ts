// How many streams this isolate carries, and for whom. A slot is a lease: the runtime may end a request without a word,
// and then nobody gives the slot back. Holds ids and times only, no request and no stream.

import type { VisitorId } from '../src/ids.ts'

export interface StreamSlot {
  readonly visitor: VisitorId
}

/** A slot that was not kept for so long is free: its stream is dead, or its client has not read for as long. */
const LEASE_MS = 15_000
/** Streams of one visitor, such as tabs. One more ends the oldest, so that a client whose connection broke gets back in. */
const PER_VISITOR = 3

export class StreamSlots {
  readonly #limit: number
  /** Slot → when it was last kept (ms). Oldest first, as a Map keeps the order of insertion. */
  readonly #keptAtMs = new Map<StreamSlot, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** `undefined` where the isolate has no more. */
  take(visitor: VisitorId, nowMs: number): StreamSlot | undefined {
    for (const [slot, keptAtMs] of this.#keptAtMs) {
      if (nowMs - keptAtMs > LEASE_MS) this.#keptAtMs.delete(slot)
    }
    const own = [...this.#keptAtMs.keys()].filter((slot) => slot.visitor === visitor)
    const [oldest] = own
    if (oldest !== undefined && own.length >= PER_VISITOR) this.#keptAtMs.delete(oldest)
    if (this.#keptAtMs.size >= this.#limit) return undefined
    const slot = { visitor }
    this.#keptAtMs.set(slot, nowMs)
    return slot
  }

  /** False where the slot was lost; its stream ends then. */
  keep(slot: StreamSlot, nowMs: number): boolean {
    if (!this.#keptAtMs.has(slot)) return false
    this.#keptAtMs.set(slot, nowMs)
    return true
  }

  /** Safe to repeat. */
  release(slot: StreamSlot): void {
    this.#keptAtMs.delete(slot)
  }
}
