// The loop of the queue page against a scripted line: what is shown, what is asked, and in which order.

import { expect, test } from 'vitest'
import { openJoinKey } from '../../../edge/page/join-key.ts'
import type { Claimed, Joined, Line, Looked } from '../../../edge/page/line.ts'
import type { Held, Snapshot } from '../../../edge/page/room-data.ts'
import type { Shown } from '../../../edge/page/stage.ts'
import { startWaiting } from '../../../edge/page/waiting.ts'

const PLACE = 1_780_000_000_000_000
const held: Held = {
  visitor: '7QkTz2mXwPb4',
  place: PLACE,
  ahead: 100,
  calledTotal: 0,
  leftTotal: 0,
  epoch: 1,
  eta: undefined,
}
const snapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  epoch: 1,
  at: PLACE / 1_000 + 60_000,
  state: 'open',
  serving: 0,
  waiting: 500,
  calledTotal: 0,
  leftTotal: 0,
  admittedPerMinute: 60,
  front: [],
  message: '',
  ...changes,
})
const seen = (changes?: Partial<Snapshot>): Looked => ({ is: 'seen', snapshot: snapshot(changes) })
const failed = { is: 'failed', afterMs: undefined } as const
const called = seen({ serving: PLACE })

/** Runs the loop by hand: `step` fires the timer that is set. */
function open(script: {
  joins?: Joined[]
  looks?: Looked[]
  claims?: Claimed[]
  queue?: Held | undefined
  storage?: Map<string, string>
}) {
  const calls: string[] = []
  const shown: Shown[] = []
  let timer: { waitMs: number; callback: () => void } | undefined
  let entered = false
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
    state: 'open',
    queue: script.queue,
  }
  const waiting = startWaiting(page, {
    line,
    key: openJoinKey('demo', storage),
    show: (state) => shown.push(state),
    enter: () => {
      entered = true
    },
    nowMs: () => 0,
    random: () => 0.5,
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
    async step() {
      const { callback } = timer ?? { callback: () => undefined }
      timer = undefined
      callback()
      await settle()
    },
  }
}

test('a lost reply to join is asked for again under the same key, and the next join has another', async () => {
  const storage = new Map<string, string>()
  const page = open({ joins: [failed, { is: 'joined', held }], looks: [seen()], storage })
  await page.settle()
  const [first = ''] = page.calls
  expect(first).toMatch(/^join [\w-]{22,}$/)
  expect([...storage.values()]).toEqual([first.slice(5)])
  await page.step()
  expect(page.calls).toEqual([first, first, 'now'])
  expect(storage.size).toBe(0)

  const other = open({ joins: [{ is: 'joined', held }], looks: [seen()], storage })
  await other.settle()
  expect(other.calls[0]).not.toBe(first)
})

test('a reload in the middle of a join sends the key of before', async () => {
  const storage = new Map([['wr-join-demo', 'k'.repeat(24)]])
  const page = open({ joins: [{ is: 'joined', held }], looks: [seen()], storage })
  await page.settle()
  expect(page.calls[0]).toBe(`join ${'k'.repeat(24)}`)
})

test('without any storage a join still repeats its key', () => {
  const key = openJoinKey('demo', undefined)
  expect(key.current()).toBe(key.current())
})

test('the position shown never rises', async () => {
  const page = open({
    queue: held,
    looks: [seen({ calledTotal: 60 }), seen({ calledTotal: 20 }), seen({ calledTotal: 70 })],
  })
  await page.settle()
  expect(page.last()?.position).toBe(41)
  await page.step()
  expect(page.last()?.position).toBe(41)
  await page.step()
  expect(page.last()?.position).toBe(31)
})

test('a called visitor claims at once and enters by itself after a moment', async () => {
  const page = open({ queue: held, looks: [called], claims: [{ is: 'admitted' }] })
  await page.settle()
  expect(page.calls).toEqual(['now', 'claim'])
  expect(page.last()?.stage).toBe('entering')
  expect(page.waitMs()).toBeGreaterThanOrEqual(1_000)
  expect(page.entered()).toBe(false)
  await page.step()
  expect(page.entered()).toBe(true)
})

test('who is not called does not claim', async () => {
  const page = open({ queue: held, looks: [seen({ serving: PLACE - 1 })] })
  await page.settle()
  expect(page.calls).toEqual(['now'])
})

test('errors keep the place on screen and say so only when they repeat', async () => {
  const page = open({ queue: held, looks: [seen(), failed, failed, seen()] })
  await page.settle()
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 101, trouble: 'none' })
  const firstPauseMs = page.waitMs() ?? 0
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 101, trouble: 'retrying' })
  expect(page.waitMs()).toBeGreaterThan(firstPauseMs)
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', trouble: 'none' })
})

test('Retry-After is honoured', async () => {
  const page = open({ queue: held, looks: [{ is: 'failed', afterMs: 12_000 }] })
  await page.settle()
  expect(page.waitMs()).toBeGreaterThanOrEqual(12_000)
})

test('a new epoch presents the token again and keeps the position', async () => {
  const restored = { ...held, epoch: 2, ahead: 40, calledTotal: 5 }
  const recovering = seen({ epoch: 2, state: 'recovering', calledTotal: 5 })
  const page = open({
    queue: held,
    looks: [seen({ calledTotal: 60 }), recovering, recovering],
    joins: [{ is: 'joined', held: restored }],
  })
  await page.settle()
  expect(page.last()?.position).toBe(41)
  await page.step()
  expect(page.calls.map((call) => call.split(' ')[0])).toEqual(['now', 'now', 'join', 'now'])
  expect(page.last()).toMatchObject({ stage: 'recovering', position: 41 })
})

test('an older copy of the store that still lacks the new epoch does not make the page join in a loop', async () => {
  const page = open({
    queue: held,
    looks: [seen({ epoch: 2 }), seen({ epoch: 2 })],
    joins: [{ is: 'joined', held }],
  })
  await page.settle()
  expect(page.calls.filter((call) => call.startsWith('join'))).toHaveLength(1)
  expect(page.waitMs()).toBeGreaterThan(0)
})

test('a missed call says so, asks no further, and joining again gives the old place up first', async () => {
  const page = open({
    queue: held,
    looks: [called, seen()],
    claims: [{ is: 'missed' }],
    joins: [{ is: 'joined', held: { ...held, place: PLACE + 5, ahead: 400 } }],
  })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'missed', position: null })
  expect(page.waitMs()).toBeUndefined()
  await page.waiting.again()
  await page.settle()
  expect(page.calls.map((call) => call.split(' ')[0])).toEqual(['now', 'claim', 'leave', 'join', 'now'])
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 401 })
})

test('a visitor unknown to the store joins again', async () => {
  const page = open({
    queue: held,
    looks: [called, seen()],
    claims: [{ is: 'unknown' }],
    joins: [{ is: 'joined', held }],
  })
  await page.settle()
  await page.step()
  expect(page.calls.map((call) => call.split(' ')[0])).toEqual(['now', 'claim', 'join', 'now'])
})

test('sold out is shown, and looked at again: seats may come back', async () => {
  const page = open({ queue: held, looks: [seen({ state: 'sold_out' }), seen()] })
  await page.settle()
  expect(page.last()?.stage).toBe('sold_out')
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 101 })
})

test('leaving gives the place up and ends the asking', async () => {
  const page = open({ queue: held, looks: [seen()] })
  await page.settle()
  expect(await page.waiting.leave()).toBe(true)
  expect(page.last()).toMatchObject({ stage: 'left', position: null })
  expect(page.waitMs()).toBeUndefined()
  page.waiting.wake()
  await page.settle()
  expect(page.calls).toEqual(['now', 'leave'])
})
