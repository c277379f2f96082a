// What the queue page says and offers to a browser without script: words and buttons, never a refresh by itself
// (WCAG 2.2.1, failure F41). Called by `queue-html.ts`. Times are in UTC, since nobody has told where the visitor is.

import type { Measures } from './page/measures.ts'
import { waitIn } from './page/measures.ts'
import type { Text } from './page/text/shape.ts'
import type { QueuePage } from './queue-html.ts'
import { escapeHtml } from './escape.ts'

const TIME_ZONE = 'UTC'

export function withoutScript(page: QueuePage, text: Text, measures: Measures): string {
  const { queue } = page
  const { join, joinButton, enterDraw, enterDrawButton, needsScript } = text.first
  if (queue === null && !isShut(page.state)) {
    // The head of its entries is there before the first one: a draw is to come.
    const isDraw = page.state === 'prequeue' && isLottery(page)
    const words = [isDraw ? enterDraw : join, ...roomWords(page, text), ...opening(page, text, measures)]
    return (
      said([...words, ...turnWords(page, text, measures), needsScript]) +
      form(page, 'join', isDraw ? enterDrawButton : joinButton)
    )
  }
  const words = [...standing(page, text, measures), ...opening(page, text, measures)]
  const again = `<p><a href="${escapeHtml(page.returnTo)}">${escapeHtml(text.first.lookAgain)}</a></p>`
  if (queue === null) return said(words) + again
  const isEntry = queue.entry !== undefined
  const leaving = isEntry ? text.leaveDraw : text.leavePlace
  const kept = isEntry ? text.next.keptEntry : text.next.keptPlace
  return (
    said([...words, text.first.byHand]) +
    again +
    said([...turnWords(page, text, measures), kept, leaving.text]) +
    form(page, 'leave', leaving.button)
  )
}

const said = (words: readonly string[]): string =>
  words.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')

/** Leads back to the address first asked for. */
function form({ base, returnTo }: QueuePage, call: 'join' | 'leave', button: string): string {
  return (
    `<form method="post" action="${escapeHtml(base)}/${call}">` +
    `<input type="hidden" name="next" value="${escapeHtml(returnTo)}">` +
    `<button>${escapeHtml(button)}</button></form>`
  )
}

const isShut = (state: string): boolean =>
  ['idle', 'reject', 'closed', 'sold_out', 'store_down'].includes(state)

const isLottery = ({ times }: QueuePage): boolean => times?.draw !== undefined && times.draw !== null

/** How long a call waits for one who may not be looking. */
function turnWords(
  { claimWindowSeconds, lateGraceSeconds }: QueuePage,
  { next }: Text,
  { duration }: Measures,
): readonly string[] {
  const late = Math.floor(lateGraceSeconds / 60)
  const turn = next.turn(duration(claimWindowSeconds, 'second'))
  return late > 0 ? [turn, next.late(duration(late, 'minute'))] : [turn]
}

/** A room that stands still says so, to one who comes as well. */
function roomWords({ state }: QueuePage, { stage, detail }: Text): readonly string[] {
  if (state === 'paused' || state === 'recovering') return [stage[state], detail[state]]
  return state === 'drawing' ? [stage.drawing] : []
}

function standing(page: QueuePage, text: Text, measures: Measures): readonly string[] {
  const { state, queue, times } = page
  const place = placeWords(page, text, measures)
  switch (state) {
    case 'idle':
      return [text.stage.idle, ...(isLottery(page) ? [text.draw.early] : []), ...place]
    case 'closed':
    case 'reject': {
      const { at = 0, endsAt } = times ?? {}
      const hasEnded = typeof endsAt === 'number' && endsAt <= at
      const ended = hasEnded ? measures.time(endsAt, { nowMs: at, timeZone: TIME_ZONE }) : ''
      return [text.stage.closed, hasEnded ? text.opening.ended(ended) : text.detail.closed]
    }
    case 'sold_out':
      return [text.stage.sold_out, ...(queue === null ? [] : [text.soldOutKept]), ...place]
    case 'store_down':
      return [text.first.storeDown, ...place]
    default:
      return [...roomWords(page, text), ...place]
  }
}

/** No number while others are being put back: it would be too low. */
function placeWords({ queue, state }: QueuePage, text: Text, measures: Measures): readonly string[] {
  const { number } = measures
  if (queue?.entry !== undefined) {
    const { number: entry, entries } = queue.entry
    return [text.stage.entered, text.draw.entry(number(entry), number(Math.max(entry, entries)))]
  }
  if (queue === null || queue.position === null || state === 'recovering') return []
  const wait = state === 'sold_out' ? undefined : waitIn(text, measures, queue.etaSeconds ?? undefined)
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
