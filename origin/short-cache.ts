// Remembers values of one owner (a database, a cache) for some seconds in the isolate. Bounded; holds no promises, since a
// request must not wait for another's. Used by the catalogue for what changes only by an import.

interface Entry<T> {
  readonly value: T
  readonly untilMs: number
}

export class ShortCache<T> {
  /** Keyed by owner first, so that two in one process (tests) do not answer for each other. */
  readonly #entries = new WeakMap<object, Map<string, Entry<T>>>()
  readonly #ttlMs: number
  readonly #limit: number

  constructor({ ttlMs, limit }: { ttlMs: number; limit: number }) {
    this.#ttlMs = ttlMs
    this.#limit = limit
  }

  get(owner: object, key: string, nowMs: number): T | undefined {
    const entry = this.#entries.get(owner)?.get(key)
    return entry !== undefined && entry.untilMs > nowMs ? entry.value : undefined
  }

  /** `nowMs` is the time of asking, not of the answer, so that the age is never too low. */
  set(owner: object, key: string, value: T, nowMs: number): void {
    const entries = this.#entries.get(owner) ?? new Map<string, Entry<T>>()
    this.#entries.set(owner, entries)
    entries.delete(key)
    // A Map iterates in order of insertion: the first is the oldest.
    const oldest = entries.size >= this.#limit ? entries.keys().next() : undefined
    if (oldest?.done === false) entries.delete(oldest.value)
    entries.set(key, { value, untilMs: nowMs + this.#ttlMs })
  }

  clear(owner: object): void {
    this.#entries.delete(owner)
  }
}
