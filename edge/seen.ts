// The highest epoch, place and serving that this isolate has met in one room, with what else a store that has lost
// something must learn again. Sent with every script call: a store that is behind begins a new epoch.

import type { Seen } from '../src/redis/queue.ts'
import { SpentPlaces } from './spent.ts'

export class HighestSeen {
  /** Not sent: asked about one visitor at a time. */
  readonly spent = new SpentPlaces()
  /** Sessions that were ended here: a store that has lost that must not register them again. */
  readonly ended = new SpentPlaces()
  #seen: Seen = { epoch: 0, place: 0, serving: 0, settled: 0, sessions: 0 }

  get value(): Seen {
    return this.#seen
  }

  /**
   * What a snapshot, a join or a verified queue token proves. What an earlier epoch proved no longer counts, except that
   * nobody below `settled` ever returns. `sessions` is the latest count, not the highest.
   */
  observe({ epoch, place = 0, serving = 0, settled = 0, sessions }: Partial<Seen> & { epoch: number }): void {
    if (epoch < this.#seen.epoch) return
    const same = epoch === this.#seen.epoch
    this.#seen = {
      epoch,
      place: Math.max(place, same ? this.#seen.place : 0),
      serving: Math.max(serving, same ? this.#seen.serving : 0),
      settled: Math.max(settled, this.#seen.settled),
      sessions: sessions ?? this.#seen.sessions,
    }
  }
}
