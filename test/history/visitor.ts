// One visitor: holds seats, extends, releases, buys and returns them, meddles with the holds of others, and comes back to
// holds that have ended. Used by clients.ts; what happened is in the recorder.

import { randomUUID } from 'node:crypto'
import { setTimeout as pass } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'
import type { OperationOf } from './operations.ts'
import type { Random } from './random.ts'
import type { Client } from './recorder.ts'

/** Some run out while their owner thinks, some outlast the run. */
const LIVES_MS = [40, 120, 400, 1_600, 60_000] as const
const EXTENSIONS = 2
const LONGEST_THOUGHT_MS = 450
/** A sale and a return are told until an answer comes, as the outbox does. */
const TELLINGS = 50
/** Visitors meddle with the latest holds, which may still live. */
const NEIGHBOURS = 16

export type HoldWish = OperationOf<'hold'>['request']

export interface Surroundings {
  readonly random: Random
  readonly performance: string
  readonly ledger: Ledger
  /** Holds of everybody, latest last. */
  readonly recent: HoldWish[]
}

export class Visitor {
  readonly client: Client
  readonly #around: Surroundings

  constructor(client: Client, around: Surroundings) {
    this.client = client
    this.#around = around
  }

  /** One hold and what becomes of it. */
  async visit(seats: number): Promise<'done' | 'unloaded'> {
    const { random, performance, recent } = this.#around
    const wish = newWish(random, seats, performance)
    recent.push(wish)
    let answer = await this.#hold(wish)
    // Whoever was not told asks again, or goes on without knowing.
    for (let more = 3; answer === undefined && more > 0 && random.chance(0.8); more -= 1)
      answer = await this.#hold(wish)
    if (answer?.status === 'unloaded') return 'unloaded'
    const held = answer === undefined || answer.status === 'held'
    for (let acts = random.below(held ? 5 : 2); acts > 0; acts -= 1) await this.#act(wish)
    if (held && random.chance(0.4)) await this.#buy(wish)
    else if (random.chance(held ? 0.5 : 0.1)) await this.#release(wish, wish.session)
    return 'done'
  }

  async #act(wish: HoldWish): Promise<unknown> {
    const { random, recent } = this.#around
    const other = recent[recent.length - 1 - random.below(Math.min(recent.length, NEIGHBOURS))] ?? wish
    switch (random.below(8)) {
      case 0:
        return this.#hold(wish)
      case 1:
        return this.#release(other, wish.session)
      case 2:
        return this.#extend(other, wish.session)
      case 3:
        return this.client.record('look', { id: wish.id }, () =>
          this.client.store.findHold(this.#around.performance, wish.id),
        )
      case 4:
        return pass(random.below(Math.min(wish.ttlMs + 40, LONGEST_THOUGHT_MS)))
      default:
        return this.#extend(wish, wish.session)
    }
  }

  async #hold(wish: HoldWish) {
    const { id, ...request } = wish
    return this.client.record('hold', wish, () =>
      this.client.store.hold(this.#around.performance, { holdId: id, ...request }),
    )
  }

  async #release({ id }: HoldWish, session: string) {
    return this.client.record('release', { id, session }, () =>
      this.client.store.release(this.#around.performance, id, { session }),
    )
  }

  /** Some are repeats of an earlier request, some a payment's, which are not remembered. */
  async #extend({ id, ttlMs }: HoldWish, session: string) {
    const { random, performance } = this.#around
    const counts = random.chance(0.7)
    const request = { id, session, ttlMs, ...(counts && { requestId: `r${random.below(4)}` }) }
    return this.client.record('extend', request, () =>
      this.client.store.extend(performance, id, { ...request, counts }),
    )
  }

  /** Postgres decides, whether or not the hold lives; Redis is told what it decided. */
  async #buy(wish: HoldWish): Promise<void> {
    const { id, ordinals, session } = wish
    const { random, performance, ledger } = this.#around
    const { store } = this.client
    // Paying may take longer than the hold lives, and somebody else may have the seats by then.
    if (random.chance(0.3)) await pass(Math.min(wish.ttlMs + 40, LONGEST_THOUGHT_MS))
    if (!ledger.sell(id, ordinals)) {
      await this.client.record('release', { id, session }, () => store.release(performance, id, { session }))
      return
    }
    await this.#tell('confirm', { id, ordinals }, () => store.confirm(performance, id, ordinals))
    await pass(random.below(80))
    ledger.giveBack(ordinals)
    const requestId = `of-${id.split('.').at(-1) ?? ''}`
    await this.#tell('free', { requestId, ordinals }, () => store.free(performance, ordinals, { requestId }))
    if (random.chance(0.2)) {
      await this.#tell('confirm', { id, ordinals }, () => store.confirm(performance, id, ordinals))
    }
  }

  async #tell<K extends 'confirm' | 'free'>(
    kind: K,
    request: OperationOf<K>['request'],
    call: () => Promise<void>,
  ) {
    for (let more = TELLINGS; more > 0; more -= 1) {
      const told = await this.client.record<'confirm' | 'free'>(kind, request, async () => {
        await call()
        return 'done'
      })
      if (told !== undefined) return
    }
  }
}

/** One to three seats, near each other as people buy them. */
function newWish(random: Random, seats: number, performance: string): HoldWish {
  const first = random.below(seats)
  const ordinals = [
    ...new Set(Array.from({ length: 1 + random.below(3) }, () => (first + random.below(4)) % seats)),
  ]
  const ttlMs = random.pick(LIVES_MS)
  return {
    id: `${performance}.${randomUUID().slice(0, 8)}`,
    session: `session-${randomUUID().slice(0, 8)}`,
    ordinals: ordinals.toSorted((a, b) => a - b),
    ttlMs,
    maxLifeMs: ttlMs + random.pick([0, ttlMs, 10 * ttlMs]),
    extensions: EXTENSIONS,
  }
}
