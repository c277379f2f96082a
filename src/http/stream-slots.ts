// How many streams this isolate carries, for whom and for which address. A slot is a lease: the runtime may end a request
// without a word, and then nobody gives the slot back. Holds ids, addresses and times only, no request and no stream.

import type { VisitorId } from '../ids.ts'

export interface StreamSlot {
  readonly visitor: VisitorId
  /** As abuse limits count it; without one there is nothing to share by. */
  readonly address: string | undefined
}

/** A slot that was not kept for so long is free: its stream is dead, or its client has not read for as long. */
const LEASE_MS = 15_000
/** Streams of one visitor, such as tabs. One more ends the oldest, so that a client whose connection broke gets back in. */
const PER_VISITOR = 3
/** Ids are free, addresses less so: one alone cannot take all slots. A household or an office stays below; the rest polls. */
const PER_ADDRESS = 20

export class StreamSlots {
  readonly #limit: number
  /** Slot → when it was last kept (ms). Oldest first, as a Map keeps the order of insertion. */
  readonly #keptAtMs = new Map<StreamSlot, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** `undefined` where the isolate, or the address, has no more. */
  take({ visitor, address }: StreamSlot, nowMs: number): StreamSlot | undefined {
    for (const [slot, keptAtMs] of this.#keptAtMs) {
      if (nowMs - keptAtMs > LEASE_MS) this.#keptAtMs.delete(slot)
    }
    const own = [...this.#keptAtMs.keys()].filter((slot) => slot.visitor === visitor)
    const [oldest] = own
    if (oldest !== undefined && own.length >= PER_VISITOR) this.#keptAtMs.delete(oldest)
    if (this.#keptAtMs.size >= this.#limit) return undefined
    if (address !== undefined && this.#countOf(address) >= PER_ADDRESS) return undefined
    const slot = { visitor, address }
    this.#keptAtMs.set(slot, nowMs)
    return slot
  }

  #countOf(address: string): number {
    let count = 0
    for (const slot of this.#keptAtMs.keys()) if (slot.address === address) count += 1
    return count
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
