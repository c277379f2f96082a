// The delivery of events: posts each until the receiver answers 2xx or the schedule of retries ends. At least once, in
// no promised order. Called by the event log; it knows nothing of what an event says.

import type { EventRecord, Ledger } from './ledger.ts'
import type { PaymentSettings } from './settings.ts'
import { accepted, describe, type PostResult } from './webhook-post.ts'

/** Posts under way at once; the rest wait, so that a rush of payments does not become a rush of webhooks. */
const MOST_AT_ONCE = 8

interface DeliveryParts {
  readonly ledger: Ledger
  readonly settings: PaymentSettings
  readonly post: (body: string) => Promise<PostResult>
}

export class Deliveries {
  readonly #parts: DeliveryParts
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #waiting: string[] = []
  readonly #underWay = new Set<Promise<void>>()
  #idle = Promise.withResolvers<void>()
  #stopped = false

  constructor(parts: DeliveryParts) {
    this.#parts = parts
    this.#idle.resolve()
  }

  /** Takes up what an earlier run left open. */
  resume(): void {
    for (const event of this.#parts.ledger.events.all()) if (event.state === 'pending') this.add(event.id)
  }

  add(id: string): void {
    if (this.#stopped) return
    if (this.#quiet()) this.#idle = Promise.withResolvers()
    this.#waiting.push(id)
    this.#pump()
  }

  /** Resolves when nothing is under way or waiting for a retry. */
  idle(): Promise<void> {
    return this.#idle.promise
  }

  /** Starts nothing any more and waits for what is under way; open deliveries stay pending in the ledger. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#waiting.length = 0
    await Promise.all(this.#underWay)
    this.#idle.resolve()
  }

  #pump(): void {
    while (this.#underWay.size < MOST_AT_ONCE) {
      const id = this.#waiting.shift()
      if (id === undefined) break
      const attempt = this.#attempt(id).finally(() => {
        this.#underWay.delete(attempt)
        this.#pump()
      })
      this.#underWay.add(attempt)
    }
    if (this.#quiet()) this.#idle.resolve()
  }

  #quiet(): boolean {
    return this.#underWay.size + this.#waiting.length + this.#timers.size === 0
  }

  async #attempt(id: string): Promise<void> {
    const { ledger, settings, post } = this.#parts
    const result = await post(this.#event(id).body)
    if (this.#stopped && !accepted(result)) return
    const event = this.#event(id)
    const attempts = event.attempts + 1
    const pauseMs = settings.webhookRetryMs[attempts - 1]
    if (accepted(result)) {
      ledger.events.put({ ...event, attempts, state: 'delivered' })
    } else if (pauseMs === undefined) {
      ledger.events.put({ ...event, attempts, state: 'failed' })
      console.warn(`payments: gave up ${event.type} ${id} after ${attempts} attempts (${describe(result)})`)
    } else {
      ledger.events.put({ ...event, attempts })
      this.#retryAfter(pauseMs, id)
    }
  }

  #retryAfter(pauseMs: number, id: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(id)
      this.#waiting.push(id)
      this.#pump()
    }, pauseMs)
    this.#timers.set(id, timer)
  }

  #event(id: string): EventRecord {
    const event = this.#parts.ledger.events.get(id)
    if (event === undefined) throw new Error(`There is no event ${id}`)
    return event
  }
}
