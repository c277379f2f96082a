// The loop of the queue page against a scripted line: what is shown, what is asked, and in which order.

import { expect, test } from 'vitest'
import { openJoinKey } from '../../../edge/page/join-key.ts'
import { startRecovery } from '../../../edge/page/recovery.ts'
import { browserOfTabs, called, failed, held, open, PLACE, seen, snapshot } from './open-page.ts'

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
  expect(page.entered()).toBeUndefined()
  await page.step()
  expect(page.entered()).toBe('pass')
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

test('a new epoch presents the token again, and no number is told while others are still coming back', async () => {
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
  expect(page.last()).toMatchObject({ stage: 'recovering', position: null })
  expect(
    page.shown.filter(({ stage }) => stage === 'recovering').map(({ position }) => position),
  ).not.toContain(41)
})

test('who came back first is not first for ever: when all are back the token is presented once more', async () => {
  const alone = { ...held, epoch: 2, ahead: 0, calledTotal: 5 }
  const recovering = seen({ epoch: 2, state: 'recovering', calledTotal: 5, waiting: 1 })
  const back = seen({ epoch: 2, calledTotal: 5 })
  const page = open({
    queue: held,
    looks: [recovering, recovering, back, back, back, back],
    joins: [
      { is: 'joined', held: alone },
      { is: 'joined', held: { ...alone, ahead: 90 } },
    ],
  })
  await page.settle()
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'recovering', position: null })
  expect(page.calls.filter((call) => call.startsWith('join'))).toHaveLength(1)
  // Not all at the same moment, and not before the last ones are back.
  expect(page.waitMs()).toBeGreaterThanOrEqual(2_000)
  page.pass(10_000)
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 91 })
  expect(page.calls.filter((call) => call.startsWith('join'))).toHaveLength(2)
  page.pass(60_000)
  await page.step()
  expect(page.calls.filter((call) => call.startsWith('join'))).toHaveLength(2)
})

test('a page that slept through a recovery forgets its lowest number with the epoch', async () => {
  const page = open({
    queue: held,
    looks: [
      seen({ calledTotal: 60 }),
      seen({ epoch: 2, calledTotal: 5 }),
      seen({ epoch: 2, calledTotal: 5 }),
    ],
    joins: [{ is: 'joined', held: { ...held, epoch: 2, ahead: 60, calledTotal: 5 } }],
  })
  await page.settle()
  expect(page.last()?.position).toBe(41)
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 61 })
})

test('pages that were put back do not all present their token at once', async () => {
  const waits = [0, 0.5, 0.999].map((random) => {
    const recovery = startRecovery({ nowMs: () => 0, random: () => random })
    recovery.sees({ state: 'recovering', epoch: 2 })
    expect(recovery.confirmsInMs(2)).toBeUndefined()
    recovery.sees({ state: 'open', epoch: 2 })
    recovery.sees({ state: 'open', epoch: 2 })
    return recovery.confirmsInMs(2)
  })
  expect(waits.map((ms) => Math.round(ms ?? 0))).toEqual([2_000, 6_000, 9_992])
})

test('each answer is shown in one go, so that a message that comes with a change is not lost on a screen reader', async () => {
  const page = open({
    queue: held,
    looks: [
      seen(),
      seen({ state: 'paused', message: 'Back at 19:40.' }),
      seen({ state: 'sold_out', message: 'Sorry.' }),
    ],
  })
  await page.settle()
  await page.step()
  await page.step()
  for (const { message, stage } of page.shown) {
    expect([stage, message]).toEqual([
      stage,
      { waiting: '', paused: 'Back at 19:40.', sold_out: 'Sorry.' }[stage as string],
    ])
  }
})

test('an old copy grows old on the page too, which says so calmly', async () => {
  const { at } = snapshot()
  const page = open({ queue: held, looks: [seen(), seen({ degraded: true }), seen({ at: at + 90_000 })] })
  await page.settle()
  expect(page.last()).toMatchObject({ trouble: 'none', updatedAtMs: 0 })
  page.pass(60_000)
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 101, trouble: 'old', updatedAtMs: 0 })
  page.pass(30_000)
  await page.step()
  expect(page.last()).toMatchObject({ trouble: 'none', updatedAtMs: 90_000 })
})

test('a reload after a missed call asks nothing and joins nowhere until the button is pressed', async () => {
  const storage = new Map<string, string>()
  const before = open({ queue: held, looks: [called], claims: [{ is: 'missed' }], storage })
  await before.settle()
  const page = open({ storage, looks: [seen()], joins: [{ is: 'joined', held }] })
  await page.settle()
  page.waiting.wake()
  await page.settle()
  expect(page.last()?.stage).toBe('missed')
  expect(page.calls).toEqual([])
  await page.waiting.again()
  await page.settle()
  expect(page.last()?.stage).toBe('waiting')
  expect(storage.has('wr-missed-demo')).toBe(false)
})

test('who is back at the front after a missed call is told so', async () => {
  const late = seen({ serving: PLACE + 9, front: [PLACE, PLACE + 10] })
  const page = open({ queue: held, looks: [called, late], claims: [{ is: 'waiting' }] })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'waiting', late: false })
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', late: true, position: 1 })
})

test('the wait after a lull is that of the free slots, not of the few who were admitted lately', async () => {
  const page = open({ queue: held, looks: [seen({ admittedPerMinute: 1, ratePerMinute: 600, free: 500 })] })
  await page.settle()
  expect(page.last()?.eta?.high).toBeLessThan(30)
})

test('an entry, which has no position, has a time to look again', async () => {
  const page = open({
    queue: { ...held, entry: { number: 1, entries: 1, head: '' } },
    looks: [seen({ state: 'prequeue' })],
  })
  await page.settle()
  expect(page.waitMs()).toBeGreaterThan(0)
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

test('a room that is switched off lets everyone in within three seconds, without a claim', async () => {
  const page = open({ queue: held, looks: [seen(), seen({ state: 'suspended' })] })
  await page.settle()
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'suspended', position: null, trouble: 'none' })
  expect(page.waitMs()).toBe(1_500)
  page.waiting.wake()
  await page.step()
  expect(page.entered()).toBe('suspension')
  expect(page.calls).toEqual(['now', 'now'])
})

test('a page that was held again right after it had entered tries again slowly', async () => {
  const page = open({ queue: held, looks: [seen({ state: 'suspended' })], returned: true })
  await page.settle()
  expect(page.waitMs()).toBeGreaterThanOrEqual(10_000)
})

test('a page without a place hears of a suspension although the room is closed', async () => {
  const page = open({ joins: [{ is: 'closed' }], looks: [seen({ state: 'suspended' })] })
  await page.settle()
  expect(page.last()?.stage).toBe('suspended')
})

test('leaving in one tab tells the other, which neither asks nor joins until its button is pressed', async () => {
  const tab = browserOfTabs()
  const one = open({ queue: held, looks: [seen()], tabs: tab() })
  const other = open({
    queue: held,
    looks: [seen(), seen()],
    joins: [{ is: 'joined', held }],
    tabs: tab(),
  })
  await one.settle()
  await one.waiting.leave()
  await other.settle()
  expect(other.last()).toMatchObject({ stage: 'left', position: null, visitor: '' })
  expect(other.waitMs()).toBeUndefined()
  other.waiting.wake()
  await other.settle()
  expect(other.calls).toEqual(['now'])
})

test('joining again in one tab gives the other the same place, without another join', async () => {
  const tab = browserOfTabs()
  const anew = { ...held, place: PLACE + 5, ahead: 400 }
  const one = open({
    queue: held,
    looks: [seen(), seen()],
    joins: [{ is: 'joined', held: anew }],
    tabs: tab(),
  })
  const other = open({ queue: held, looks: [seen(), seen()], tabs: tab() })
  await one.settle()
  await one.waiting.leave()
  await one.waiting.again()
  await other.settle()
  expect(other.last()).toMatchObject({ stage: 'waiting', position: 401 })
  expect(other.last()?.eta).toBeDefined()
  expect(other.calls).toEqual(['now', 'now'])
})

test('a claim in one tab takes the other in as well', async () => {
  const tab = browserOfTabs()
  const other = open({ queue: held, looks: [seen()], tabs: tab() })
  await other.settle()
  const one = open({ queue: held, looks: [called], claims: [{ is: 'admitted' }], tabs: tab() })
  await one.settle()
  expect(other.last()?.stage).toBe('entering')
  await other.step()
  expect(other.entered()).toBe('pass')
  expect(other.calls).toEqual(['now'])
})

test('a tab that was frozen while another left finds out at its next turn', async () => {
  const tab = browserOfTabs()
  const frozen = open({ queue: held, looks: [seen()], tabs: tab({ deaf: true }) })
  const one = open({ queue: held, looks: [seen()], tabs: tab() })
  await one.settle()
  await one.waiting.leave()
  await frozen.step()
  expect(frozen.last()?.stage).toBe('left')
  expect(frozen.calls).toEqual(['now'])
})

test('a claim that is unknown because another tab left does not join by itself', async () => {
  const tab = browserOfTabs()
  const leaving = tab()
  const page = open({ queue: held, looks: [called], claims: [{ is: 'unknown' }], tabs: tab({ deaf: true }) })
  // Between the look and the answer of the claim.
  leaving.tell({ is: 'left', place: PLACE })
  await page.settle()
  expect(page.last()?.stage).toBe('left')
  expect(page.calls).toEqual(['now', 'claim'])
})
