// The payment provider's client (Stripe's PaymentIntents) as a Worker can use it, and how its failures are read.
// Called by the saga and the webhook. It never sees a card: buyers type it on the provider's own page.

import { Stripe } from 'stripe'
import type { OriginConfig } from './config.ts'

const TIMEOUT_MS = 8_000

/** A lost reply is retried by the client with the same idempotency key; `PAYMENT_API_URL` may be a simulator. */
export function createPayments({
  apiUrl,
  secretKey,
}: Pick<OriginConfig['payment'], 'apiUrl' | 'secretKey'>): Stripe {
  const url = new URL(apiUrl)
  const https = url.protocol === 'https:'
  return new Stripe(secretKey, {
    host: url.hostname,
    port: url.port === '' ? (https ? 443 : 80) : Number(url.port),
    protocol: https ? 'https' : 'http',
    httpClient: Stripe.createFetchHttpClient(),
    maxNetworkRetries: 2,
    timeout: TIMEOUT_MS,
    telemetry: false,
  })
}

/** True for an answer of the provider that is no: of what was asked, by whom, or about a card. */
export function isProviderRefusal(error: unknown): error is Stripe.errors.StripeError {
  return error instanceof Stripe.errors.StripeError && !isProviderUnavailable(error)
}

/** True where the provider could not be asked or asked us to come back; false for an answer about this payment. */
export function isProviderUnavailable(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeConnectionError ||
    error instanceof Stripe.errors.StripeAPIError ||
    error instanceof Stripe.errors.StripeRateLimitError
  )
}
