// One change at a time per intent: a second confirmation, capture or page submission waits for the first and then
// sees its result. Stripe waits a little too and then answers 429 `lock_timeout`; here the wait has no limit.

export class Locks {
  readonly #tails = new Map<string, Promise<unknown>>()

  async run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(id) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#tails.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(id) === mine) this.#tails.delete(id)
    }
  }
}
