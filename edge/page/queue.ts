// The script of the queue page: puts the loop, the network, the screen and the browser's events together.
// Built by build.ts into /.waiting-room/queue.js. Without it the page still paints and offers its button.

import { openJoinKey } from './join-key.ts'
import { confirmLeave, dismissLeave } from './leave.ts'
import { openLine } from './line.ts'
import { readPageData } from './room-data.ts'
import { holdsPlace } from './stage.ts'
import { openTabs } from './tabs.ts'
import { en } from './text/en.ts'
import { createView, element } from './view.ts'
import { startWaiting } from './waiting.ts'

/** A page that comes back this soon after entering with a pass, without a place, has a browser that drops cookies. */
const BOUNCE_MS = 10_000

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

const page = readPageData(element('wr-data').textContent ?? '')
const view = createView(page, en, { nowMs: Date.now })
const session = storageOf('sessionStorage')
const local = storageOf('localStorage')
const entered = `wr-entered-${page.room}`

const [enteredBy, enteredAtMs] = session?.getItem(entered)?.split(' ') ?? []
const returned = Date.now() - Number(enteredAtMs ?? 0) < BOUNCE_MS
const bounced = returned && enteredBy === 'pass' && page.queue === undefined
session?.removeItem(entered)

document.documentElement.classList.add('live')

if (bounced || !navigator.cookieEnabled) {
  view.show({
    stage: 'cookies',
    position: null,
    progress: 0,
    eta: undefined,
    trouble: 'none',
    updatedAtMs: null,
    message: page.message,
    reference: '',
  })
  element('again').addEventListener('click', () => location.reload())
} else {
  const waiting = startWaiting(page, {
    line: openLine(page.base),
    key: openJoinKey(page.room, local),
    tabs: openTabs(page.room, local),
    show(shown) {
      if (!holdsPlace(shown.stage)) dismissLeave()
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
    void confirmLeave(en).then((sure) => (sure ? waiting.leave() : false))
  })
  setInterval(() => document.hidden || view.tick(), 5_000)
}
