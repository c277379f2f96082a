// Remembers that a dependency with a substitute has failed, so that requests go to the substitute at once. Called by the
// look-aside for Redis and for the replica. It asks nothing itself, and keeps two numbers an isolate.

/** For this long nobody asks; after it one request tries, and the others wait for its outcome no more than before. */
const PAUSE_MS = 5_000

export class Outage {
  #failing = false
  #askAgainAtMs = 0

  /** Whether to ask now. While it fails, true for one caller in each pause. */
  mayAsk(nowMs: number): boolean {
    if (!this.#failing) return true
    if (nowMs < this.#askAgainAtMs) return false
    this.#askAgainAtMs = nowMs + PAUSE_MS
    return true
  }

  /** True for the failure that begins an outage: the one to log. */
  failed(nowMs: number): boolean {
    const first = !this.#failing
    this.#failing = true
    this.#askAgainAtMs = nowMs + PAUSE_MS
    return first
  }

  recovered(): void {
    this.#failing = false
  }
}
