// What the simulator remembers: plain records, replaced as a whole and never edited in place.
// The ledger stores them, `wire.ts` shows them as Stripe does. Amounts are minor units, times are Unix seconds.

import { randomBytes } from 'node:crypto'
import type { Decline, OutcomeName } from './test-cards.ts'

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'succeeded'
  | 'canceled'

export type Metadata = Readonly<Record<string, string>>

export interface Intent {
  readonly id: string
  readonly clientSecret: string
  readonly created: number
  readonly status: IntentStatus
  readonly amount: number
  readonly amountCapturable: number
  readonly amountReceived: number
  readonly currency: string
  readonly captureMethod: 'manual' | 'automatic' | 'automatic_async'
  readonly customer: string | null
  readonly description: string | null
  readonly metadata: Metadata
  readonly receiptEmail: string | null
  readonly statementDescriptor: string | null
  readonly statementDescriptorSuffix: string | null
  readonly transferGroup: string | null
  readonly automaticPaymentMethods: boolean
  readonly paymentMethod: string | null
  readonly latestCharge: string | null
  readonly lastError: (Decline & { readonly paymentMethod: string; readonly charge?: string }) | null
  /** Where the merchant asked, on confirmation, that the payer be sent. */
  readonly returnUrl: string | null
  readonly canceledAt: number | null
  readonly cancellationReason: string | null
}

/** One attempt to take the money; a refused attempt is kept too. */
export interface Charge {
  readonly id: string
  readonly created: number
  readonly intent: string
  readonly paymentMethod: string
  readonly amount: number
  readonly amountCaptured: number
  readonly amountRefunded: number
  readonly currency: string
  readonly captured: boolean
  /** Of the intent, when the charge was made. */
  readonly metadata: Metadata
  readonly failure: Decline | null
}

export const REFUND_STATUSES = ['pending', 'succeeded', 'failed'] as const
export type RefundStatus = (typeof REFUND_STATUSES)[number]

export interface Refund {
  readonly id: string
  readonly created: number
  readonly intent: string
  readonly charge: string
  readonly amount: number
  readonly currency: string
  readonly reason: string | null
  readonly metadata: Metadata
  readonly status: RefundStatus
  readonly failureReason: string | null
}

/** A card without its number: brand, last four digits, and what the bank will say. */
export interface PaymentMethod {
  readonly id: string
  readonly created: number
  readonly brand: string
  readonly last4: string
  readonly expMonth: number
  readonly expYear: number
  readonly outcome: OutcomeName
}

/** An id with Stripe's prefix, such as `pi_…`: 24 random characters that cannot be guessed. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`
}
