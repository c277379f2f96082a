// Draws what `waiting.ts` knows into the elements of queue.html. Called by `queue.ts`; asks nobody anything.
// Text only ever enters through textContent; sizes only through the CSSOM, which the page's CSP allows.

import { createDrawView } from './draw-view.ts'
import { clockOf, type Measures, waitIn } from './measures.ts'
import { createNotesView } from './notes-view.ts'
import type { Entry, PageData } from './room-data.ts'
import type { ServerClock } from './server-clock.ts'
import { openSpeech } from './speech.ts'
import { countsDownTo, holdsPlace, type Shown, type Stage } from './stage.ts'
import type { Text } from './text/shape.ts'
import { element, write } from './write.ts'

export interface View {
  show(shown: Shown): void
  /** Each second while somebody looks: the age of what is shown, and the countdown. */
  tick(): void
}

/** Digits count one, separators about half, a letter of a word like a digit: what the size of the number is reckoned from. */
function widthOf(number: string): number {
  const narrow = number.replaceAll(/[^\s.,:'’]/g, '').length
  return number.length - narrow / 2
}

/** Stages that end the wait. */
const ENDS: readonly Stage[] = ['entering', 'suspended', 'missed', 'left']

export function createView(
  page: PageData,
  {
    text,
    measures,
    nowMs,
    clock,
  }: { text: Text; measures: Measures; nowMs: () => number; clock: ServerClock },
): View {
  const stage = element('stage')
  const number = element('number')
  const bar = element('bar')
  const wait = element('wait')
  const speech = openSpeech(element('spoken'), { text, measures, message: page.message, nowMs })
  const showDraw = createDrawView(page.base, text, measures)
  const showNotes = createNotesView(page, text, measures)
  let lastStage: Stage | undefined
  let last: Shown | undefined
  const timeOf = (atMs: number): string => measures.time(atMs, { nowMs: clock.nowMs() ?? nowMs() })

  bar.setAttribute('aria-label', text.progress)

  /** Time left on the clock of a stage that counts down; undefined before the server's time is known. */
  function leftOf(shown: Shown): number | undefined {
    const [target, serverMs] = [countsDownTo(shown), clock.nowMs()]
    return target === null || serverMs === undefined ? undefined : target - serverMs
  }

  function showNumber(shown: Shown): void {
    const leftMs = leftOf(shown)
    const counts = shown.stage === 'idle' && leftMs !== undefined && leftMs > 0
    const isPlace = (holdsPlace(shown) && shown.stage !== 'sold_out') || shown.stage === 'called'
    const position = shown.position === null || !isPlace ? '' : measures.number(shown.position)
    const digits = counts ? clockOf(leftMs, measures) : position
    write(number, digits)
    number.style.setProperty('--digits', String(Math.max(2, widthOf(digits))))
    const label = shown.prequeueAt === null ? text.opening.saleIn : text.opening.lineIn
    write(stage, counts ? label : text.stage[shown.stage])
  }

  function showBar(shown: Shown): void {
    const moves = holdsPlace(shown) && shown.stage !== 'prequeue' && shown.stage !== 'sold_out'
    bar.hidden = shown.position === null || !(moves || shown.stage === 'called')
    document.documentElement.style.setProperty('--way', shown.progress.toFixed(3))
    bar.setAttribute('aria-valuenow', String(Math.round(shown.progress * 100)))
  }

  function showTitle(shown: Shown): void {
    if (shown.stage === 'entering') document.title = text.titleCalled
    else if (shown.position !== null && holdsPlace(shown))
      document.title = text.title(measures.number(shown.position), page.title)
    else document.title = `${text.stage[shown.stage].replaceAll('\u00ad', '')} · ${page.title}`
  }

  function detailOf(shown: Shown): string {
    const { stage, position, entry, prequeueAt, startsAt, endsAt } = shown
    const words = [text.detail[stage]]
    if (stage === 'waiting' && shown.late) words.push(text.lateReturn)
    // Before its pre-queue too: nobody should stay up for nothing.
    if (stage === 'idle' && shown.draw !== null) words.push(text.draw.early)
    if ((stage === 'idle' || stage === 'prequeue' || stage === 'entered') && startsAt !== null)
      words.unshift(text.opening.saleOpens(timeOf(startsAt)))
    if (stage === 'idle' && prequeueAt !== null) words.unshift(text.opening.lineOpens(timeOf(prequeueAt)))
    if (stage === 'closed' && endsAt !== null && endsAt <= (clock.nowMs() ?? 0))
      return text.opening.ended(timeOf(endsAt))
    if (stage === 'sold_out' && (position !== null || entry !== undefined)) return text.soldOutKept
    return words.filter((part) => part !== '').join('\n')
  }

  /** The line that matters most after the number. */
  function waitOf(shown: Shown): string {
    const { stage, position, entry, draw } = shown
    if (stage === 'waiting' && position !== null)
      return waitIn(text, measures, shown.eta) ?? text.wait.unknown
    if (stage === 'sold_out' && position !== null) return text.spokenPosition(measures.number(position))
    if (stage === 'drawing' && entry !== undefined) return entryOf(entry, draw)
    const leftMs = leftOf(shown)
    if (leftMs === undefined) return ''
    if (leftMs <= 0) return text.opening.now
    if (stage === 'idle') return ''
    const left = clockOf(leftMs, measures)
    return stage === 'entered' ? text.opening.drawBeginsIn(left) : text.opening.saleOpensIn(left)
  }

  /** A copy of the draw may be older than the entry. */
  function entryOf(entry: Entry, draw: Shown['draw']): string {
    const entries = Math.max(entry.entries, draw?.entries ?? 0)
    return text.draw.entry(measures.number(entry.number), measures.number(entries))
  }

  function troubleText(shown: Shown): string {
    if (shown.trouble === 'none') return ''
    if (shown.visitor === '') return text.troubleBefore
    if (shown.trouble === 'not_left') return text.notLeft
    if (shown.trouble === 'old') return text.old
    return shown.trouble === 'offline' ? text.offline : text.trouble
  }

  function showUpdated({ stage, position, updatedAtMs, trouble, entry, draw }: Shown): void {
    let words = ''
    if (stage === 'entered' && entry !== undefined) {
      words = entryOf(entry, draw)
    } else if (updatedAtMs !== null && holdsPlace({ stage, position })) {
      const age = Math.floor((nowMs() - updatedAtMs) / 5_000) * 5
      // An old copy is never from just now.
      words = age < 10 && trouble !== 'old' ? text.updatedNow : text.updated(measures.ago(Math.max(5, age)))
    }
    write(element('updated'), words)
  }

  function tick(): void {
    if (last === undefined) return
    showUpdated(last)
    const [target, leftMs] = [countsDownTo(last), leftOf(last)]
    if (target === null || leftMs === undefined) return
    showNumber(last)
    write(wait, waitOf(last))
    speech.countdown(target, leftMs)
  }

  function show(shown: Shown): void {
    const focused = document.activeElement
    last = shown
    const [waited, detail] = [waitOf(shown), detailOf(shown)]
    document.body.dataset['stage'] = shown.stage
    showNumber(shown)
    write(element('detail'), detail)
    showBar(shown)
    showTitle(shown)
    write(wait, waited)
    wait.classList.toggle('unknown', waited === text.wait.unknown)
    write(element('trouble'), troubleText(shown))
    write(element('message'), shown.message)
    showDraw(shown)
    showNotes(shown)
    tick()
    speech.say(shown, { wait: shown.stage === 'waiting' ? waited : '', detail })
    // What ends the wait moves the focus to the news, so that keyboard and screen reader stand there when the shop opens;
    // and a button that has gone must not leave the focus nowhere.
    const isNews = shown.stage !== lastStage && ENDS.includes(shown.stage)
    if (isNews || focused?.matches('[hidden]') === true) stage.focus()
    lastStage = shown.stage
  }

  return { show, tick }
}
