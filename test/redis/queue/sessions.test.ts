// Sessions: begun by a claim or a quiet entry, kept by renewals, ended by leave, counted until no token can be alive.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessionIdFrom } from '../../../src/queue/session-id.ts'
import { QueueUnderTest, range, startServers, statuses, visitorOf, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const MINUTE = 60_000

async function admitted(settings: Record<string, unknown> = {}, count = 1): Promise<QueueUnderTest> {
  const queue = new QueueUnderTest(servers, { burst: 100, ...settings })
  await queue.join(...range(0, count))
  await queue.advance()
  expect(new Set(statuses(await queue.claim(...range(0, count))))).toEqual(new Set(['admitted']))
  return queue
}

const until = async (queue: QueueUnderTest, outcome: { status: string } | undefined): Promise<number> => {
  if (outcome === undefined || !('expiresAtMs' in outcome)) throw new Error('the session lives')
  return Number(outcome.expiresAtMs) - (await queue.now())
}

describe('a claim', () => {
  it('gives a session of session_duration, never longer than session_max_duration', async () => {
    const queue = await admitted({ session_duration: 10, session_max_duration: 60 })
    const [first] = await queue.claim(0)
    expect(await until(queue, first)).toBeGreaterThan(10 * MINUTE - 5_000)
    expect(await until(queue, first)).toBeLessThanOrEqual(10 * MINUTE)
    if (first?.status !== 'admitted') throw new Error('visitor 0 is admitted')
    expect(first.expiresAtMs - first.startedAtMs).toBe(10 * MINUTE)
  })

  it('of a place that is not the visitor’s own is unknown', async () => {
    const queue = new QueueUnderTest(servers, { burst: 1, new_users_per_minute: 1 })
    await queue.join(0)
    await queue.advance()
    const place = queue.placeOf(0)
    queue.places.set(0, place - 1)
    expect(statuses(await queue.claim(0))).toEqual(['unknown'])
    queue.places.set(0, place)
    expect(statuses(await queue.claim(0))).toEqual(['admitted'])
  })

  it('of nobody’s place is unknown', async () => {
    const queue = await admitted()
    queue.places.set(77, queue.placeOf(0) + 1)
    expect(statuses(await queue.claim(77))).toEqual(['unknown'])
  })

  it('with a session id of another making is told to be a bug', async () => {
    const queue = await admitted()
    const entry = { visitor: visitorOf(0), session: sessionIdFrom(visitorOf(0), 1), place: queue.placeOf(0) }
    await expect(servers.store.claim(queue.room, [entry], queue.seen)).rejects.toThrow(RangeError)
  })
})

describe('a renewal', () => {
  it('slides the end, up to the end of the absolute life', async () => {
    const queue = await admitted({ session_duration: 10 })
    await queue.elapse(8 * MINUTE)
    expect(await until(queue, await queue.renew(0))).toBeGreaterThan(9 * MINUTE)
    await queue.elapse(9 * MINUTE + 30_000)
    expect(await until(queue, await queue.renew(0, { endInMs: MINUTE }))).toBeLessThanOrEqual(MINUTE)
    await queue.elapse(MINUTE)
    expect(await queue.renew(0, { endInMs: 0 })).toEqual({ status: 'ended' })
    expect((await queue.advance()).snapshot.sessions).toBe(0)
    await queue.expectCountsToHold()
  })

  it('does not slide where renewal is disabled', async () => {
    const queue = await admitted({ session_duration: 10, disable_session_renewal: true })
    await queue.elapse(8 * MINUTE)
    expect(await until(queue, await queue.renew(0))).toBeLessThanOrEqual(2 * MINUTE)
  })

  it('where renewal is disabled, of a lost session restores its own end', async () => {
    const queue = await admitted({
      session_duration: 10,
      session_max_duration: 60,
      disable_session_renewal: true,
    })
    await servers.connection.flushall()
    // The token of a session that began eight minutes ago.
    const renewed = await queue.renew(0, { endInMs: 52 * MINUTE })
    expect(await until(queue, renewed)).toBeLessThanOrEqual(2 * MINUTE)
    expect(await queue.renew(0, { place: 5, endInMs: 49 * MINUTE })).toEqual({ status: 'ended' })
  })

  it('does not revive a session that expired', async () => {
    const queue = await admitted({ session_duration: 1 })
    await queue.elapse(MINUTE)
    expect(await queue.renew(0, { tokenLifeMs: -1 })).toEqual({ status: 'ended' })
    await queue.advance()
    expect(await queue.renew(0, { tokenLifeMs: -1 })).toEqual({ status: 'ended' })
  })

  it('of a session that the store has lost registers it again, and it counts', async () => {
    const queue = await admitted({ total_active_users: 1 })
    await servers.connection.flushall()
    expect(await queue.renew(0)).toMatchObject({ status: 'renewed' })
    expect(await queue.renew(0)).toMatchObject({ status: 'renewed' })
    expect((await queue.advance()).snapshot.sessions).toBe(1)
    expect(statuses(await queue.join(0))).toEqual(['admitted'])
    expect(await queue.renew(5, { place: 12, tokenLifeMs: -1 })).toEqual({ status: 'ended' })
    await queue.expectCountsToHold()
  })
})

describe('an extension', () => {
  it('keeps the session until its time, past the end and though its visitor sits still, and not longer', async () => {
    const queue = await admitted({ session_duration: 1, total_active_users: 1 })
    await queue.join(1)
    const extended = await queue.renew(0, { endInMs: 2 * MINUTE, extendedInMs: 20 * MINUTE })
    expect(await until(queue, extended)).toBeGreaterThan(20 * MINUTE - 5_000)
    await queue.elapse(19 * MINUTE)
    expect((await queue.advance()).snapshot).toMatchObject({ sessions: 1, called: 0 })
    // Past its end nothing slides any more.
    const renewed = await queue.renew(0, { endInMs: -17 * MINUTE, tokenLifeMs: -1, extendedInMs: MINUTE })
    expect(await until(queue, renewed)).toBeLessThanOrEqual(MINUTE)
    await queue.elapse(MINUTE)
    expect(await queue.renew(0, { endInMs: -18 * MINUTE, tokenLifeMs: -1, extendedInMs: 0 })).toEqual({
      status: 'ended',
    })
    expect((await queue.advance()).snapshot).toMatchObject({ sessions: 0, called: 1 })
    await queue.expectCountsToHold()
  })

  it('is not shortened by a token that does not know of it, by a shorter one, or by either in the same batch', async () => {
    const queue = await admitted({ session_duration: 1 })
    await queue.renew(0, { endInMs: 2 * MINUTE, extendedInMs: 20 * MINUTE })
    for (const other of [{}, { extendedInMs: 5 * MINUTE }]) {
      const renewed = await queue.renew(0, { endInMs: 2 * MINUTE, ...other })
      expect(await until(queue, renewed)).toBeGreaterThan(19 * MINUTE)
    }
    await queue.elapse(3 * MINUTE)
    expect(await queue.renew(0, { endInMs: -MINUTE, tokenLifeMs: -1 })).toMatchObject({ status: 'renewed' })

    const together = await admitted({ session_duration: 1 })
    const now = await together.now()
    const session = sessionIdFrom(visitorOf(0), together.placeOf(0))
    const entry = { session, sessionEndMs: now + 2 * MINUTE, tokenExpiresAtMs: now + MINUTE }
    const batch = [entry, { ...entry, extendedUntilMs: now + 20 * MINUTE }, entry]
    await servers.store.renew(together.room, batch, together.seen)
    expect(Number(await servers.connection.zscore(together.keys.sessions, session))).toBe(now + 20 * MINUTE)
    await together.expectCountsToHold()
  })

  it('holds where renewal is disabled', async () => {
    const queue = await admitted({ session_duration: 10, disable_session_renewal: true })
    await queue.renew(0, { extendedInMs: 25 * MINUTE })
    await queue.elapse(24 * MINUTE)
    expect(await until(queue, await queue.renew(0, { endInMs: 36 * MINUTE }))).toBeGreaterThan(MINUTE - 5_000)
  })

  it('revives no session: neither one that has expired nor one that was ended', async () => {
    const queue = await admitted({ session_duration: 1 }, 2)
    await queue.leave(1)
    expect(await queue.renew(1, { extendedInMs: 20 * MINUTE })).toEqual({ status: 'ended' })
    await queue.elapse(MINUTE)
    for (const n of [0, 1]) {
      const extended = await queue.renew(n, { tokenLifeMs: -1, extendedInMs: 20 * MINUTE })
      expect(extended).toEqual({ status: 'ended' })
      await queue.advance()
    }
    expect(await queue.renew(1, { tokenLifeMs: -1, extendedInMs: 20 * MINUTE })).toEqual({ status: 'ended' })
    await queue.expectCountsToHold()
  })

  it('comes back after a loss with the token that carries it', async () => {
    const queue = await admitted({ session_duration: 10, total_active_users: 1 })
    await queue.renew(0, { endInMs: 2 * MINUTE, extendedInMs: 20 * MINUTE })
    await queue.advance()
    await servers.connection.flushall()
    await queue.advance()
    await queue.elapse(5 * MINUTE)
    // Its token ran out four minutes ago, its session ended three minutes ago but for the extension.
    const back = await queue.renew(0, {
      endInMs: -3 * MINUTE,
      tokenLifeMs: -14 * MINUTE,
      extendedInMs: 15 * MINUTE,
    })
    expect(await until(queue, back)).toBeGreaterThan(15 * MINUTE - 5_000)
    await queue.expectCountsToHold()
  })
})

describe('leave', () => {
  it('holds the slot until the last token has expired, and lets nothing renew it', async () => {
    const queue = await admitted({ total_active_users: 1 })
    await queue.join(1)
    await queue.leave(0, 20_000)
    await queue.leave(0, 20_000)
    expect(await queue.renew(0)).toEqual({ status: 'ended' })
    expect(statuses(await queue.claim(0))).toEqual(['ended'])
    expect((await queue.advance()).snapshot).toMatchObject({ sessions: 0, called: 0, waiting: 1 })
    await queue.expectCountsToHold()

    await queue.elapse(20_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 1, waiting: 0 })
    expect(await queue.renew(0, { tokenLifeMs: -1 })).toEqual({ status: 'ended' })
    await queue.expectCountsToHold()
  })

  it('without a known token end waits one token’s life; a clock far ahead makes it no longer', async () => {
    for (const tokenLifeMs of [undefined, 3_600_000]) {
      const queue = await admitted({ total_active_users: 1, admission_token_ttl: 60 })
      await queue.join(1)
      await queue.leave(0, tokenLifeMs)
      await queue.elapse(55_000)
      expect((await queue.advance()).snapshot.called).toBe(0)
      await queue.elapse(5_000)
      expect((await queue.advance()).snapshot.called).toBe(1)
    }
  })

  it('from the queue counts as left, once, and the places behind close up', async () => {
    const queue = new QueueUnderTest(servers, { burst: 1, new_users_per_minute: 1 })
    await queue.join(0, 1, 2)
    await queue.leave(1)
    await queue.leave(1)
    await queue.advance()
    expect((await queue.advance()).snapshot).toMatchObject({ leftTotal: 1, waiting: 1 })
    expect(await queue.members('queue')).toEqual([2])
    await queue.expectCountsToHold()
  })

  it('from a call gives slot and rate to the next', async () => {
    const queue = new QueueUnderTest(servers, { burst: 1, new_users_per_minute: 1, total_active_users: 1 })
    await queue.join(0, 1)
    await queue.advance()
    await queue.leave(0)
    await queue.leave(0)
    await queue.advance()
    expect(await queue.members('called')).toEqual([1])
    await queue.expectCountsToHold()
  })

  it('by a visitor who is not there changes nothing', async () => {
    const queue = await admitted()
    await queue.leave(99)
    expect((await queue.advance()).snapshot).toMatchObject({ sessions: 1, leftTotal: 0 })
    await queue.expectCountsToHold()
  })

  it('lets the visitor come again, at the end', async () => {
    const queue = await admitted({ total_active_users: 1 }, 1)
    await queue.join(1, 2)
    await queue.leave(0, -1)
    const before = queue.placeOf(0)
    expect(await queue.join(0)).toMatchObject([{ status: 'waiting', ahead: 2 }])
    expect(queue.placeOf(0)).toBeGreaterThan(before)
  })
})

describe('a quiet room', () => {
  it('lets in as many as both limits allow, the first of the batch first', async () => {
    const queue = new QueueUnderTest(servers, { total_active_users: 3, burst: 100 })
    expect((await queue.advance()).quiet).toBe(true)
    expect(statuses(await queue.enter(...range(0, 5)))).toEqual([
      ...range(0, 3).map(() => 'entered'),
      'wait',
      'wait',
    ])
    expect((await queue.advance()).quiet).toBe(false)
    await queue.expectCountsToHold()

    const paced = new QueueUnderTest(servers, { total_active_users: 100, burst: 2, new_users_per_minute: 1 })
    expect(statuses(await paced.enter(...range(0, 3)))).toEqual(['entered', 'entered', 'wait'])
    expect((await paced.advance()).quiet).toBe(false)
  })

  it('answers a repeated entry with the same session', async () => {
    const queue = new QueueUnderTest(servers, { burst: 5, new_users_per_minute: 1 })
    const [first, twin] = await queue.enter(0, 0)
    const [again] = await queue.enter(0)
    expect(twin).toEqual(first)
    expect(again).toEqual(first)
    expect(await servers.connection.hget(queue.keys.state, 'sessions')).toBe('1')
    await queue.expectCountsToHold()
  })

  it('keeps a provisional session for one claim window, a renewed one for its full time', async () => {
    const queue = new QueueUnderTest(servers, { claim_window: 30, session_duration: 10 })
    await queue.enter(0, 1)
    expect(await queue.renew(0, { place: 0 })).toMatchObject({ status: 'renewed' })
    await queue.elapse(30_000)
    expect((await queue.advance()).snapshot.sessions).toBe(1)
    await queue.elapse(10 * MINUTE)
    expect((await queue.advance()).snapshot.sessions).toBe(0)
    await queue.expectCountsToHold()
  })

  it('frees expired sessions by itself, though nobody refreshes the snapshot', async () => {
    const queue = new QueueUnderTest(servers, { total_active_users: 1, burst: 100 })
    await queue.enter(0)
    await queue.elapse(30_000)
    expect(statuses(await queue.enter(1))).toEqual(['entered'])
    await queue.expectCountsToHold()
  })

  it.each([
    ['somebody waits', {}, true],
    ['it is paused', { paused: true }, false],
    ['it queues everyone', { queue_all: true }, false],
    ['it is closed', { queueing_method: 'reject' }, false],
  ])('is not quiet while %s', async (_, settings, someoneWaits) => {
    const queue = new QueueUnderTest(servers, settings)
    if (someoneWaits) await queue.join(50)
    expect(statuses(await queue.enter(0))).toEqual(['wait'])
    expect(await servers.connection.zcard(queue.keys.sessions)).toBe(0)
    if (!someoneWaits) expect((await queue.advance()).quiet).toBe(false)
  })
})
