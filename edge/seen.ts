// The highest epoch, place and serving that this isolate has met in one room. Sent with every script call: a store that
// is behind has lost something and begins a new epoch. Holds numbers only; one per room and isolate.

import type { Seen } from '../src/redis/queue.ts'

export class HighestSeen {
  #seen: Seen = { epoch: 0, place: 0, serving: 0 }

  get value(): Seen {
    return this.#seen
  }

  /** What a snapshot, a join or a verified queue token proves. What an earlier epoch proved no longer counts. */
  observe({ epoch, place = 0, serving = 0 }: { epoch: number; place?: number; serving?: number }): void {
    if (epoch < this.#seen.epoch) return
    const same = epoch === this.#seen.epoch
    this.#seen = {
      epoch,
      place: Math.max(place, same ? this.#seen.place : 0),
      serving: Math.max(serving, same ? this.#seen.serving : 0),
    }
  }
}
