// One page of the queue against a scripted line, stepped by hand: used by the tests of its loop.

import { openJoinKey } from '../../../edge/page/join-key.ts'
import { openEntryNote } from '../../../edge/page/kept-entry.ts'
import type { Claimed, Joined, Line, Looked } from '../../../edge/page/line.ts'
import { openMissedCall } from '../../../edge/page/missed-call.ts'
import type { Held, PageData, Snapshot } from '../../../edge/page/room-data.ts'
import { startServerClock } from '../../../edge/page/server-clock.ts'
import type { Shown } from '../../../edge/page/stage.ts'
import type { News, Tabs } from '../../../edge/page/tabs.ts'
import { startWaiting } from '../../../edge/page/waiting.ts'

export const PLACE = 1_780_000_000_000_000
export const held: Held = {
  visitor: '7QkTz2mXwPb4',
  place: PLACE,
  ahead: 100,
  calledTotal: 0,
  leftTotal: 0,
  epoch: 1,
  entry: undefined,
}
export const snapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  epoch: 1,
  at: PLACE / 1_000 + 60_000,
  state: 'open',
  serving: 0,
  waiting: 500,
  calledTotal: 0,
  departures: [],
  ratePerMinute: 60,
  free: 0,
  admittedPerMinute: 60,
  front: [],
  message: '',
  pollAfterMs: 5_000,
  degraded: false,
  prequeueAt: null,
  startsAt: null,
  endsAt: null,
  draw: null,
  ...changes,
})
export const seen = (changes?: Partial<Snapshot>): Looked => ({ is: 'seen', snapshot: snapshot(changes) })
export const failed = { is: 'failed', afterMs: undefined } as const
export const called = seen({ serving: PLACE })

/** One browser; each call opens a tab that hears what the others tell. A deaf one is frozen, and finds only what is kept. */
export function browserOfTabs() {
  const listeners: ((news: News) => void)[] = []
  let left: number | undefined
  return ({ deaf = false } = {}): Tabs => {
    let mine: (news: News) => void = () => undefined
    return {
      tell(news) {
        if (news.is === 'left') left = news.place
        for (const listener of listeners) if (listener !== mine) listener(news)
      },
      hear(listener) {
        mine = listener
        if (!deaf) listeners.push(listener)
      },
      hasLeft: (place) => place === left,
    }
  }
}

/** Runs the loop by hand: `step` fires the timer that is set. */
export function open(script: {
  joins?: Joined[]
  looks?: Looked[]
  claims?: Claimed[]
  queue?: Held | undefined
  storage?: Map<string, string>
  tabs?: Tabs
  returned?: boolean
  state?: string
  random?: number
  times?: Partial<PageData['times']>
}) {
  const calls: string[] = []
  const shown: Shown[] = []
  let timer: { waitMs: number; callback: () => void } | undefined
  let clockMs = 0
  let entered: 'pass' | 'suspension' | undefined
  const next = <Answer>(name: string, answers: Answer[] | undefined): Promise<Answer> => {
    calls.push(name)
    const answer = answers?.shift()
    if (answer === undefined) throw new Error(`the script has no further answer to ${name}`)
    return Promise.resolve(answer)
  }
  const line: Line = {
    join: (key) => next(`join ${key}`, script.joins),
    now: () => next('now', script.looks),
    claim: () => next('claim', script.claims),
    leave: () => next('leave', [{ is: 'left' }]),
  }
  const memory = script.storage ?? new Map<string, string>()
  const storage = {
    getItem: (name: string) => memory.get(name) ?? null,
    setItem: (name: string, value: string) => void memory.set(name, value),
    removeItem: (name: string) => void memory.delete(name),
  }
  const times = { claimWindowSeconds: 30, lateGraceSeconds: 600 }
  const page = {
    ...times,
    room: 'demo',
    base: '/q',
    title: 'Demo',
    message: '',
    state: script.state ?? 'open',
    queue: script.queue,
    times: { at: undefined, prequeueAt: null, startsAt: null, endsAt: null, draw: null, ...script.times },
  }
  const waiting = startWaiting(page, {
    line,
    key: openJoinKey('demo', storage),
    note: openEntryNote('demo', storage),
    missedCall: openMissedCall('demo', storage),
    clock: startServerClock(() => clockMs),
    show: (state) => shown.push(state),
    tabs: script.tabs ?? browserOfTabs()(),
    returned: script.returned ?? false,
    enter: (by) => {
      entered = by
    },
    nowMs: () => clockMs,
    random: () => script.random ?? 0.5,
    hidden: () => false,
    online: () => true,
    after(waitMs, callback) {
      timer = { waitMs, callback }
      return () => {
        timer = undefined
      }
    },
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    calls,
    shown,
    waiting,
    settle,
    last: () => shown.at(-1),
    waitMs: () => timer?.waitMs,
    entered: () => entered,
    pass(ms: number) {
      clockMs += ms
    },
    async step() {
      const { callback } = timer ?? { callback: () => undefined }
      timer = undefined
      callback()
      await settle()
    },
  }
}
