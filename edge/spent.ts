// Places that this isolate has seen turned into sessions, in one room. A store that has lost them would take the old
// queue token of a buyer who has finished for that of a visitor who missed the call, and put it back to the front.
// Noted by claim and by every admission token shown; asked by join and claim. Bounded: the oldest is forgotten.

import type { SessionId } from '../src/ids.ts'
import { QUIET_PLACE } from '../src/queue/session-id.ts'

/** About 1.5 MB a room at most. */
const MOST_SESSIONS = 20_000
/** Who entered a quiet room has used no place. */
const WITHOUT_PLACE = `-${QUIET_PLACE}`

export class SpentPlaces {
  readonly #sessions = new Set<SessionId>()
  readonly #limit: number

  constructor(limit = MOST_SESSIONS) {
    this.#limit = limit
  }

  /** A session's id is made of its visitor and place. */
  note(session: SessionId): void {
    if (session.endsWith(WITHOUT_PLACE)) return
    // A Set iterates in order of insertion: one that is shown again becomes the youngest.
    this.#sessions.delete(session)
    this.#sessions.add(session)
    if (this.#sessions.size <= this.#limit) return
    for (const oldest of this.#sessions) {
      this.#sessions.delete(oldest)
      return
    }
  }

  has(session: SessionId): boolean {
    return this.#sessions.has(session)
  }
}
