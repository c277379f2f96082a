// What buyers read, as plain text and as HTML. Pure; called by `tell-buyer`. English alone for now. Whatever a name holds,
// it cannot become markup, and no operator's reason is shown.

import type { OrderedSeat } from '../../src/db/orders.ts'
import { AREA_ROW } from '../import/places.ts'
import { escapeHtml } from '../page.ts'
import type { BuyerMessage } from './notifier.ts'

/** What a message is made of; amounts are minor units. */
export interface News {
  readonly kind: BuyerMessage['kind']
  readonly number: string
  readonly buyerName: string
  readonly eventName: string
  readonly performanceName: string
  readonly startsAt: Date
  /** Those that the news are about. */
  readonly seats: readonly Pick<OrderedSeat, 'section' | 'row' | 'label'>[]
  /** Paid, given back, or released. */
  readonly amount: number
  readonly currency: string
  /** Opens the order; `undefined` where nobody has said under which address buyers find it. */
  readonly link: string | undefined
}

type Block = string | readonly string[] | { readonly href: string; readonly words: string }

export function composeMessage(news: News): Pick<BuyerMessage, 'subject' | 'text' | 'html'> {
  const [subject, blocks] = WORDS[news.kind](news)
  const all: readonly Block[] = [`Dear ${news.buyerName},`, ...blocks]
  return {
    subject: subject.replaceAll(/\s+/g, ' '),
    text: `${all.map(asText).join('\n\n')}\n`,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body>${all.map(asHtml).join('')}</body></html>`,
  }
}

const WORDS: Readonly<Record<News['kind'], (news: News) => readonly [string, readonly Block[]]>> = {
  paid: (news) => [
    `Your tickets for ${news.eventName} (order ${news.number})`,
    [
      `Thank you. Your order ${news.number} is paid: ${money(news)}.`,
      occasion(news),
      news.seats.map(seatName),
      ...orderLink(news, 'Your order and its tickets'),
      news.link === undefined
        ? 'Your tickets are on the page of your order, which your browser showed after the payment.'
        : 'Keep this link to yourself: whoever has it has your tickets.',
    ],
  ],
  refunded: (news) => [
    `Refund for order ${news.number}`,
    [
      `We have refunded ${money(news)} of your order ${news.number}. Your bank may take some days to show it.`,
      occasion(news),
      ...(news.seats.length > 0
        ? ['These seats are no longer yours, and their tickets are void:', news.seats.map(seatName)]
        : []),
      ...orderLink(news, 'Your order'),
    ],
  ],
  voided: (news) => [
    `Order ${news.number} could not be completed`,
    [
      `We are sorry: your order ${news.number} could not be completed, and you have no tickets from it.`,
      `Nothing was taken. The ${money(news)} that your bank had reserved is released; some banks show that after a few days.`,
      occasion(news),
      ...orderLink(news, 'Your order'),
    ],
  ],
}

const occasion = ({ eventName, performanceName, startsAt }: News): string =>
  `${eventName}, ${performanceName}, ${WHEN.format(startsAt)} UTC`

const orderLink = ({ link }: News, words: string): readonly Block[] =>
  link === undefined ? [] : [{ href: link, words }]

const seatName = ({ section, row, label }: News['seats'][number]): string =>
  row === AREA_ROW ? `${section}, place ${label}` : `${section}, row ${row}, seat ${label}`

const WHEN = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' })

/** "€105.00" for 10500 and EUR, by the currency's own number of decimals. */
function money({ amount, currency }: News): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

function asText(block: Block): string {
  if (typeof block === 'string') return block
  return 'href' in block ? `${block.words}:\n${block.href}` : block.map((line) => `- ${line}`).join('\n')
}

function asHtml(block: Block): string {
  if (typeof block === 'string') return `<p>${escapeHtml(block)}</p>`
  if ('href' in block) return `<p><a href="${escapeHtml(block.href)}">${escapeHtml(block.words)}</a></p>`
  return `<ul>${block.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`
}
