// The script of the queue page: puts the loop, the network, the screen and the browser's events together. Built by build.ts
// with one language's text into /.waiting-room/queue-<language>.js. Without it the page still paints and offers its button.

import { openJoinKey } from './join-key.ts'
import { openEntryNote } from './kept-entry.ts'
import { confirmLeave, dismissLeave } from './leave.ts'
import { openLine } from './line.ts'
import { measuresIn } from './measures.ts'
import { openMissedCall } from './missed-call.ts'
import { readPageData } from './room-data.ts'
import { startServerClock } from './server-clock.ts'
import { holdsPlace, NOTHING_SHOWN } from './stage.ts'
import { openTabs } from './tabs.ts'
import type { Text } from './text/shape.ts'
import { createView } from './view.ts'
import { startWaiting } from './waiting.ts'
import { element } from './write.ts'

/** A page that comes back this soon after entering with a pass, without a place, has a browser that drops cookies. */
const BOUNCE_MS = 10_000
const TICK_MS = 1_000

/** A browser may refuse storage altogether; the page then lives without (a reload during a join makes a new key). */
function storageOf(kind: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    window[kind].setItem('wr-probe', '')
    window[kind].removeItem('wr-probe')
    return window[kind]
  } catch {
    return undefined
  }
}

export function startPage(text: Text): void {
  const page = readPageData(element('wr-data').textContent ?? '')
  // The reader's own region, where it speaks this language: Swiss German groups digits in another way than German.
  const region = navigator.languages.find((tag) => tag.toLowerCase().split('-')[0] === text.language)
  const measures = measuresIn(region ?? text.language)
  const clock = startServerClock(() => performance.now())
  if (page.times.at !== undefined) clock.learn(page.times.at)
  const view = createView(page, { text, measures, nowMs: Date.now, clock })
  const session = storageOf('sessionStorage')
  const local = storageOf('localStorage')
  const entered = `wr-entered-${page.room}`

  const [enteredBy, enteredAtMs] = session?.getItem(entered)?.split(' ') ?? []
  const returned = Date.now() - Number(enteredAtMs ?? 0) < BOUNCE_MS
  const bounced = returned && enteredBy === 'pass' && page.queue === undefined
  session?.removeItem(entered)

  document.documentElement.classList.add('live')

  if (bounced || !navigator.cookieEnabled) {
    view.show({ ...NOTHING_SHOWN, stage: 'cookies', message: page.message })
    element('again').addEventListener('click', () => location.reload())
    return
  }
  let inDraw = false
  const waiting = startWaiting(page, {
    line: openLine(page.base),
    key: openJoinKey(page.room, local),
    note: openEntryNote(page.room, local),
    missedCall: openMissedCall(page.room, session),
    tabs: openTabs(page.room, local),
    clock,
    show(shown) {
      // A question about an entry is another one than about a place.
      if (!holdsPlace(shown) || inDraw !== (shown.stage === 'entered')) dismissLeave()
      inDraw = shown.stage === 'entered'
      view.show(shown)
    },
    returned,
    enter(by) {
      session?.setItem(entered, `${by} ${Date.now()}`)
      // With a fragment, `replace` would only scroll.
      if (location.hash === '') location.replace(location.href)
      else location.reload()
    },
    nowMs: Date.now,
    random: Math.random,
    hidden: () => document.hidden,
    online: () => navigator.onLine,
    after(waitMs, callback) {
      const timer = setTimeout(callback, waitMs)
      return () => clearTimeout(timer)
    },
  })
  const wakeVisible = (): void => {
    if (!document.hidden) waiting.wake()
  }
  document.addEventListener('visibilitychange', wakeVisible)
  window.addEventListener('pageshow', (event) => event.persisted && wakeVisible())
  window.addEventListener('online', () => waiting.wake())
  element('again').addEventListener('click', () => void waiting.again())
  element('leave').addEventListener('click', () => {
    void confirmLeave(inDraw ? text.leaveDraw : text.leavePlace, text).then((sure) =>
      sure ? waiting.leave() : false,
    )
  })
  setInterval(() => document.hidden || view.tick(), TICK_MS)
}
