// What the payment simulator's tests share: starting it, the client that the origin Worker uses, and the end of both.

import { Stripe } from 'stripe'
import { afterEach } from 'vitest'
import {
  type PaymentSimulator,
  type PaymentSimulatorOptions,
  startPaymentSimulator,
} from '../../local/payments/simulator.ts'

export const SECRET_KEY = 'sk_test_simulator'
export const PUBLISHABLE_KEY = 'pk_test_simulator'
export const WEBHOOK_SECRET = 'whsec_test_simulator'
export const MANUAL = { amount: 4_200, currency: 'eur', capture_method: 'manual' } as const

const closing: (() => Promise<unknown>)[] = []

/** Runs after the test, the latest first. */
export function afterwards(close: () => Promise<unknown>): void {
  closing.push(close)
}

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

export async function start(options: Partial<PaymentSimulatorOptions> = {}) {
  const simulator = await startPaymentSimulator({
    secretKey: SECRET_KEY,
    publishableKey: PUBLISHABLE_KEY,
    webhookSecret: WEBHOOK_SECRET,
    webhookRetryMs: [5, 10, 20],
    ...options,
  })
  afterwards(() => simulator.stop())
  return { simulator, stripe: client(simulator) }
}

export function client({ port }: PaymentSimulator, key = SECRET_KEY, maxNetworkRetries = 0): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    httpClient: Stripe.createFetchHttpClient(),
    maxNetworkRetries,
    telemetry: false,
  })
}

/** A payment confirmed at creation, by `pm_card_visa` unless `extra` says otherwise. */
export function confirmed(stripe: Stripe, extra: Partial<Stripe.PaymentIntentCreateParams> = {}) {
  return stripe.paymentIntents.create({ ...MANUAL, confirm: true, payment_method: 'pm_card_visa', ...extra })
}

/** The error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Stripe.errors.StripeError) return error
  throw new Error('the call was not refused by Stripe', { cause: error })
}
