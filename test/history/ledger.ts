// Who has bought which seat: stands for Postgres, whose commit decides in one step and whose own exactness other tests
// prove. Used by the clients, in one process.

export class Ledger {
  readonly #buyers = new Map<number, string>()

  /** All of the seats or none. */
  sell(hold: string, ordinals: readonly number[]): boolean {
    if (ordinals.some((seat) => this.#buyers.has(seat))) return false
    for (const seat of ordinals) this.#buyers.set(seat, hold)
    return true
  }

  giveBack(ordinals: readonly number[]): void {
    for (const seat of ordinals) this.#buyers.delete(seat)
  }

  /** Ascending. */
  sold(): number[] {
    return [...this.#buyers.keys()].toSorted((a, b) => a - b)
  }
}
