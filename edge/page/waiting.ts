// The visitor's wait as a loop: join, look at the snapshot, claim when called, enter; with retries that keep the place.
// Started by `queue.ts`, which supplies the network, the clock and the screen; it touches no DOM itself and stores no token.
// What a snapshot means is decided in outlook.ts, when to ask next in pace.ts, a draw in own-draw.ts.

import { etaSeconds, SHORTEST_POLL_MS } from '../../src/queue/position.ts'
import type { Failed } from './line.ts'
import { openLoop, type Pause } from './loop.ts'
import { firstStage, isShut, outlook, standingStage } from './outlook.ts'
import { startOwnDraw } from './own-draw.ts'
import { jitter, openingDelayMs, pauseMs, retryDelayMs, shutDelayMs } from './pace.ts'
import { startRecovery } from './recovery.ts'
import type { Held, PageData, Snapshot } from './room-data.ts'
import { countsDownTo, holdsPlace, NOTHING_SHOWN, type Shown, type Stage } from './stage.ts'
import type { Surroundings, Waiting } from './surroundings.ts'
import type { News } from './tabs.ts'

/** How long "It's your turn" stays before the shop opens by itself. */
const MOMENT_MS = 1_600
/** When a room is switched off, all its pages hear of it within seconds: spread over this time, they enter. */
const SUSPENSION_SPREAD_MS = 3_000
/** Some isolate still held this page after it had entered: its copy of the settings is older, or the room is on again. */
const RETURNED_MS = 10_000

export function startWaiting(page: PageData, around: Surroundings): Waiting {
  const { line, key, note, missedCall, tabs, clock } = around
  let held: Held | undefined = page.queue
  /** The room as last heard of: without a place, a room that is shut is looked at before anybody joins. */
  let state = page.state
  let failures = 0
  const ownDraw = startOwnDraw(note, around)
  const recovery = startRecovery(around)
  if (held !== undefined) missedCall.forget()
  const stage = missedCall.known() ? 'missed' : firstStage(held, state)
  const { at: _at, ...times } = page.times
  let shown: Shown = { ...NOTHING_SHOWN, ...times, stage, message: page.message, ...identity() }
  const loop = openLoop(turn, (waitMs, callback) => around.after(waitMs, callback))

  function identity(): Pick<Shown, 'visitor' | 'entry'> {
    const visitor = held?.visitor ?? ''
    return { visitor, entry: held?.entry ?? note.of(visitor) }
  }

  function show(changes: Partial<Shown>): void {
    shown = { ...shown, ...changes }
    around.show(shown)
  }

  /** One turn of the loop. */
  async function turn(): Promise<Pause> {
    if (held !== undefined) return tabs.hasLeft(held.place) ? gaveUp() : await look()
    return isShut(state) ? await look() : await join()
  }

  async function join(): Promise<Pause> {
    const joined = await line.join(key.current())
    if (joined.is === 'failed') return failed(joined)
    // Whatever the answer, it is one: the next join is another request.
    key.answered()
    if (joined.is === 'missed') return missed()
    // `join` knows of no suspension, and not when the room opens: the snapshot does.
    if (joined.is !== 'joined') return await look({ refusedAs: joined.is })
    if (joined.held.place !== held?.place) tabs.tell({ is: 'joined', held: joined.held })
    recovery.confirmed(joined.held.epoch)
    take(joined.held)
    return await look({ justJoined: true })
  }

  function take(mine: Held): void {
    // In another epoch the same place may have others ahead: the lowest number of before says nothing.
    const isOther = mine.place !== held?.place || mine.epoch !== held.epoch
    held = mine
    missedCall.forget()
    show({ ...identity(), ...(isOther && { position: null, progress: 0 }) })
  }

  async function look({
    justJoined = false,
    refusedAs,
  }: { justJoined?: boolean; refusedAs?: 'sold_out' | 'closed' } = {}): Promise<Pause> {
    const looked = await line.now()
    if (looked.is === 'failed') return refusedAs === undefined ? failed(looked) : shut(refusedAs)
    const { snapshot } = looked
    state = refusedAs !== undefined && !isShut(snapshot.state) ? refusedAs : snapshot.state
    if (!snapshot.degraded) {
      clock.learn(snapshot.at)
      recovery.sees(snapshot)
    }
    const { message, prequeueAt, startsAt, endsAt, draw } = snapshot
    // Shown with what it leads to, in one go: a screen reader hears only the last of several.
    shown = { ...shown, message, prequeueAt, startsAt, endsAt, draw }
    const seen = outlook(held, snapshot)
    switch (seen.is) {
      case 'free':
        return enterFreely()
      case 'shut':
        return shut(seen.stage, snapshot)
      case 'join':
        return refusedAs === undefined ? await join() : shut(refusedAs, snapshot)
      case 'return':
        if (refusedAs !== undefined) return shut(refusedAs, snapshot)
        if (seen.after === 'loss' || justJoined) return await comeBack(justJoined)
        return await returnFromDraw(seen.mine, snapshot)
      case 'called':
        return await claim(snapshot)
      case 'wait':
        return await wait(seen.mine, snapshot, seen)
    }
  }

  /** Presenting the token (in its cookie) puts the place back; an older copy of the store must not make it a loop. */
  async function comeBack(justJoined: boolean): Promise<Pause> {
    if (state === 'recovering') show({ stage: state, position: null, progress: 0 })
    return justJoined ? failed({ is: 'failed', afterMs: undefined }) : await join()
  }

  /** Everybody hears of the end of a draw at once: they come back in its order, and nothing is out of order meanwhile. */
  async function returnFromDraw(mine: Held, snapshot: Snapshot): Promise<Pause> {
    const inMs = await ownDraw.returnsInMs(mine, snapshot)
    if (inMs <= 0) return await comeBack(false)
    show({ ...well(snapshot), stage: 'drawing', position: null })
    return Math.min(inMs, shutDelayMs(around.random(), snapshot.pollAfterMs))
  }

  async function wait(
    mine: Held,
    snapshot: Snapshot,
    { stage, position }: { stage: Stage; position: number | null },
  ): Promise<Pause> {
    const confirmsInMs = recovery.confirmsInMs(mine.epoch)
    if (!snapshot.degraded && confirmsInMs !== undefined && confirmsInMs <= 0) return await join()
    ownDraw.noteEntry(mine, snapshot)
    const verdict = await ownDraw.verdictOn(mine, snapshot)
    if (recovery.isUnsure(mine.epoch) && position !== null && stage !== 'sold_out') {
      const still = stage === 'waiting' ? 'recovering' : stage
      show({ ...well(snapshot), stage: still, position: null, progress: 0, verdict })
      return Math.min(confirmsInMs ?? Number.POSITIVE_INFINITY, pause(snapshot, position))
    }
    const lowest = position === null ? null : Math.min(position, shown.position ?? position)
    show({
      ...well(snapshot),
      stage,
      position: lowest,
      progress: mine.ahead > 0 && lowest !== null ? Math.max(0, 1 - (lowest - 1) / mine.ahead) : 0,
      eta: lowest === null ? undefined : etaSeconds(lowest, snapshot),
      late: mine.entry === undefined && mine.epoch === snapshot.epoch && mine.place <= snapshot.serving,
      verdict,
    })
    return pause(snapshot, position)
  }

  function pause(snapshot: Snapshot, position: number | null): number {
    const random = around.random()
    const waitMs = pauseMs(snapshot, { position, hidden: around.hidden(), random })
    return openingDelayMs(waitMs, { toOpeningMs: toOpeningMs(), random })
  }

  function toOpeningMs(): number | undefined {
    const [opensAtMs, nowMs] = [countsDownTo(shown), clock.nowMs()]
    return opensAtMs === null || nowMs === undefined ? undefined : opensAtMs - nowMs
  }

  async function claim(snapshot: Snapshot): Promise<Pause> {
    show({ stage: 'called', position: 1, progress: 1, eta: undefined })
    const claimed = await line.claim()
    if (claimed.is === 'admitted') {
      failures = 0
      tabs.tell({ is: 'admitted' })
      return enterWithPass()
    }
    if (claimed.is === 'waiting') {
      // The edge's copy was ahead of the store's own decision, or the one late return has just begun: close to the front.
      show({ ...well(snapshot), stage: standingStage(snapshot.state) })
      return snapshot.state === 'open' ? jitter(SHORTEST_POLL_MS, around.random()) : pause(snapshot, 1)
    }
    if (claimed.is === 'unknown') {
      if (held !== undefined && tabs.hasLeft(held.place)) return gaveUp()
      held = undefined
      return failed({ is: 'failed', afterMs: undefined })
    }
    if (claimed.is === 'failed') return failed(claimed)
    return claimed.is === 'missed' ? missed() : shut(claimed.is, snapshot)
  }

  function enterWithPass(): undefined {
    show({ stage: 'entering', position: 1, progress: 1, eta: undefined, trouble: 'none' })
    around.after(MOMENT_MS, () => around.enter('pass'))
  }

  function enterFreely(): undefined {
    failures = 0
    show({ stage: 'suspended', position: null, progress: 1, eta: undefined, trouble: 'none' })
    const waitMs = around.random() * SUSPENSION_SPREAD_MS + (around.returned ? RETURNED_MS : 0)
    around.after(waitMs, () => around.enter('suspension'))
  }

  /** Here or in another tab: the place is no more, and only the visitor's own button asks for another. */
  function gaveUp(): undefined {
    loop.stop()
    end('left')
  }

  function missed(): undefined {
    failures = 0
    missedCall.note()
    end('missed')
  }

  function end(stage: 'left' | 'missed'): void {
    held = undefined
    show({ stage, position: null, late: false, progress: 0, eta: undefined, trouble: 'none', ...identity() })
  }

  function shut(stage: 'idle' | 'sold_out' | 'closed', snapshot?: Snapshot): number {
    const settled = snapshot === undefined ? { trouble: 'none' as const } : well(snapshot)
    failures = 0
    show({ ...settled, stage, position: null, progress: 0, eta: undefined })
    // What comes back is news for who would join as much as for the last in line.
    if (stage === 'sold_out' && snapshot !== undefined) return pause(snapshot, snapshot.waiting + 1)
    const random = around.random()
    const waitMs = shutDelayMs(random, snapshot?.pollAfterMs ?? 0)
    return openingDelayMs(waitMs, { toOpeningMs: toOpeningMs(), random })
  }

  async function heard(news: News): Promise<void> {
    // A join of this tab's own that is on its way comes after the leave, and stands.
    if (news.is === 'left' && held === undefined) return
    await loop.settled()
    if (goingIn()) return
    if (news.is === 'left') return gaveUp()
    if (news.is === 'admitted') {
      if (!active()) return
      loop.stop()
      return enterWithPass()
    }
    if (news.held.place === held?.place) return
    show({ stage: 'joining' })
    take(news.held)
    run()
  }

  /** What an answer settles, to be shown with what it says. While the edge has lost its store its copy grows old. */
  function well({ degraded, at }: Snapshot): Pick<Shown, 'trouble' | 'updatedAtMs'> {
    failures = 0
    const nowMs = around.nowMs()
    if (!degraded) return { trouble: 'none', updatedAtMs: nowMs }
    const ageMs = Math.max(0, (clock.nowMs() ?? nowMs) - at)
    return { trouble: 'old', updatedAtMs: nowMs - ageMs }
  }

  function failed({ afterMs }: Failed): number {
    failures += 1
    const trouble = around.online() ? (failures > 1 ? 'retrying' : shown.trouble) : 'offline'
    show({ trouble })
    return retryDelayMs(failures, { afterMs, random: around.random() })
  }

  function run(): void {
    if (!goingIn()) loop.run()
  }

  const goingIn = (): boolean => shown.stage === 'entering' || shown.stage === 'suspended'
  const active = (): boolean =>
    holdsPlace(shown) || ['joining', 'called', 'idle', 'closed', 'sold_out'].includes(shown.stage)

  tabs.hear((news) => void heard(news))
  around.show(shown)
  if (stage !== 'missed') run()
  return {
    wake() {
      if (active()) run()
    },
    async leave() {
      await loop.settled()
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
      missedCall.forget()
      show({ stage: 'joining', position: null, progress: 0 })
      run()
    },
  }
}
