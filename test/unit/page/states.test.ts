// What the page does before the opening, when nothing is left, and after the end.

import { expect, test } from 'vitest'
import { called, held, open, PLACE, seen } from './open-page.ts'

const AT = PLACE / 1_000 + 60_000
const names = (calls: readonly string[]) => calls.map((call) => call.split(' ')[0])

test('before the opening the page asks for no place, and counts down to the pre-queue first', async () => {
  const page = open({
    state: 'idle',
    looks: [seen({ state: 'idle', prequeueAt: AT + 3_600_000, startsAt: AT + 7_200_000 })],
  })
  await page.settle()
  expect(page.calls).toEqual(['now'])
  expect(page.last()).toMatchObject({ stage: 'idle', prequeueAt: AT + 3_600_000, position: null })
})

test.each([0, 0.5, 0.999])(
  'at the opening it looks within five seconds and joins by itself (%f)',
  async (random) => {
    const page = open({
      state: 'idle',
      looks: [seen({ state: 'idle', startsAt: AT + 9_000 }), seen({ at: AT + 9_000 }), seen()],
      joins: [{ is: 'joined', held }],
      random,
    })
    await page.settle()
    expect(page.waitMs()).toBeGreaterThanOrEqual(9_000)
    expect(page.waitMs()).toBeLessThanOrEqual(14_000)
    await page.step()
    expect(names(page.calls)).toEqual(['now', 'now', 'join', 'now'])
    expect(page.last()).toMatchObject({ stage: 'waiting', position: 101 })
  },
)

test('pages that opened together do not ask together when the sale opens', async () => {
  const waits = await Promise.all(
    [0, 0.25, 0.5, 0.75].map(async (random) => {
      const page = open({ state: 'idle', looks: [seen({ state: 'idle', startsAt: AT + 9_000 })], random })
      await page.settle()
      return page.waitMs()
    }),
  )
  expect(new Set(waits).size).toBe(4)
})

test('while a copy of the snapshot is late with the opening, the page looks again within seconds', async () => {
  const page = open({ state: 'idle', looks: [seen({ state: 'idle', startsAt: AT - 500 })] })
  await page.settle()
  expect(page.waitMs()).toBeLessThan(5_000)
})

test('a join that is refused because the room is not open yet shows when it opens', async () => {
  const page = open({
    joins: [{ is: 'closed' }],
    looks: [seen({ state: 'idle', startsAt: AT + 9_000 })],
  })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'idle', startsAt: AT + 9_000 })
  expect(page.waitMs()).toBeLessThanOrEqual(14_000)
})

test('in a pre-queue by arrival the place shows, and the next look comes with the opening at the latest', async () => {
  const page = open({ queue: held, looks: [seen({ state: 'prequeue', startsAt: AT + 1_000 })] })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'prequeue', position: 101, startsAt: AT + 1_000 })
  expect(page.waitMs()).toBeLessThanOrEqual(6_000)
})

test.each([false, true])(
  'a snapshot that asks for shorter intervals has every page look in time (sold out already: %s)',
  async (soldOut) => {
    for (const random of [0, 0.5, 0.999]) {
      const looks = [seen({ state: soldOut ? 'sold_out' : 'open', pollAfterMs: 2_500 })]
      const page = open({ queue: { ...held, ahead: 400_000 }, looks, random })
      await page.settle()
      expect(page.waitMs()).toBeLessThanOrEqual(2_500)
      expect(page.waitMs()).toBeGreaterThan(1_500)
    }
  },
)

test('a sold-out page keeps its place and goes on by itself when something comes back', async () => {
  const page = open({
    queue: held,
    looks: [
      seen({ calledTotal: 60 }),
      seen({ state: 'sold_out', calledTotal: 60 }),
      seen({ calledTotal: 70 }),
    ],
  })
  await page.settle()
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'sold_out', position: 41 })
  await page.step()
  expect(page.last()).toMatchObject({ stage: 'waiting', position: 31 })
  expect(names(page.calls)).toEqual(['now', 'now', 'now'])
})

test('who has been called may still come in when the rest is told that nothing is left', async () => {
  const page = open({
    queue: held,
    looks: [seen({ state: 'sold_out', serving: PLACE })],
    claims: [{ is: 'admitted' }],
  })
  await page.settle()
  expect(page.last()?.stage).toBe('entering')
})

test('a late claim in a room that stands still is not repeated every two seconds', async () => {
  const page = open({
    queue: held,
    looks: [seen({ state: 'paused', serving: PLACE })],
    claims: [{ is: 'waiting' }],
  })
  await page.settle()
  expect(page.last()?.stage).toBe('paused')
  const open2 = open({ queue: held, looks: [called], claims: [{ is: 'waiting' }] })
  await open2.settle()
  expect(open2.waitMs()).toBeLessThanOrEqual(2_300)
})

test('a page that comes to a sold-out room without a place looks, and joins when it opens again', async () => {
  const page = open({
    state: 'sold_out',
    looks: [seen({ state: 'sold_out' }), seen(), seen()],
    joins: [{ is: 'joined', held }],
  })
  await page.settle()
  expect(page.calls).toEqual(['now'])
  await page.step()
  expect(names(page.calls)).toEqual(['now', 'now', 'join', 'now'])
})

test('a newcomer looks as often as the last in line, so that both hear at once when something comes back', async () => {
  const page = open({ state: 'sold_out', looks: [seen({ state: 'sold_out', waiting: 20 })] })
  await page.settle()
  expect(page.waitMs()).toBeLessThan(5_000)
})

test('the very first words have the times', async () => {
  const times = { at: AT, startsAt: AT + 9_000, endsAt: AT - 1 }
  const page = open({ state: 'idle', times, looks: [seen({ state: 'idle', startsAt: AT + 9_000 })] })
  expect(page.shown[0]).toMatchObject({ stage: 'idle', startsAt: AT + 9_000, endsAt: AT - 1 })
  await page.settle()
})

test('after the end the page says so, and when it was', async () => {
  const page = open({ queue: held, looks: [seen({ state: 'closed', endsAt: AT - 1 })] })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'closed', endsAt: AT - 1 })
})

test('a place that is refused when it is presented again does not become a loop', async () => {
  const page = open({
    queue: held,
    looks: [seen({ epoch: 2 }), seen({ epoch: 2 })],
    joins: [{ is: 'sold_out' }],
  })
  await page.settle()
  expect(names(page.calls)).toEqual(['now', 'join', 'now'])
  expect(page.last()?.stage).toBe('sold_out')
})
