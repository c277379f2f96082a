// An older copy of one room's data, to fall back to as a server does that was killed and came back from its last save.
// Copies live under keys of their own in the same server, so that their times can be moved as the room's are.

import type { QueueUnderTest } from './support.ts'

/** Copies with COPY keep type and TTL; a key that did not exist at the save does not exist after falling back. */
export class SavedStore {
  readonly #queue: QueueUnderTest
  #keys: readonly string[] | undefined

  constructor(queue: QueueUnderTest) {
    this.#queue = queue
  }

  async save(): Promise<void> {
    const { connection } = this.#queue.servers
    this.#keys = Object.values(this.#queue.keys)
    for (const key of this.#keys) {
      await connection.del(copyOf(key))
      await connection.call('COPY', key, copyOf(key))
    }
  }

  async empty(): Promise<void> {
    await this.#queue.servers.connection.del(...Object.values(this.#queue.keys))
  }

  /** To the last save; where there was none, to nothing. */
  async fallBack(): Promise<void> {
    await this.empty()
    const { connection } = this.#queue.servers
    for (const key of this.#keys ?? []) await connection.call('COPY', copyOf(key), key)
  }

  async elapse(ms: number): Promise<void> {
    if (this.#keys !== undefined) await this.#queue.elapse(ms, copyOf)
  }
}

// The same hash tag and a suffix: deleted with the room's own keys when the test ends.
const copyOf = (key: string): string => `${key}:saved`
