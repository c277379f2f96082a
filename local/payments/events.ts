// Events: each is recorded with its exact bytes and handed to the deliveries. Called by the processor and by refunds;
// tests look here at what was sent, and repeat or forge it.

import { randomBytes } from 'node:crypto'
import type Stripe from 'stripe'
import { Deliveries } from './deliveries.ts'
import type { EventRecord, Ledger } from './ledger.ts'
import { type Charge, type Intent, newId, type Refund } from './records.ts'
import type { PaymentSettings } from './settings.ts'
import { accepted, type PostResult, postWebhook } from './webhook-post.ts'
import type { Wire } from './wire.ts'

/** The version of the `stripe` package in use; events carry it, since their shape follows it. */
export const API_VERSION = '2026-10-28.endive'

export type IntentEvent = `payment_intent.${
  | 'created'
  | 'requires_action'
  | 'amount_capturable_updated'
  | 'succeeded'
  | 'payment_failed'
  | 'canceled'}`

export type RefundEvent = `refund.${'created' | 'updated' | 'failed'}`

interface EventLogParts {
  readonly ledger: Ledger
  readonly settings: PaymentSettings
  readonly wire: Wire
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Forgery {
  /** Signs instead of ours. */
  readonly secret?: string
  /** Signed that long ago. */
  readonly ageSeconds?: number
}

export class EventLog {
  readonly #parts: EventLogParts
  readonly #deliveries: Deliveries
  readonly #stopping = new AbortController()

  constructor(parts: EventLogParts) {
    this.#parts = parts
    this.#deliveries = new Deliveries({ ...parts, post: (body) => this.#post(body) })
  }

  intentChanged(type: IntentEvent, intent: Intent): void {
    this.#record(type, intent.id, this.#parts.wire.intent(intent))
  }

  chargeRefunded(charge: Charge): void {
    this.#record('charge.refunded', charge.intent, this.#parts.wire.charge(charge))
  }

  refundChanged(type: RefundEvent, refund: Refund): void {
    this.#record(type, refund.intent, this.#parts.wire.refund(refund))
  }

  /** Oldest first. */
  all(): Stripe.Event[] {
    return this.#parts.ledger.events.all().map((event) => parsed(event))
  }

  /** Events about an intent, oldest first, of one type if given. */
  of(intentId: string, type?: string): Stripe.Event[] {
    return this.#parts.ledger.events
      .all()
      .filter((event) => event.intent === intentId && (type === undefined || event.type === type))
      .map((event) => parsed(event))
  }

  /** State and number of attempts of one event's delivery. */
  delivery(eventId: string): Pick<EventRecord, 'state' | 'attempts'> {
    const { state, attempts } = this.#event(eventId)
    return { state, attempts }
  }

  /** Posts an event once more, now, whatever became of it; also how a held event goes out. */
  async resend(eventId: string): Promise<PostResult> {
    const result = await this.#post(this.#event(eventId).body)
    const event = this.#event(eventId)
    const state = accepted(result) ? 'delivered' : event.state
    this.#parts.ledger.events.put({ ...event, attempts: event.attempts + 1, state })
    return result
  }

  /** The same event several times at the same moment. */
  duplicate(eventId: string, times = 2): Promise<PostResult[]> {
    const { body } = this.#event(eventId)
    return Promise.all(Array.from({ length: times }, () => this.#post(body)))
  }

  /** An event that never happened, signed with a secret that is not ours, or (with `ageSeconds`) with ours but long ago. */
  forge(type: string, object: object, { secret, ageSeconds }: Forgery = {}): Promise<PostResult> {
    const other = ageSeconds === undefined ? `whsec_${randomBytes(16).toString('hex')}` : undefined
    const body = this.#envelope(newId('evt'), type, object)
    return this.#post(body, { ...((secret ?? other) && { secret: secret ?? other }), ageSeconds })
  }

  /** Takes up the deliveries that an earlier run left open. */
  resume(): void {
    this.#deliveries.resume()
  }

  /** Resolves when no delivery is under way or waiting for a retry. */
  idle(): Promise<void> {
    return this.#deliveries.idle()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#deliveries.stop()
  }

  #record(type: string, intent: string, object: object): void {
    const { holdWebhooks, webhookUrl } = this.#parts.settings
    const id = newId('evt')
    const state = holdWebhooks || webhookUrl === undefined ? 'held' : 'pending'
    const body = this.#envelope(id, type, object)
    this.#parts.ledger.events.put({
      id,
      type,
      createdMs: this.#parts.now(),
      intent,
      body,
      state,
      attempts: 0,
    })
    if (state === 'pending') this.#deliveries.add(id)
  }

  #envelope(id: string, type: string, object: object): string {
    return JSON.stringify({
      id,
      object: 'event',
      api_version: API_VERSION,
      created: this.#seconds(),
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      type,
    })
  }

  async #post(body: string, forgery: { secret?: string | undefined; ageSeconds?: number | undefined } = {}) {
    const { webhookUrl, webhookSecret } = this.#parts.settings
    if (webhookUrl === undefined)
      return { kind: 'unreachable', reason: 'webhookUrl is not set' } satisfies PostResult
    return postWebhook({
      url: webhookUrl,
      secret: forgery.secret ?? webhookSecret,
      body,
      timestamp: this.#seconds() - (forgery.ageSeconds ?? 0),
      signal: this.#stopping.signal,
    })
  }

  #event(id: string): EventRecord {
    const event = this.#parts.ledger.events.get(id)
    if (event === undefined) throw new Error(`There is no event ${id}`)
    return event
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1_000)
  }
}

/** The bytes that were sent are the truth; this reads them back. */
function parsed(event: EventRecord): Stripe.Event {
  return JSON.parse(event.body)
}
