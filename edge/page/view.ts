// Draws what `waiting.ts` knows into the elements of queue.html. Called by `queue.ts`; asks nobody anything.
// Text only ever enters through textContent; sizes only through the CSSOM, which the page's CSP allows.

import { minutesFrom, worthSaying } from './announce.ts'
import type { PageData } from './room-data.ts'
import { holdsPlace, type Shown, type Stage } from './stage.ts'
import type { Text } from './text/en.ts'

export function element(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`#${id}`)
  if (found === null) throw new Error(`queue.html has no element #${id}`)
  return found
}

/** Sets text and visibility at once: an empty line takes no room. */
function write(target: HTMLElement, words: string): void {
  if (target.textContent !== words) target.textContent = words
  target.hidden = words === ''
}

/** Digits count one, separators about half: what the size of the number is reckoned from. */
function widthOf(number: string): number {
  const digits = number.replaceAll(/\D/g, '').length
  return digits + (number.length - digits) / 2
}

/** Stages that end the wait. */
const ENDS: readonly Stage[] = ['entering', 'suspended', 'missed', 'left']

export function createView(
  page: PageData,
  text: Text,
  { nowMs }: { nowMs: () => number },
): { show(shown: Shown): void; tick(): void } {
  const stage = element('stage')
  const number = element('number')
  const bar = element('bar')
  let lastStage: Stage | undefined
  let lastSaid: number | undefined
  let lastMessage = page.message
  let updatedAtMs: number | null = null

  bar.setAttribute('aria-label', text.progress)
  write(element('leave'), text.leave)
  const next = element('next')
  next.querySelector('h2')?.append(text.nextTitle)
  next.querySelector('ul')?.append(
    ...text.next(page.claimWindowSeconds, Math.floor(page.lateGraceSeconds / 60)).map((words) => {
      const item = document.createElement('li')
      item.textContent = words
      return item
    }),
  )

  function say(shown: Shown, wait: string): void {
    const { stage: now, position } = shown
    const words: string[] = []
    const isNew = now !== lastStage
    if (isNew && now !== 'joining' && now !== 'waiting') words.push(`${text.stage[now]}.`, text.detail[now])
    if (
      position !== null &&
      holdsPlace(now) &&
      (worthSaying(position, lastSaid) || (isNew && now === 'waiting'))
    ) {
      words.push(text.spokenPosition(text.number(position)))
      if (wait !== '') words.push(`${wait}.`)
      lastSaid = position
    }
    // The first one is read with the page.
    if (shown.message !== lastMessage) words.push(shown.message)
    lastMessage = shown.message
    const spoken = words.filter((part) => part !== '').join(' ')
    if (spoken !== '') element('spoken').textContent = spoken
  }

  function showPosition(shown: Shown): void {
    const digits = shown.position === null ? '' : text.number(shown.position)
    const visible = holdsPlace(shown.stage) || shown.stage === 'called'
    write(number, visible ? digits : '')
    number.style.setProperty('--digits', String(Math.max(2, widthOf(digits))))
    bar.hidden = !visible || shown.position === null
    document.documentElement.style.setProperty('--way', shown.progress.toFixed(3))
    const percent = Math.round(shown.progress * 100)
    bar.setAttribute('aria-valuenow', String(percent))
  }

  function showTitle(shown: Shown): void {
    if (shown.stage === 'entering') document.title = text.titleCalled
    else if (shown.position !== null && holdsPlace(shown.stage))
      document.title = text.title(text.number(shown.position), page.title)
    else document.title = `${text.stage[shown.stage]} · ${page.title}`
  }

  function troubleText(shown: Shown): string {
    if (shown.trouble === 'none') return ''
    if (shown.position === null) return text.troubleBefore
    if (shown.trouble === 'not_left') return text.notLeft
    return shown.trouble === 'offline' ? text.offline : text.trouble
  }

  function waitText({ eta }: Shown): string {
    return eta === undefined ? text.waitUnknown : text.wait(minutesFrom(eta))
  }

  function tick(): void {
    const age = updatedAtMs === null ? 0 : Math.floor((nowMs() - updatedAtMs) / 5_000) * 5
    write(element('updated'), updatedAtMs === null ? '' : age < 10 ? text.updatedNow : text.updated(age))
  }

  function show(shown: Shown): void {
    const focused = document.activeElement
    const moving = shown.stage === 'waiting' && shown.position !== null
    const wait = moving ? waitText(shown) : ''
    document.body.dataset['stage'] = shown.stage
    write(stage, text.stage[shown.stage])
    write(element('detail'), text.detail[shown.stage])
    showPosition(shown)
    showTitle(shown)
    write(element('wait'), wait)
    element('wait').classList.toggle('unknown', wait === text.waitUnknown)
    write(element('trouble'), troubleText(shown))
    write(element('message'), shown.message)
    write(element('again'), text.again[shown.stage] ?? '')
    write(element('reference'), shown.reference === '' ? '' : text.reference(shown.reference))
    element('leave').hidden = !holdsPlace(shown.stage)
    next.hidden = !holdsPlace(shown.stage)
    updatedAtMs = holdsPlace(shown.stage) ? shown.updatedAtMs : null
    tick()
    say(shown, wait)
    // What ends the wait moves the focus to the news, so that keyboard and screen reader stand there when the shop opens;
    // and a button that has gone must not leave the focus nowhere.
    const isNews = shown.stage !== lastStage && ENDS.includes(shown.stage)
    if (isNews || focused?.matches('[hidden]') === true) stage.focus()
    lastStage = shown.stage
  }

  return { show, tick }
}
