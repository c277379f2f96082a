// The card form as it was posted: either a card, or one sentence for each field that is wrong. Pure.
// What it gives back for showing again never contains the number or the security code.

import type { CardEntry } from './payment-methods.ts'
import { brandOfNumber, passesLuhn } from './test-cards.ts'

export type FieldName = 'number' | 'expiry' | 'cvc'
/** In the order of the fields on the page. */
export type FieldErrors = Readonly<Partial<Record<FieldName, string>>>
export type CardForm =
  | { readonly kind: 'card'; readonly card: CardEntry }
  | { readonly kind: 'invalid'; readonly errors: FieldErrors }

/** `expiry` is month and year as people write them: `12/34`, `12 / 2034`, `1234`. */
export function parseCardForm(form: URLSearchParams, nowMs: number): CardForm {
  const number = (form.get('number') ?? '').replace(/[\s-]/g, '')
  const cvc = (form.get('cvc') ?? '').trim()
  const expiry = parseExpiry(form.get('expiry') ?? '', nowMs)
  const numberError = checkNumber(number)
  const cvcDigits = brandOfNumber(number) === 'amex' ? 4 : 3
  const cvcIsRight = /^\d+$/.test(cvc) && cvc.length === cvcDigits
  if (numberError === undefined && expiry.kind === 'date' && cvcIsRight) {
    return { kind: 'card', card: { number, expMonth: expiry.month, expYear: expiry.year } }
  }
  return {
    kind: 'invalid',
    errors: {
      ...(numberError && { number: numberError }),
      ...(expiry.kind === 'wrong' && { expiry: expiry.message }),
      ...(!cvcIsRight && { cvc: `Enter the ${cvcDigits} digits of the security code.` }),
    },
  }
}

function checkNumber(number: string): string | undefined {
  if (number === '') return 'Enter the card number.'
  if (!/^\d+$/.test(number)) return 'A card number has only digits.'
  if (number.length < 12 || number.length > 19) return 'The card number is incomplete.'
  return passesLuhn(number) ? undefined : 'The card number is not valid. Check each digit.'
}

type Expiry =
  | { readonly kind: 'date'; readonly month: number; readonly year: number }
  | { readonly kind: 'wrong'; readonly message: string }

function parseExpiry(text: string, nowMs: number): Expiry {
  const match = /^\s*(\d{1,2})\s*[/-]?\s*(\d{4}|\d{2})\s*$/.exec(text)
  const month = Number(match?.[1])
  if (match === null || month < 1 || month > 12)
    return { kind: 'wrong', message: 'Enter month and year as MM/YY, for example 12/34.' }
  const digits = match[2] ?? ''
  const year = digits.length === 2 ? 2000 + Number(digits) : Number(digits)
  // Good until the end of its month, in the last time zone too.
  if (Date.UTC(year, month, 1) + 12 * 3_600_000 <= nowMs)
    return { kind: 'wrong', message: 'This card has expired.' }
  return { kind: 'date', month, year }
}
