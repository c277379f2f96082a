// The card holder's bank: thinks for as long as the settings say, then says yes or no. Called by the operations.
// The ratio and the delay draw from separate sequences, so that a changed delay leaves the outcomes as they were.

import { setTimeout as sleep } from 'node:timers/promises'
import { draws } from './draws.ts'
import type { PaymentSettings } from './settings.ts'
import { type Decline, GENERIC_DECLINE, OUTCOMES, type OutcomeName } from './test-cards.ts'

export class Bank {
  readonly #settings: PaymentSettings
  #chance: { readonly seed: string | number; readonly outcome: () => number; readonly delay: () => number }

  constructor(settings: PaymentSettings) {
    this.#settings = settings
    this.#chance = chanceOf(settings.seed)
  }

  get delays(): boolean {
    return this.#delay().max > 0
  }

  async think(): Promise<void> {
    const { min, max } = this.#delay()
    if (max > 0) await sleep(min + this.#draws().delay() * (max - min))
  }

  /** Why it says no; `undefined` is yes. A card that needs authentication is asked for its outcome afterwards. */
  decide(name: OutcomeName): Decline | undefined {
    const outcome = OUTCOMES[name]
    switch (outcome.kind) {
      case 'succeed':
        return undefined
      case 'decline':
        return outcome.decline
      case 'authenticate':
        return this.decide(outcome.next)
      case 'ratio':
        return this.#draws().outcome() < this.#settings.successRatio ? undefined : GENERIC_DECLINE
    }
  }

  #delay(): { readonly min: number; readonly max: number } {
    const { delayMs } = this.#settings
    return typeof delayMs === 'number' ? { min: delayMs, max: delayMs } : delayMs
  }

  #draws() {
    if (this.#chance.seed !== this.#settings.seed) this.#chance = chanceOf(this.#settings.seed)
    return this.#chance
  }
}

function chanceOf(seed: string | number) {
  return { seed, outcome: draws(`outcome ${seed}`), delay: draws(`delay ${seed}`) }
}
