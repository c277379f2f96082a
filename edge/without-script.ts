// What the queue page says and offers to a browser without script: words and one button, never a refresh by itself
// (WCAG 2.2.1, failure F41). Called by `queue-html.ts`. Times are in UTC, since nobody has told where the visitor is.

import type { Measures } from './page/measures.ts'
import { waitIn } from './page/measures.ts'
import type { Text } from './page/text/shape.ts'
import type { QueuePage } from './queue-html.ts'
import { escapeHtml } from './escape.ts'

const TIME_ZONE = 'UTC'

export function withoutScript(page: QueuePage, text: Text, measures: Measures): string {
  const address = escapeHtml(page.returnTo)
  const { queue } = page
  if (queue === null && !isShut(page.state)) {
    // The head of its entries is there before the first one: a draw is to come.
    const isDraw = page.state === 'prequeue' && page.times?.draw !== undefined && page.times.draw !== null
    const { join, joinButton, enterDraw, enterDrawButton } = text.first
    return (
      said([isDraw ? enterDraw : join, ...opening(page, text, measures)]) +
      `<form method="post" action="${escapeHtml(page.base)}/join"><input type="hidden" name="next" value="${address}">` +
      `<button>${escapeHtml(isDraw ? enterDrawButton : joinButton)}</button></form>`
    )
  }
  const words = [...standing(page, text, measures), ...opening(page, text, measures)]
  return `${said(words)}<p><a href="${address}">${escapeHtml(text.first.lookAgain)}</a></p>`
}

const said = (words: readonly string[]): string =>
  words.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')

const isShut = (state: string): boolean =>
  ['idle', 'reject', 'closed', 'sold_out', 'store_down'].includes(state)

function standing({ state, queue, times }: QueuePage, text: Text, measures: Measures): readonly string[] {
  const place = placeWords(queue, text, measures)
  switch (state) {
    case 'idle':
      return [text.stage.idle]
    case 'closed':
    case 'reject': {
      const { at = 0, endsAt } = times ?? {}
      const hasEnded = typeof endsAt === 'number' && endsAt <= at
      const ended = hasEnded ? measures.time(endsAt, { nowMs: at, timeZone: TIME_ZONE }) : ''
      return [text.stage.closed, hasEnded ? text.opening.ended(ended) : text.detail.closed]
    }
    case 'sold_out':
      return [text.stage.sold_out, ...place]
    case 'store_down':
      return [text.first.storeDown, ...place]
    case 'drawing':
      return [text.stage.drawing, ...place]
    default:
      return place
  }
}

function placeWords(queue: QueuePage['queue'], text: Text, measures: Measures): readonly string[] {
  const { number } = measures
  if (queue?.entry !== undefined) {
    const { number: entry, entries } = queue.entry
    return [text.stage.entered, text.draw.entry(number(entry), number(Math.max(entry, entries)))]
  }
  if (queue === null || queue.position === null) return []
  const wait = waitIn(text, measures, queue.etaSeconds ?? undefined)
  return [text.spokenPosition(number(queue.position)), ...(wait === undefined ? [] : [wait])]
}

/** The times that are still to come. */
function opening({ times }: QueuePage, text: Text, measures: Measures): readonly string[] {
  if (times === undefined) return []
  const { at, prequeueAt, startsAt } = times
  const told = (atMs: number | null | undefined, words: (time: string) => string): readonly string[] =>
    typeof atMs === 'number' && atMs > at
      ? [words(measures.time(atMs, { nowMs: at, timeZone: TIME_ZONE }))]
      : []
  return [...told(prequeueAt, text.opening.lineOpens), ...told(startsAt, text.opening.saleOpens)]
}
