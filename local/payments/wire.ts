// Records as Stripe shows them over the wire. Used for replies, for events and for `error.payment_intent`.
// The types are those of the `stripe` package, so a field that its API version requires cannot be forgotten.

import type Stripe from 'stripe'
import type { Ledger } from './ledger.ts'
import type { Charge, Intent, PaymentMethod, Refund } from './records.ts'

export class Wire {
  readonly #ledger: Ledger
  readonly #origin: () => string

  constructor(ledger: Ledger, origin: () => string) {
    this.#ledger = ledger
    this.#origin = origin
  }

  intent(intent: Intent): Stripe.PaymentIntent {
    return {
      id: intent.id,
      object: 'payment_intent',
      allowed_payment_method_types: null,
      amount: intent.amount,
      amount_capturable: intent.amountCapturable,
      amount_received: intent.amountReceived,
      application: null,
      application_fee_amount: null,
      automatic_payment_methods: intent.automaticPaymentMethods
        ? { enabled: true, allow_redirects: 'always' }
        : null,
      canceled_at: intent.canceledAt,
      cancellation_reason: intent.cancellationReason,
      capture_method: intent.captureMethod,
      client_secret: intent.clientSecret,
      confirmation_method: 'automatic',
      created: intent.created,
      currency: intent.currency,
      customer: intent.customer,
      customer_account: null,
      description: intent.description,
      excluded_payment_method_types: null,
      last_payment_error: this.#lastError(intent),
      latest_charge: intent.latestCharge,
      livemode: false,
      managed_payments: null,
      metadata: { ...intent.metadata },
      next_action: this.#nextAction(intent),
      on_behalf_of: null,
      payment_method: intent.paymentMethod,
      payment_method_configuration_details: null,
      payment_method_options: null,
      payment_method_types: ['card'],
      payment_record: null,
      processing: null,
      receipt_email: intent.receiptEmail,
      review: null,
      setup_future_usage: null,
      shipping: null,
      source: null,
      statement_descriptor: intent.statementDescriptor,
      statement_descriptor_suffix: intent.statementDescriptorSuffix,
      status: intent.status,
      transfer_data: null,
      transfer_group: intent.transferGroup,
    }
  }

  charge(charge: Charge): Stripe.Charge {
    const method = this.#ledger.paymentMethods.get(charge.paymentMethod)
    return {
      id: charge.id,
      object: 'charge',
      amount: charge.amount,
      amount_captured: charge.amountCaptured,
      amount_refunded: charge.amountRefunded,
      application: null,
      application_fee: null,
      application_fee_amount: null,
      balance_transaction: null,
      billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
      calculated_statement_descriptor: null,
      captured: charge.captured,
      created: charge.created,
      currency: charge.currency,
      customer: null,
      description: null,
      disputed: false,
      failure_balance_transaction: null,
      failure_code: charge.failure?.code ?? null,
      failure_message: charge.failure?.message ?? null,
      fraud_details: {},
      livemode: false,
      metadata: { ...charge.metadata },
      on_behalf_of: null,
      outcome: null,
      paid: charge.failure === null,
      payment_intent: charge.intent,
      payment_method: charge.paymentMethod,
      payment_method_details:
        method === undefined ? null : { type: 'card', card: chargedCard(method, charge) },
      receipt_email: null,
      receipt_number: null,
      receipt_url: null,
      refunded: charge.failure === null && charge.amountRefunded === charge.amount,
      review: null,
      shipping: null,
      source: null,
      source_transfer: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: charge.failure === null ? 'succeeded' : 'failed',
      transfer_data: null,
      transfer_group: null,
    }
  }

  refund(refund: Refund): Stripe.Refund {
    return {
      id: refund.id,
      object: 'refund',
      amount: refund.amount,
      balance_transaction: null,
      charge: refund.charge,
      created: refund.created,
      currency: refund.currency,
      customer: null,
      customer_account: null,
      metadata: { ...refund.metadata },
      payment_intent: refund.intent,
      payment_method: null,
      reason: refund.reason,
      receipt_number: null,
      source_transfer_reversal: null,
      status: refund.status,
      ...(refund.failureReason !== null && { failure_reason: refund.failureReason }),
      transfer_reversal: null,
    }
  }

  paymentMethod(method: PaymentMethod): Stripe.PaymentMethod {
    return {
      id: method.id,
      object: 'payment_method',
      billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
      card: {
        ...cardDetails(method),
        display_brand: method.brand,
        funding: 'credit',
        generated_from: null,
        networks: { available: [method.brand], preferred: null },
        regulated_status: 'unregulated',
        three_d_secure_usage: { supported: true },
      },
      created: method.created,
      customer: null,
      customer_account: null,
      livemode: false,
      metadata: {},
      type: 'card',
    }
  }

  #lastError(intent: Intent): Stripe.PaymentIntent['last_payment_error'] {
    if (intent.lastError === null) return null
    const { code, declineCode, message, charge, paymentMethod } = intent.lastError
    const method = this.#ledger.paymentMethods.get(paymentMethod)
    return {
      type: code === 'payment_intent_authentication_failure' ? 'invalid_request_error' : 'card_error',
      code,
      ...(declineCode && { decline_code: declineCode }),
      message,
      ...(charge && { charge }),
      ...(method && { payment_method: this.paymentMethod(method) }),
    }
  }

  /** A redirect if the merchant named a return URL, and the shape for Stripe's own script otherwise. */
  #nextAction(intent: Intent): Stripe.PaymentIntent['next_action'] {
    if (intent.status !== 'requires_action') return null
    const url = `${this.#origin()}/3ds/${intent.id}?client_secret=${intent.clientSecret}`
    const returnUrl = intent.metadata['return_url'] ?? intent.returnUrl
    return returnUrl === null
      ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
      : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } }
  }
}

function chargedCard(method: PaymentMethod, charge: Charge): Stripe.Charge.PaymentMethodDetails.Card {
  return {
    ...cardDetails(method),
    amount_authorized: charge.failure === null ? charge.amount : 0,
    authorization_code: null,
    electronic_commerce_indicator: null,
    funding: 'credit',
    installments: null,
    mandate: null,
    network: method.brand,
    network_token: null,
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
  }
}

function cardDetails(method: PaymentMethod) {
  return {
    brand: method.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    exp_month: method.expMonth,
    exp_year: method.expYear,
    last4: method.last4,
    wallet: null,
  }
}
