// The life of a payment: create, update, confirm, authenticate, capture, cancel, with Stripe's states and refusals.
// Called by the REST routes and by the hosted page, which so share one set of rules; refunds are in `refunds.ts`.
// One change at a time per intent; every change is in the ledger, and its event recorded, before the caller hears of it.

import { cardError, noSuch, ParameterError, requireStatus, unexpectedState } from './api-error.ts'
import type { Bank } from './bank.ts'
import type { EventLog } from './events.ts'
import type { Ledger } from './ledger.ts'
import { Locks } from './locks.ts'
import { mergeMetadata } from './metadata.ts'
import type {
  CancelParameters,
  CaptureParameters,
  ConfirmParameters,
  CreateParameters,
  UpdateParameters,
} from './parameters.ts'
import { methodNamed } from './payment-methods.ts'
import { type Charge, type Intent, type IntentStatus, newId, type PaymentMethod } from './records.ts'
import type { PaymentSettings } from './settings.ts'
import { type Decline, OUTCOMES } from './test-cards.ts'

const CONFIRMABLE: readonly IntentStatus[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
]
const CANCELABLE: readonly IntentStatus[] = [...CONFIRMABLE, 'requires_capture']
const AUTHENTICATION_FAILED: Decline = {
  code: 'payment_intent_authentication_failure',
  message: 'Your bank could not confirm that it is you who pays. Choose another card and try again.',
}

export interface ProcessorParts {
  readonly ledger: Ledger
  readonly bank: Bank
  readonly events: EventLog
  readonly settings: PaymentSettings
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export class Processor {
  readonly #parts: ProcessorParts
  readonly #locks = new Locks()

  constructor(parts: ProcessorParts) {
    this.#parts = parts
    // A crash while the bank was thinking: no answer was recorded, so the payment may be confirmed again.
    for (const intent of parts.ledger.intents.all()) {
      if (intent.status === 'processing')
        parts.ledger.intents.put({ ...intent, status: 'requires_confirmation' })
    }
  }

  async create(parameters: CreateParameters): Promise<Intent> {
    const { ledger, events } = this.#parts
    const method = parameters.payment_method && this.#method(parameters.payment_method)
    const id = newId('pi')
    const intent = ledger.intents.put({
      id,
      clientSecret: `${id}_${newId('secret')}`,
      created: this.#seconds(),
      status: method ? 'requires_confirmation' : 'requires_payment_method',
      amount: parameters.amount,
      amountCapturable: 0,
      amountReceived: 0,
      currency: parameters.currency,
      captureMethod: parameters.capture_method,
      customer: parameters.customer ?? null,
      description: parameters.description ?? null,
      metadata: mergeMetadata({}, parameters.metadata),
      receiptEmail: parameters.receipt_email ?? null,
      statementDescriptor: parameters.statement_descriptor ?? null,
      statementDescriptorSuffix: parameters.statement_descriptor_suffix ?? null,
      transferGroup: parameters.transfer_group ?? null,
      automaticPaymentMethods:
        parameters.automatic_payment_methods?.enabled ?? !parameters.payment_method_types,
      paymentMethod: method ? method.id : null,
      latestCharge: null,
      lastError: null,
      returnUrl: null,
      canceledAt: null,
      cancellationReason: null,
    })
    events.intentChanged('payment_intent.created', intent)
    return parameters.confirm ? this.confirm(id, { return_url: parameters.return_url }) : intent
  }

  update(id: string, parameters: UpdateParameters): Promise<Intent> {
    return this.locked(id, async (intent) => {
      const { amount, payment_method, metadata, description, receipt_email } = parameters
      if (amount !== undefined || payment_method !== undefined) requireStatus(intent, 'updated', CONFIRMABLE)
      const method = payment_method === undefined ? undefined : this.#method(payment_method)
      return this.#parts.ledger.intents.put({
        ...intent,
        ...(amount !== undefined && { amount }),
        ...(description !== undefined && { description: description || null }),
        ...(receipt_email !== undefined && { receiptEmail: receipt_email || null }),
        ...(method && { paymentMethod: method.id, status: 'requires_confirmation' }),
        metadata: mergeMetadata(intent.metadata, metadata),
      })
    })
  }

  /** Resolves with the intent in requires_capture, succeeded or requires_action; throws a card error on a decline. */
  confirm(id: string, parameters: ConfirmParameters): Promise<Intent> {
    return this.locked(id, async (intent) => {
      requireStatus(intent, 'confirmed', CONFIRMABLE)
      const named = parameters.payment_method ?? intent.paymentMethod
      if (named === null) {
        throw unexpectedState(
          "You cannot confirm this PaymentIntent because it's missing a payment method. " +
            'Update the PaymentIntent with a payment method, or confirm it with one.',
          intent,
        )
      }
      const method = this.#method(named)
      const ready: Intent = {
        ...intent,
        paymentMethod: method.id,
        returnUrl: parameters.return_url ?? intent.returnUrl,
        status: 'requires_confirmation',
      }
      if (OUTCOMES[method.outcome].kind !== 'authenticate') return this.#authorise(ready, method)
      const waiting = this.#parts.ledger.intents.put({ ...ready, status: 'requires_action' })
      this.#parts.events.intentChanged('payment_intent.requires_action', waiting)
      return waiting
    })
  }

  /** The end of the 3-D Secure challenge; a challenge that was already answered changes nothing. */
  authenticate(id: string, passed: boolean): Promise<Intent> {
    return this.locked(id, async (intent) => {
      if (intent.status !== 'requires_action' || intent.paymentMethod === null) return intent
      const method = this.#method(intent.paymentMethod)
      return passed ? this.#authorise(intent, method) : this.#failed(intent, method, AUTHENTICATION_FAILED)
    })
  }

  capture(id: string, parameters: CaptureParameters): Promise<Intent> {
    return this.locked(id, async (intent) => {
      requireStatus(intent, 'captured', ['requires_capture'])
      const amount = parameters.amount_to_capture ?? intent.amountCapturable
      if (amount > intent.amountCapturable) {
        throw new ParameterError(
          'amount_too_large',
          `The amount_to_capture (${amount}) is greater than the amount_capturable (${intent.amountCapturable}).`,
          'amount_to_capture',
        )
      }
      await this.#parts.bank.think()
      this.#parts.ledger.charges.put({ ...this.chargeOf(intent), captured: true, amountCaptured: amount })
      const captured = this.#parts.ledger.intents.put({
        ...intent,
        status: 'succeeded',
        amountCapturable: 0,
        amountReceived: amount,
        metadata: mergeMetadata(intent.metadata, parameters.metadata),
      })
      this.#parts.events.intentChanged('payment_intent.succeeded', captured)
      return captured
    })
  }

  /** Ends the payment; an authorisation is released, which Stripe shows as a refund of the uncaptured charge. */
  cancel(id: string, parameters: CancelParameters | { cancellation_reason: 'automatic' }): Promise<Intent> {
    return this.locked(id, async (intent) => {
      requireStatus(intent, 'canceled', CANCELABLE)
      const { ledger, events } = this.#parts
      if (intent.status === 'requires_capture') {
        const charge = this.chargeOf(intent)
        ledger.refunds.put({
          id: newId('re'),
          created: this.#seconds(),
          intent: id,
          charge: charge.id,
          amount: charge.amount,
          currency: charge.currency,
          reason: null,
          metadata: {},
          status: 'succeeded',
          failureReason: null,
        })
        events.chargeRefunded(ledger.charges.put({ ...charge, amountRefunded: charge.amount }))
      }
      const canceled = ledger.intents.put({
        ...intent,
        status: 'canceled',
        amountCapturable: 0,
        canceledAt: this.#seconds(),
        cancellationReason: parameters.cancellation_reason ?? null,
      })
      events.intentChanged('payment_intent.canceled', canceled)
      return canceled
    })
  }

  /** Runs alone on this intent. Throws 404 if there is none. */
  locked<T>(id: string, work: (intent: Intent) => Promise<T>): Promise<T> {
    return this.#locks.run(id, async () => {
      const intent = this.#parts.ledger.intents.get(id)
      if (intent === undefined) throw noSuch('payment_intent', id, 'intent', 404)
      return work(intent)
    })
  }

  chargeOf(intent: Intent): Charge {
    const charge = this.#parts.ledger.charges.get(intent.latestCharge ?? '')
    if (charge === undefined) throw new Error(`${intent.id} is ${intent.status} without a charge`)
    return charge
  }

  async #authorise(intent: Intent, method: PaymentMethod): Promise<Intent> {
    const { ledger, bank, events } = this.#parts
    if (bank.delays) ledger.intents.put({ ...intent, status: 'processing' })
    await bank.think()
    const decline = bank.decide(method.outcome)
    const charge = this.#charge(intent, method, decline)
    if (decline !== undefined) throw cardError(decline, this.#failed(intent, method, decline, charge), charge)
    const manual = intent.captureMethod === 'manual'
    const authorised = ledger.intents.put({
      ...intent,
      status: manual ? 'requires_capture' : 'succeeded',
      amountCapturable: manual ? intent.amount : 0,
      amountReceived: manual ? 0 : intent.amount,
      latestCharge: charge.id,
      lastError: null,
    })
    events.intentChanged(
      manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded',
      authorised,
    )
    return authorised
  }

  /** Back to the start, so that another card may be tried. */
  #failed(intent: Intent, method: PaymentMethod, decline: Decline, charge?: Charge): Intent {
    const failed = this.#parts.ledger.intents.put({
      ...intent,
      status: 'requires_payment_method',
      paymentMethod: null,
      ...(charge && { latestCharge: charge.id }),
      lastError: { ...decline, paymentMethod: method.id, ...(charge && { charge: charge.id }) },
    })
    this.#parts.events.intentChanged('payment_intent.payment_failed', failed)
    return failed
  }

  #charge(intent: Intent, method: PaymentMethod, failure: Decline | undefined): Charge {
    const captured = failure === undefined && intent.captureMethod !== 'manual'
    return this.#parts.ledger.charges.put({
      id: newId('ch'),
      created: this.#seconds(),
      intent: intent.id,
      paymentMethod: method.id,
      amount: intent.amount,
      amountCaptured: captured ? intent.amount : 0,
      amountRefunded: 0,
      currency: intent.currency,
      captured,
      metadata: intent.metadata,
      failure: failure ?? null,
    })
  }

  #method(name: string): PaymentMethod {
    return methodNamed(name, this.#parts)
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1_000)
  }
}
