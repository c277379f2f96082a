// The visitor's wait as a loop: join, look at the snapshot, claim when called, enter; with retries that keep the place.
// Started by `queue.ts`, which supplies the network, the clock and the screen; it touches no DOM itself and stores no token.

import { etaSeconds, pollAfterMs, positionFrom, SHORTEST_POLL_MS } from '../../src/queue/position.ts'
import type { JoinKey } from './join-key.ts'
import type { Failed, Line } from './line.ts'
import { jitter, pollDelayMs, retryDelayMs } from './pace.ts'
import type { Held, PageData, Snapshot } from './room-data.ts'
import { holdsPlace, type Shown } from './stage.ts'
import type { News, Tabs } from './tabs.ts'

export interface Surroundings {
  readonly line: Line
  readonly key: JoinKey
  readonly tabs: Tabs
  show(shown: Shown): void
  /** Opens the address first asked for: with a pass in the cookie by now, or without where the room is switched off. */
  enter(by: 'pass' | 'suspension'): void
  /** This page came back right after it had entered; the next try without a pass is then a slow one. */
  readonly returned: boolean
  nowMs(): number
  /** 0 to 1. */
  random(): number
  hidden(): boolean
  online(): boolean
  /** Calls back once; returns the cancel. */
  after(waitMs: number, callback: () => void): () => void
}

export interface Waiting {
  /** Asks at once: the tab is seen again, restored, or back online. */
  wake(): void
  /** Gives the place up; false when that could not be told to anybody. */
  leave(): Promise<boolean>
  /** The visitor's own button: joins anew after a missed call or a leave, looks again otherwise. */
  again(): Promise<void>
}

/** How long "It's your turn" stays before the shop opens by itself. */
const MOMENT_MS = 1_600
/** When a room is switched off, all its pages hear of it within seconds: spread over this time, they enter. */
const SUSPENSION_SPREAD_MS = 3_000
/** Some isolate still held this page after it had entered: its copy of the settings is older, or the room is on again. */
const RETURNED_MS = 10_000
/** Where nothing can be waited for (closed, sold out) the page still looks now and then: seats come back. */
const OVER_POLL_MS = 30_000
const REFERENCE_LENGTH = 6

export function startWaiting(page: PageData, around: Surroundings): Waiting {
  const { line, key, tabs } = around
  let held: Held | undefined = page.queue
  let failures = 0
  let running: Promise<void> | undefined
  let cancel: (() => void) | undefined
  let shown: Shown = {
    stage: held === undefined ? 'joining' : 'waiting',
    position: null,
    progress: 0,
    eta: undefined,
    trouble: 'none',
    updatedAtMs: null,
    message: page.message,
    reference: held?.visitor.slice(0, REFERENCE_LENGTH) ?? '',
  }

  function show(changes: Partial<Shown>): void {
    shown = { ...shown, ...changes }
    around.show(shown)
  }

  /** One turn of the loop; returns the pause before the next, or undefined when there is none. */
  async function turn(): Promise<number | undefined> {
    if (held === undefined) return await join()
    return tabs.hasLeft(held.place) ? gaveUp() : await look(held)
  }

  async function join(): Promise<number | undefined> {
    const joined = await line.join(key.current())
    if (joined.is === 'failed') return failed(joined)
    // Whatever the answer, it is one: the next join is another request.
    key.answered()
    if (joined.is !== 'joined') return await refused(joined.is)
    if (joined.held.place !== held?.place) tabs.tell({ is: 'joined', held: joined.held })
    take(joined.held)
    return await look(joined.held, true)
  }

  function take(mine: Held): void {
    if (mine.place !== held?.place) show({ position: null, progress: 0, eta: undefined })
    held = mine
    show({ reference: mine.visitor.slice(0, REFERENCE_LENGTH) })
  }

  /** `join` knows of no suspension: without a look, a page that was refused would stay out of a room that is off. */
  async function refused(as: 'missed' | 'sold_out' | 'closed'): Promise<number | undefined> {
    const looked = as === 'missed' ? undefined : await line.now()
    if (looked?.is !== 'seen') return over(as)
    show({ message: looked.snapshot.message })
    return looked.snapshot.state === 'suspended' ? enterFreely() : over(as)
  }

  async function look(mine: Held, justJoined = false): Promise<number | undefined> {
    const looked = await line.now()
    if (looked.is === 'failed') return failed(looked)
    const { snapshot } = looked
    if (snapshot.state === 'suspended') {
      well(snapshot)
      return enterFreely()
    }
    if (snapshot.epoch > mine.epoch) {
      // The store lost something and began anew: presenting the token (in its cookie) puts the place back.
      show({ stage: 'recovering', message: snapshot.message })
      return justJoined ? failed({ is: 'failed', afterMs: undefined }) : await join()
    }
    if (snapshot.state === 'sold_out' || snapshot.state === 'closed') {
      well(snapshot)
      return over(snapshot.state)
    }
    const { position, called } = positionFrom(mine, snapshot)
    if (called) return await claim(mine, snapshot)
    wait(mine, snapshot, position)
    const paceMs = pollAfterMs(position, { eta: etaSeconds(position, snapshot) })
    return pollDelayMs(paceMs, { position, hidden: around.hidden(), random: around.random() })
  }

  async function claim(mine: Held, snapshot: Snapshot): Promise<number | undefined> {
    show({ stage: 'called', position: 1, progress: 1, eta: undefined })
    const claimed = await line.claim()
    if (claimed.is === 'admitted') {
      well(snapshot)
      tabs.tell({ is: 'admitted' })
      return enterWithPass()
    }
    if (claimed.is === 'waiting') {
      // The edge's copy was ahead of the store's own decision: still waiting, and close.
      well(snapshot)
      show({ stage: 'waiting' })
      return jitter(SHORTEST_POLL_MS, around.random())
    }
    if (claimed.is === 'unknown') {
      if (tabs.hasLeft(mine.place)) return gaveUp()
      held = undefined
      return failed({ is: 'failed', afterMs: undefined })
    }
    return claimed.is === 'failed' ? failed(claimed) : over(claimed.is)
  }

  function enterWithPass(): undefined {
    show({ stage: 'entering', position: 1, progress: 1, eta: undefined, trouble: 'none' })
    around.after(MOMENT_MS, () => around.enter('pass'))
  }

  function enterFreely(): undefined {
    show({ stage: 'suspended', position: null, progress: 1, eta: undefined, trouble: 'none' })
    const waitMs = around.random() * SUSPENSION_SPREAD_MS + (around.returned ? RETURNED_MS : 0)
    around.after(waitMs, () => around.enter('suspension'))
  }

  /** Here or in another tab: the place is no more, and only the visitor's own button asks for another. */
  function gaveUp(): undefined {
    cancel?.()
    held = undefined
    show({ stage: 'left', position: null, progress: 0, eta: undefined, trouble: 'none', reference: '' })
  }

  async function heard(news: News): Promise<void> {
    // A join of this tab's own that is on its way comes after the leave, and stands.
    if (news.is === 'left' && held === undefined) return
    await running
    if (goingIn()) return
    if (news.is === 'left') return gaveUp()
    if (news.is === 'admitted') {
      if (!active()) return
      cancel?.()
      return enterWithPass()
    }
    if (news.held.place === held?.place) return
    show({ stage: 'joining' })
    take(news.held)
    run()
  }

  function wait(mine: Held, snapshot: Snapshot, computed: number): void {
    well(snapshot)
    const position = Math.min(computed, shown.position ?? computed)
    show({
      stage: snapshot.state === 'paused' || snapshot.state === 'recovering' ? snapshot.state : 'waiting',
      position,
      progress: mine.ahead > 0 ? Math.max(0, 1 - (position - 1) / mine.ahead) : 0,
      eta: etaSeconds(position, snapshot) ?? mine.eta,
    })
  }

  function well(snapshot: Snapshot): void {
    failures = 0
    show({ trouble: 'none', updatedAtMs: around.nowMs(), message: snapshot.message })
  }

  function over(stage: 'missed' | 'sold_out' | 'closed'): number | undefined {
    failures = 0
    if (stage === 'missed') held = undefined
    show({ stage, trouble: 'none', position: null, progress: 0, eta: undefined })
    return stage === 'missed' ? undefined : jitter(OVER_POLL_MS, around.random())
  }

  function failed({ afterMs }: Failed): number {
    failures += 1
    const trouble = around.online() ? (failures > 1 ? 'retrying' : shown.trouble) : 'offline'
    show({ trouble })
    return retryDelayMs(failures, { afterMs, random: around.random() })
  }

  function run(): void {
    if (running !== undefined || goingIn()) return
    cancel?.()
    running = turn().then((pauseMs) => {
      running = undefined
      if (pauseMs !== undefined) cancel = around.after(pauseMs, run)
    })
  }

  const goingIn = (): boolean => shown.stage === 'entering' || shown.stage === 'suspended'
  const active = (): boolean =>
    holdsPlace(shown.stage) || ['joining', 'called', 'closed', 'sold_out'].includes(shown.stage)

  tabs.hear((news) => void heard(news))
  around.show(shown)
  run()
  return {
    wake() {
      if (active()) run()
    },
    async leave() {
      await running
      if (goingIn()) return false
      const left = await line.leave()
      if (left.is === 'failed') {
        show({ trouble: 'not_left' })
        return false
      }
      if (held !== undefined) tabs.tell({ is: 'left', place: held.place })
      gaveUp()
      return true
    },
    async again() {
      if (active()) return run()
      // The missed place is still in the cookie: it has to be given up before a new one is given.
      if (shown.stage === 'missed') await line.leave()
      show({ stage: 'joining', position: null, progress: 0 })
      run()
    },
  }
}
