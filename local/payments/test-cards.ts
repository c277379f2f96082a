// The test cards: number or test payment method → what the bank will say. Numbers and codes are those of Stripe's page
// "Testing", and one is ours: 4000 0000 0008 0202 (`pm_card_ratio`) succeeds in the share that `successRatio` says.
// 4242 4242 4242 4242 always succeeds. Pure: nothing here keeps a number.

export const OUTCOME_NAMES = [
  'succeed',
  'ratio',
  'generic_decline',
  'insufficient_funds',
  'lost_card',
  'stolen_card',
  'card_velocity_exceeded',
  'test_mode_live_card',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
  'authenticate',
  'authenticate_then_generic_decline',
  'authenticate_then_insufficient_funds',
] as const
export type OutcomeName = (typeof OUTCOME_NAMES)[number]

/** A refusal as Stripe words it in `error` and in `last_payment_error`. */
export interface Decline {
  readonly code: string
  readonly declineCode?: string
  readonly message: string
}

export type Outcome =
  | { readonly kind: 'succeed' }
  | { readonly kind: 'ratio' }
  | { readonly kind: 'decline'; readonly decline: Decline }
  | { readonly kind: 'authenticate'; readonly next: OutcomeName }

const DECLINED = 'Your card was declined.'
export const GENERIC_DECLINE: Decline = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  message: DECLINED,
}
const decline = (code: string, declineCode: string, message: string): Outcome => ({
  kind: 'decline',
  decline: { code, declineCode, message },
})

export const OUTCOMES: Readonly<Record<OutcomeName, Outcome>> = {
  succeed: { kind: 'succeed' },
  ratio: { kind: 'ratio' },
  generic_decline: { kind: 'decline', decline: GENERIC_DECLINE },
  insufficient_funds: decline('card_declined', 'insufficient_funds', 'Your card has insufficient funds.'),
  lost_card: decline('card_declined', 'lost_card', DECLINED),
  stolen_card: decline('card_declined', 'stolen_card', DECLINED),
  card_velocity_exceeded: decline(
    'card_declined',
    'card_velocity_exceeded',
    'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  ),
  test_mode_live_card: decline(
    'card_declined',
    'test_mode_live_card',
    'Your card was declined. This is a test payment, and only test cards work here.',
  ),
  expired_card: decline('expired_card', 'expired_card', 'Your card has expired.'),
  incorrect_cvc: decline('incorrect_cvc', 'incorrect_cvc', 'Your card’s security code is incorrect.'),
  processing_error: decline(
    'processing_error',
    'processing_error',
    'An error occurred while processing your card. Try again in a little bit.',
  ),
  authenticate: { kind: 'authenticate', next: 'succeed' },
  authenticate_then_generic_decline: { kind: 'authenticate', next: 'generic_decline' },
  authenticate_then_insufficient_funds: { kind: 'authenticate', next: 'insufficient_funds' },
}

export interface TestCard {
  readonly number: string
  /** Name of the test payment method that stands for this card in API calls. */
  readonly paymentMethod: string
  readonly outcome: OutcomeName
}

const card = (number: string, paymentMethod: string, outcome: OutcomeName): TestCard => ({
  number,
  paymentMethod,
  outcome,
})

export const TEST_CARDS: readonly TestCard[] = [
  card('4242424242424242', 'pm_card_visa', 'succeed'),
  card('4000056655665556', 'pm_card_visa_debit', 'succeed'),
  card('5555555555554444', 'pm_card_mastercard', 'succeed'),
  card('378282246310005', 'pm_card_amex', 'succeed'),
  card('6011111111111117', 'pm_card_discover', 'succeed'),
  card('4000000000080202', 'pm_card_ratio', 'ratio'),
  card('4000000000000002', 'pm_card_visa_chargeDeclined', 'generic_decline'),
  card('4000000000009995', 'pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'),
  card('4000000000009987', 'pm_card_visa_chargeDeclinedLostCard', 'lost_card'),
  card('4000000000009979', 'pm_card_visa_chargeDeclinedStolenCard', 'stolen_card'),
  card('4000000000006975', 'pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'card_velocity_exceeded'),
  card('4000000000000069', 'pm_card_chargeDeclinedExpiredCard', 'expired_card'),
  card('4000000000000127', 'pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc'),
  card('4000000000000119', 'pm_card_chargeDeclinedProcessingError', 'processing_error'),
  card('4000000000003220', 'pm_card_threeDSecure2Required', 'authenticate'),
  card('4000002500003155', 'pm_card_authenticationRequiredOnSetup', 'authenticate'),
  card('4000002760003184', 'pm_card_authenticationRequired', 'authenticate'),
  card('4000008400001629', 'pm_card_threeDSecureRequiredChargeDeclined', 'authenticate_then_generic_decline'),
  card(
    '4000008260003178',
    'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
    'authenticate_then_insufficient_funds',
  ),
]

/** What the bank says to a number; a number that is no test card is refused, as Stripe does in test mode. */
export function outcomeOfNumber(
  number: string,
  overrides: Readonly<Record<string, OutcomeName>>,
): OutcomeName {
  const known = TEST_CARDS.find((candidate) => candidate.number === number)
  return overrides[number] ?? known?.outcome ?? 'test_mode_live_card'
}

/** The card behind a test payment method such as `pm_card_visa`. */
export function cardOfPaymentMethod(name: string): TestCard | undefined {
  return TEST_CARDS.find((candidate) => candidate.paymentMethod === name)
}

export function brandOfNumber(number: string): string {
  if (number.startsWith('4')) return 'visa'
  if (/^3[47]/.test(number)) return 'amex'
  if (/^(5[1-5]|2[2-7])/.test(number)) return 'mastercard'
  if (/^6(011|4|5)/.test(number)) return 'discover'
  return 'unknown'
}

/** Luhn's check digit (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 1 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
  return sum % 10 === 0
}
