// Cards as payment methods: made from a number that the hosted page took in, or from the name of a test method.
// The number is looked at here and forgotten; what is kept is the brand, the last four digits and the outcome.

import { noSuch } from './api-error.ts'
import type { Ledger } from './ledger.ts'
import { newId, type PaymentMethod } from './records.ts'
import type { PaymentSettings } from './settings.ts'
import { brandOfNumber, cardOfPaymentMethod, outcomeOfNumber } from './test-cards.ts'

interface Parts {
  readonly ledger: Ledger
  readonly settings: PaymentSettings
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface CardEntry {
  /** Digits only. */
  readonly number: string
  readonly expMonth: number
  /** Four digits. */
  readonly expYear: number
}

export function methodFromCard(card: CardEntry, { ledger, settings, now }: Parts): PaymentMethod {
  return ledger.paymentMethods.put({
    id: newId('pm'),
    created: Math.floor(now() / 1_000),
    brand: brandOfNumber(card.number),
    last4: card.number.slice(-4),
    expMonth: card.expMonth,
    expYear: card.expYear,
    outcome: outcomeOfNumber(card.number, settings.cards),
  })
}

/** A stored method by id, or a new one from a test name such as `pm_card_visa`, as Stripe makes them. */
export function methodNamed(name: string, parts: Parts): PaymentMethod {
  const stored = parts.ledger.paymentMethods.get(name)
  if (stored !== undefined) return stored
  const card = cardOfPaymentMethod(name)
  if (card === undefined) throw noSuch('PaymentMethod', name, 'payment_method', 400)
  const nextYear = new Date(parts.now()).getUTCFullYear() + 1
  return methodFromCard({ number: card.number, expMonth: 12, expYear: nextYear }, parts)
}
