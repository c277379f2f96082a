import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Coalescer } from '../../../edge/coalescer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const alive = () => undefined
const double = (entries: readonly number[]) => Promise.resolve(entries.map((entry) => entry * 2))

test('entries that meet in the window share one call, each with its own outcome', async () => {
  const flush = vi.fn(double)
  const coalescer = new Coalescer(flush, { windowMs: 30 })
  const answers = [1, 2, 3].map((entry) => coalescer.add(entry, alive))
  await vi.advanceTimersByTimeAsync(29)
  expect(flush).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(await Promise.all(answers)).toEqual([2, 4, 6])
  expect(flush.mock.calls).toEqual([[[1, 2, 3]]])
})

test('a batch that is being sent takes nobody else: the next entry leads its own, and they overlap', async () => {
  const first = Promise.withResolvers<number[]>()
  const flush = vi.fn((entries: readonly number[]) => (entries.includes(1) ? first.promise : double(entries)))
  const coalescer = new Coalescer(flush, { windowMs: 30 })
  const slow = coalescer.add(1, alive)
  await vi.advanceTimersByTimeAsync(30)
  const quick = coalescer.add(5, alive)
  await vi.advanceTimersByTimeAsync(30)
  expect(await quick).toBe(10)
  first.resolve([2])
  expect(await slow).toBe(2)
})

test('a failed call fails its own batch and no other', async () => {
  const flush = vi.fn((entries: readonly number[]) =>
    entries.includes(1) ? Promise.reject(new Error('lost')) : double(entries),
  )
  const coalescer = new Coalescer(flush, { windowMs: 30 })
  const failed = Promise.allSettled([coalescer.add(1, alive), coalescer.add(2, alive)])
  await vi.advanceTimersByTimeAsync(30)
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const next = coalescer.add(3, alive)
  await vi.advanceTimersByTimeAsync(30)
  expect(await next).toBe(6)
})

test('the work of a leader outlives its own request', async () => {
  const kept: Promise<unknown>[] = []
  const coalescer = new Coalescer(double, { windowMs: 30 })
  // The leader's client goes away: nobody awaits its answer, only what was given to waitUntil goes on.
  void coalescer.add(1, (work) => void kept.push(work))
  const other = coalescer.add(2, alive)
  await vi.advanceTimersByTimeAsync(30)
  expect(await other).toBe(4)
  expect(kept).toHaveLength(1)
  await kept[0]
})

describe('a leader that never sends', () => {
  /** A leader whose request was ended: its timer does not come back. */
  const deadLeader = (coalescer: Coalescer<number, number>) => {
    const setTimer = vi.spyOn(globalThis, 'setTimeout').mockReturnValueOnce(undefined as never)
    void coalescer.add(1, alive).catch(() => undefined)
    setTimer.mockRestore()
  }

  test('is replaced by another that waits in the batch', async () => {
    const coalescer = new Coalescer(double, { windowMs: 30, deadlineMs: 5_000 })
    deadLeader(coalescer)
    const waiting = coalescer.add(2, alive)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await waiting).toBe(4)
  })
})

test('each entry has a deadline of its own, after which it is told to come again', async () => {
  const coalescer = new Coalescer(() => new Promise<number[]>(() => undefined), {
    windowMs: 30,
    deadlineMs: 5_000,
  })
  const answer = coalescer.add(1, alive)
  const outcome = expect(answer).rejects.toMatchObject({ code: 'busy' })
  await vi.advanceTimersByTimeAsync(5_000)
  await outcome
})

test('a batch is bounded, and the rest goes with the next', async () => {
  const flush = vi.fn(double)
  const coalescer = new Coalescer(flush, { windowMs: 30, maxBatch: 2 })
  const answers = Promise.all([1, 2, 3].map((entry) => coalescer.add(entry, alive)))
  await vi.advanceTimersByTimeAsync(30)
  expect(await answers).toEqual([2, 4, 6])
  expect(flush.mock.calls.map(([entries]) => entries)).toEqual([[1, 2], [3]])
})

describe('a big batch', () => {
  test('goes at once, sent by the entry that completes it', async () => {
    const flush = vi.fn(double)
    const coalescer = new Coalescer(flush, { windowMs: 30, bigBatch: 2 })
    const kept: Promise<unknown>[] = []
    const answers = [coalescer.add(1, alive), coalescer.add(2, (work) => void kept.push(work))]
    expect(flush.mock.calls).toEqual([[[1, 2]]])
    expect(await Promise.all(answers)).toEqual([2, 4])
    expect(kept).toHaveLength(1)
    // The leader's window passes over a batch that is gone.
    await vi.advanceTimersByTimeAsync(30)
    expect(flush).toHaveBeenCalledTimes(1)
  })

  test('waits for its window while enough calls are under way, and takes in more', async () => {
    const slow = Promise.withResolvers<number[]>()
    const flush = vi.fn((entries: readonly number[]) =>
      entries.includes(1) ? slow.promise : double(entries),
    )
    const coalescer = new Coalescer(flush, { windowMs: 30, bigBatch: 1, maxEarlyCalls: 1 })
    const first = coalescer.add(1, alive)
    const rest = [2, 3].map((entry) => coalescer.add(entry, alive))
    expect(flush.mock.calls).toEqual([[[1]]])
    await vi.advanceTimersByTimeAsync(30)
    expect(flush.mock.calls[1]).toEqual([[2, 3]])
    expect(await Promise.all(rest)).toEqual([4, 6])
    slow.resolve([2])
    expect(await first).toBe(2)
  })
})

test('a batch whose sender was ended keeps its room no longer than its entries wait', async () => {
  const flush = vi.fn((entries: readonly number[]) =>
    entries.includes(1) ? new Promise<number[]>(() => undefined) : double(entries),
  )
  const coalescer = new Coalescer(flush, { windowMs: 30, deadlineMs: 1_000, maxWaiting: 1 })
  const lost = expect(coalescer.add(1, alive)).rejects.toMatchObject({ code: 'busy' })
  await vi.advanceTimersByTimeAsync(1_000)
  await lost
  await expect(coalescer.add(2, alive)).rejects.toMatchObject({ code: 'busy' })
  await vi.advanceTimersByTimeAsync(300)
  const next = coalescer.add(2, alive)
  await vi.advanceTimersByTimeAsync(30)
  expect(await next).toBe(4)
})

test('those who are refused are told different times to come again', async () => {
  const refusalAt = (random: number) =>
    new Coalescer(double, { windowMs: 30, maxWaiting: 0, random: () => random }).add(1, alive)
  await expect(refusalAt(0)).rejects.toMatchObject({ details: { retryAfterSeconds: 2 } })
  await expect(refusalAt(0.99)).rejects.toMatchObject({ details: { retryAfterSeconds: 6 } })
})

test('too many waiting are refused at once, and there is room again afterwards', async () => {
  const coalescer = new Coalescer(double, { windowMs: 30, maxWaiting: 2 })
  const answers = Promise.all([coalescer.add(1, alive), coalescer.add(2, alive)])
  await expect(coalescer.add(3, alive)).rejects.toMatchObject({ code: 'busy' })
  await vi.advanceTimersByTimeAsync(30)
  await answers
  const next = coalescer.add(4, alive)
  await vi.advanceTimersByTimeAsync(30)
  expect(await next).toBe(8)
})

test('no timer is left behind by answered entries', async () => {
  const coalescer = new Coalescer(double, { windowMs: 30 })
  const answer = coalescer.add(1, alive)
  await vi.advanceTimersByTimeAsync(30)
  await answer
  expect(vi.getTimerCount()).toBe(0)
})
