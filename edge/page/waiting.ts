// The visitor's wait as a loop: join, look at the snapshot, claim when called, enter; with retries that keep the place.
// Started by `queue.ts`, which supplies the network, the clock and the screen; it touches no DOM itself and stores no token.

import { etaSeconds, pollAfterMs, positionFrom, SHORTEST_POLL_MS } from '../../src/queue/position.ts'
import type { JoinKey } from './join-key.ts'
import type { Failed, Line } from './line.ts'
import { jitter, pollDelayMs, retryDelayMs } from './pace.ts'
import type { Held, PageData, Snapshot } from './room-data.ts'
import { holdsPlace, type Shown } from './stage.ts'

export interface Surroundings {
  readonly line: Line
  readonly key: JoinKey
  show(shown: Shown): void
  /** Opens the address first asked for; the pass is in a cookie by now. */
  enter(): void
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
/** Where nothing can be waited for (closed, sold out) the page still looks now and then: seats come back. */
const OVER_POLL_MS = 30_000
const REFERENCE_LENGTH = 6

export function startWaiting(page: PageData, around: Surroundings): Waiting {
  const { line, key } = around
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
    return held === undefined ? await join() : await look(held)
  }

  async function join(): Promise<number | undefined> {
    const joined = await line.join(key.current())
    if (joined.is === 'failed') return failed(joined)
    // Whatever the answer, it is one: the next join is another request.
    key.answered()
    if (joined.is !== 'joined') return over(joined.is)
    if (joined.held.place !== held?.place) show({ position: null, progress: 0, eta: undefined })
    held = joined.held
    show({ reference: held.visitor.slice(0, REFERENCE_LENGTH) })
    return await look(held, true)
  }

  async function look(mine: Held, justJoined = false): Promise<number | undefined> {
    const looked = await line.now()
    if (looked.is === 'failed') return failed(looked)
    const { snapshot } = looked
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
    if (called) return await claim(snapshot)
    wait(mine, snapshot, position)
    const paceMs = pollAfterMs(position, { eta: etaSeconds(position, snapshot) })
    return pollDelayMs(paceMs, { position, hidden: around.hidden(), random: around.random() })
  }

  async function claim(snapshot: Snapshot): Promise<number | undefined> {
    show({ stage: 'called', position: 1, progress: 1, eta: undefined })
    const claimed = await line.claim()
    if (claimed.is === 'admitted') {
      well(snapshot)
      show({ stage: 'entering' })
      around.after(MOMENT_MS, () => around.enter())
      return undefined
    }
    if (claimed.is === 'waiting') {
      // The edge's copy was ahead of the store's own decision: still waiting, and close.
      well(snapshot)
      show({ stage: 'waiting' })
      return jitter(SHORTEST_POLL_MS, around.random())
    }
    if (claimed.is === 'unknown') {
      held = undefined
      return failed({ is: 'failed', afterMs: undefined })
    }
    return claimed.is === 'failed' ? failed(claimed) : over(claimed.is)
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
    if (running !== undefined || shown.stage === 'entering') return
    cancel?.()
    running = turn().then((pauseMs) => {
      running = undefined
      if (pauseMs !== undefined) cancel = around.after(pauseMs, run)
    })
  }

  const active = (): boolean =>
    holdsPlace(shown.stage) || ['joining', 'called', 'closed', 'sold_out'].includes(shown.stage)

  around.show(shown)
  run()
  return {
    wake() {
      if (active()) run()
    },
    async leave() {
      await running
      if (shown.stage === 'entering') return false
      const left = await line.leave()
      if (left.is === 'failed') {
        show({ trouble: 'not_left' })
        return false
      }
      cancel?.()
      held = undefined
      show({ stage: 'left', position: null, progress: 0, eta: undefined, trouble: 'none', reference: '' })
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
