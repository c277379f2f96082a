// Both limits at once: sessions at the origin, and calls per minute with their burst. And what changes them mid-sale.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QueueUnderTest, range, startServers, statuses, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const MINUTE = 60_000

describe('the limit of active users', () => {
  it('calls nobody beyond it, and the next as soon as a slot is free', async () => {
    const queue = new QueueUnderTest(servers, { total_active_users: 3, burst: 100 })
    await queue.join(...range(0, 10))
    expect((await queue.advance()).snapshot).toMatchObject({ called: 3, waiting: 7 })
    await queue.claim(0, 1, 2)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 0, sessions: 3, waiting: 7 })

    await queue.leave(1, -1)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 1, sessions: 2 })
    expect(await queue.members('called')).toEqual([3])
    await queue.expectCountsToHold()
  })

  it('lowered below what is in use turns away nobody who was called, and calls nobody more', async () => {
    const queue = new QueueUnderTest(servers, { total_active_users: 5, burst: 100 })
    await queue.join(...range(0, 10))
    await queue.advance()
    await queue.claim(0, 1)
    await servers.store.override(queue.room, { total_active_users: 2 })

    expect((await queue.advance()).snapshot).toMatchObject({ called: 3, sessions: 2 })
    expect(statuses(await queue.claim(2, 3, 4))).toEqual(['admitted', 'admitted', 'admitted'])
    await queue.leave(0, -1)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 0, sessions: 4, waiting: 5 })
  })

  it('frees the slots of sessions that expired', async () => {
    const queue = new QueueUnderTest(servers, { total_active_users: 2, burst: 100, session_duration: 1 })
    await queue.join(...range(0, 4))
    await queue.advance()
    await queue.claim(0, 1)
    await queue.elapse(MINUTE - 1_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 0, sessions: 2 })
    await queue.elapse(1_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 2, sessions: 0 })
    expect(statuses(await queue.claim(0))).toEqual(['unknown'])
    await queue.expectCountsToHold()
  })
})

describe('the limit of new users a minute', () => {
  it('fills the bucket with time, and never above the burst', async () => {
    const queue = new QueueUnderTest(servers, { new_users_per_minute: 60, burst: 4, claim_window: 600 })
    await queue.join(...range(0, 100))
    expect((await queue.advance()).snapshot.calledTotal).toBe(4)
    await queue.elapse(2_000)
    expect((await queue.advance()).snapshot.calledTotal).toBe(6)
    await queue.elapse(MINUTE)
    expect((await queue.advance()).snapshot.calledTotal).toBe(10)
  })

  it('loses no fraction of a call between two refreshes', async () => {
    const queue = new QueueUnderTest(servers, { new_users_per_minute: 7, claim_window: 600 })
    await queue.join(...range(0, 30))
    await queue.advance()
    // The burst of 3, then 120 refreshes in 120 s at 7 a minute: 14 more, though no refresh brings a whole one.
    for (let i = 0; i < 120; i += 1) {
      await queue.elapse(1_000)
      await queue.advance()
    }
    expect((await queue.advance()).snapshot.calledTotal).toBe(17)
  })

  it('takes two seconds of the rate as burst where none is set, also of a rate set live', async () => {
    const queue = new QueueUnderTest(servers, { new_users_per_minute: 90 })
    await queue.join(...range(0, 50))
    expect((await queue.advance()).snapshot.calledTotal).toBe(3)
    await queue.claim(0, 1, 2)
    await servers.store.override(queue.room, { new_users_per_minute: 600 })
    await queue.elapse(MINUTE)
    expect((await queue.advance()).snapshot.calledTotal).toBe(23)
  })

  it('measures admissions a minute from claims, soon after they begin too', async () => {
    const queue = new QueueUnderTest(servers, {
      new_users_per_minute: 600,
      burst: 10,
      total_active_users: 1_000,
    })
    await queue.join(...range(0, 600))
    for (let i = 0; i < 50; i += 1) {
      await queue.advance()
      await queue.claim(...range(i * 10, 10))
      await queue.elapse(1_000)
      if (i < 20) continue
      const { snapshot } = await queue.advance()
      expect(snapshot.admittedPerMinute).toBeGreaterThan(540)
      expect(snapshot.admittedPerMinute).toBeLessThan(660)
    }
  })
})

describe('no-shows', () => {
  it('push out nothing of what time brings', async () => {
    const queue = new QueueUnderTest(servers, {
      new_users_per_minute: 60,
      burst: 2,
      total_active_users: 1_000,
    })
    await queue.join(...range(0, 200))
    await queue.advance()
    // Every third never comes, and nobody looks but every other second: two calls by time, beside those that come back.
    for (let second = 0; second < 90; second += 2) {
      await queue.elapse(2_000)
      await queue.advance()
      await queue.claim(...(await queue.members('called')).filter((n) => n % 3 !== 0))
    }
    // calls(t) = 2 + t + calls(t - 30) / 3
    expect((await queue.advance()).snapshot.calledTotal).toBeGreaterThanOrEqual(110)
  })

  it('cost their slot for one claim window and nothing of the rate', async () => {
    const queue = new QueueUnderTest(servers, { new_users_per_minute: 1, burst: 3, total_active_users: 3 })
    await queue.join(...range(0, 9))
    await queue.advance()
    await queue.elapse(29_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 3, calledTotal: 3 })
    await queue.elapse(1_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 3, calledTotal: 6 })
    expect(await queue.members('called')).toEqual([3, 4, 5])
    expect(await queue.members('missed')).toEqual([0, 1, 2])
    await queue.expectCountsToHold()
  })

  it('never lift bucket and called together above burst + rate × claim window', async () => {
    const rate = 60
    const queue = new QueueUnderTest(servers, {
      new_users_per_minute: rate,
      burst: 2,
      total_active_users: 1_000,
    })
    await queue.join(...range(0, 1_000))
    const bound = 2 + (rate * 30_000) / MINUTE
    for (let i = 0; i < 120; i += 1) {
      const { snapshot } = await queue.advance()
      const tokens = Number(await servers.connection.hget(queue.keys.state, 'tokens')) / 1e6
      expect(tokens + snapshot.called).toBeLessThanOrEqual(bound + 1e-6)
      await queue.elapse(1_000)
    }
    // Nobody ever came: the rate went on to those behind.
    expect(await queue.members('called')).toHaveLength(bound)
  })
})

describe('live overrides', () => {
  it('act with the next snapshot, and clearing returns to the baseline', async () => {
    const queue = new QueueUnderTest(servers, { burst: 1, new_users_per_minute: 1, message: 'baseline' })
    await queue.join(...range(0, 9))
    const inForce = { paused: true, message: 'A "short" break' }
    expect(await servers.store.override(queue.room, inForce)).toEqual(inForce)
    const paused = await servers.store.advance(queue.room, queue.seen)
    expect(paused).toMatchObject({
      snapshot: { state: 'paused', called: 0, message: 'A "short" break' },
      live: inForce,
      quiet: false,
    })

    expect(await servers.store.override(queue.room, { paused: null })).toEqual({ message: 'A "short" break' })
    expect(await servers.store.override(queue.room, { message: null })).toEqual({})
    const resumed = await servers.store.advance(queue.room, queue.seen)
    expect(resumed).toMatchObject({ snapshot: { state: 'open', called: 1, message: 'baseline' }, live: {} })
  })

  it('are logged once each with Redis time, repeated or not', async () => {
    const queue = new QueueUnderTest(servers)
    const before = await queue.now()
    await servers.store.override(queue.room, { total_active_users: 7, paused: true })
    await servers.store.override(queue.room, { total_active_users: 7, paused: null })
    const log = (await servers.connection.lrange(queue.keys.log, 0, -1)).map((line): unknown =>
      JSON.parse(line),
    )
    expect(log).toMatchObject([
      { setting: 'total_active_users', value: 7 },
      { setting: 'paused', value: true },
      { setting: 'paused', value: null },
    ])
    for (const entry of log) {
      expect(entry).toHaveProperty(
        'at',
        expect.toSatisfy((at: number) => at >= before),
      )
    }
  })

  it('set before the first visitor do not count as a store that has lost something', async () => {
    const queue = new QueueUnderTest(servers)
    await servers.store.override(queue.room, { total_active_users: 1 })
    await queue.join(1, 2)
    expect((await queue.advance()).snapshot).toMatchObject({ epoch: 1, state: 'open', called: 1, waiting: 1 })
  })
})
