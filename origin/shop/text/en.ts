// Every English word that the shop's scripts write; a language is another file of the same shape.

import type { Mark } from '../availability.ts'

const seats = (count: number): string => (count === 1 ? '1 seat' : `${count} seats`)

const mark: Readonly<Record<Mark | 'yours', string>> = {
  f: 'free',
  a: 'kept for those who need it',
  h: 'held by someone',
  x: 'not available',
  yours: 'yours',
}

/** Heading and sentence of each state of an order, some by their reason as well. */
const order: Readonly<Record<string, readonly [heading: string, sentence: string]>> = {
  awaiting_payment: ['Pay for your seats', 'Your seats are held. Pay on the next page to make them yours.'],
  authorised: ['Confirming your seats', 'The payment is approved. This takes a few seconds.'],
  committing: ['Confirming your seats', 'The payment is approved. This takes a few seconds.'],
  capturing: ['Confirming your seats', 'The seats are yours; the payment is being completed.'],
  paid: ['Your tickets', 'Thank you. Show the codes below at the door, on this screen or printed.'],
  voiding: ['Cancelling the payment', 'Your payment is being cancelled; nothing is charged.'],
  voided: ['The purchase did not go through', 'Your payment was cancelled; nothing was charged.'],
  'voided seat_lost': [
    'The seats were lost',
    'Somebody else got them first. Your payment was cancelled; nothing was charged.',
  ],
  'voided paid_too_late': [
    'The payment came too late',
    'The time to pay had run out. Your payment was cancelled; nothing was charged.',
  ],
  failed: ['The payment did not succeed', 'Nothing was charged, and the seats are free again.'],
  cancelled: ['This order was cancelled', 'Nothing was charged, and the seats are free again.'],
  expired: ['The time to pay has run out', 'Nothing was charged, and the seats are free again.'],
  refunded: [
    'This order was refunded',
    'The tickets are no longer valid. The money is on its way back to you.',
  ],
  stuck: [
    'We are looking into your order',
    'Something needs a person here. You need not do anything; please keep this page’s address.',
  ],
}

/** What a refusal means, by the problem's code; those not here are said in general. */
const problem: Readonly<Record<string, string>> = {
  admission_required: 'Your time in the shop has ended. Please reload the page to come back in.',
  waiting_room: 'Your time in the shop has ended. Please reload the page to come back in.',
  seats_taken: 'Some of these seats have just been taken.',
  hold_expired: 'The time ran out and your seats are free again.',
  hold_extension_limit: 'You have had all the extra time that there is for these seats.',
  order_conflict: 'This order has moved on meanwhile. Please reload the page to see how it stands.',
  idempotency_in_progress: 'Your order is just being made. Please try again in a moment.',
  idempotency_key_reused: 'This was sent before with other details. Please try again.',
  rate_limited: 'That was a lot at once. Please wait a few seconds and try again.',
  payment_refused:
    'The payment provider did not accept this payment. Nothing was charged; please contact us with your order number.',
  payment_provider_unavailable:
    'The payment provider cannot be reached right now. Nothing was charged; please try again in a moment.',
  sold_out: 'Everything is sold.',
  store_unavailable: 'The shop is very busy. Please try again in a moment.',
  database_unavailable: 'The shop is very busy. Please try again in a moment.',
  busy: 'The shop is very busy. Please try again in a moment.',
}

export const en = {
  problem,
  seats,
  mark,
  order,
  chooseSeats: 'Choose seats',
  noPerformances: 'There are no performances yet.',
  hallFailed: 'The hall could not be loaded.',
  tryAgain: 'Try again',
  dismiss: 'OK',
  allSections: 'All sections',
  chooseSection: 'Choose a section',
  freeOf: (free: number, all: number): string => (free === 0 ? 'None free' : `${free} of ${all} free`),
  counting: 'Counting free seats…',
  each: (price: string): string => `${price} a seat, fees included`,
  row: (row: string, free: number, kept: number): string =>
    `Row ${row} · ${free === 0 ? 'none free' : `${free} free`}${kept === 0 ? '' : ` · ${kept} for wheelchairs`}`,
  seatName: (row: string, label: string, state: string, accessible: boolean): string =>
    `Row ${row}, seat ${label}, ${state}${accessible ? ', wheelchair space' : ''}`,
  stage: 'Stage',
  legend: { f: 'Free', yours: 'Yours', h: 'Held', x: 'Not available', a: 'Wheelchair space' },
  forAccess:
    'This place is kept for people who need a wheelchair space and those who come with them. By taking it you say that you do.',
  mapHint: 'Tap a section to see its seats. The list has the same seats.',
  sectionHint: 'Tap to zoom in, then tap a seat. The list has the same seats.',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  wholeSection: 'Show the whole section',
  showSeats: 'Show seats',
  yourSeats: 'Your seats',
  noSeats: 'No seats chosen yet. You can take up to 8.',
  atMost: 'You can take up to 8 seats.',
  /** The places of an area stand in the row `GA`. */
  seatLine: (section: string, row: string, label: string): string =>
    row === 'GA' ? `${section}, place ${label}` : `${section}, row ${row}, seat ${label}`,
  /** The same as names and values. */
  seatParts: (section: string, row: string, label: string): readonly (readonly [string, string])[] =>
    row === 'GA'
      ? [
          ['Section', section],
          ['Place', label],
        ]
      : [
          ['Section', section],
          ['Row', row],
          ['Seat', label],
        ],
  remove: (name: string): string => `Remove ${name}`,
  fees: (amount: string): string => `including ${amount} fees`,
  total: 'Total',
  hold: 'Hold these seats',
  places: 'How many places?',
  placesHint: 'You can take up to 8. Places have no numbers: stand or sit where you like.',
  holdPlaces: 'Hold these places',
  areaShort: 'So many places are no longer free here. Please ask for fewer.',
  holding: 'Holding…',
  heldFor: 'Held for you',
  ceiling: (time: string): string => `You can extend this until ${time} at the latest.`,
  extend: 'I need more time',
  extended: (time: string): string => `Your seats are held for another ${time}.`,
  atLimit: 'The seats cannot be held any longer.',
  change: 'Change seats',
  /** Spoken. */
  timeLeft: (seconds: number): string =>
    seconds >= 60
      ? `${Math.round(seconds / 60)} ${seconds < 90 ? 'minute' : 'minutes'} left to finish your order.`
      : `${seconds} seconds left to finish your order.`,
  holdEnded: 'The time ran out and your seats are free again. You can hold them again if nobody took them.',
  taken: (names: string): string =>
    `Just taken by someone else: ${names}. Your other seats are still chosen.`,
  holdLimit:
    'You hold other seats of this performance already, perhaps in another tab. You can hold up to 8 seats at a time.',
  renewTaken:
    'Somebody took some of your seats while the order was being changed. The earlier order is cancelled; please choose again.',
  orderPaying:
    'The order for these seats is being paid, so they cannot be changed. Please finish it where you began it.',
  noAnswer: 'That did not reach us. Please check the connection and try again.',
  refused: 'That did not work. Please try again in a moment.',
  tooMany: 'That was a lot at once. Please wait a few seconds and try again.',
  name: 'Name',
  email: 'Email',
  emailHint: 'Only for your order and tickets.',
  buyerLimit: 'One person can buy only so many seats of this performance, and this would be more.',
  nameRefused: 'Please enter a name of at most 100 characters.',
  nameMissing: 'Please enter your name.',
  emailMissing: 'Please enter an email address like name@example.com.',
  toPayment: 'Continue to payment',
  ordering: 'Making your order…',
  admissionEnded: 'Your time in the shop has ended. The waiting room will let you in again.',
  toWaitingRoom: 'Go to the waiting room',
  pay: (total: string): string => `Pay ${total}`,
  paying: 'Opening the payment page…',
  payBy: (time: string): string => `Please pay by ${time}.`,
  payElsewhere: 'You pay on the payment provider’s own page; we never see your card.',
  declined: 'The payment was declined. Your seats are still held: you can try again.',
  backToSeats: 'Back to the seats',
  orderMissing: 'There is no such order. Please check the address.',
  retrying: 'The connection is being retried. Your order is safe.',
  print: 'Print the tickets',
  visitOver:
    'Your visit to the shop ended with this purchase; whoever buys more waits in line again where there is one.',
  qr: (name: string): string => `Code for ${name}`,
  orderWord: 'Order',
  orderNumber: (number: string): string => `Order ${number}`,
  refunded: (amount: string): string => `Refunded: ${amount}`,
} as const
