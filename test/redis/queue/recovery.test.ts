// What a store that was emptied learns again from those who knew it: sessions, live settings, who can return no more; and
// what only a deployment can tell it. Order and places after a loss are in loss.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RECOVERY_MS } from '../../../src/redis/queue-arguments.ts'
import { SavedStore } from './saved-store.ts'
import {
  NOTHING_SEEN,
  QueueUnderTest,
  range,
  startServers,
  statuses,
  visitorOf,
  type Servers,
} from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 100, new_users_per_minute: 600, total_active_users: 10, session_duration: 5 }

/** The state of this room alone is lost, as by FLUSHALL. */
async function empty(queue: QueueUnderTest): Promise<void> {
  await servers.connection.del(...Object.values(queue.keys))
}

describe('an empty store that nobody armed', () => {
  it('is taken for a lost one: nobody is called and nobody enters until everyone had time to be back', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS, { armed: false })
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'recovering' })
    expect(statuses(await queue.enter(1))).toEqual(['wait'])
    await queue.join(2)
    await queue.elapse(RECOVERY_MS)
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', called: 1 })
  })

  it('is opened at once by a deployment that arms it, late as it may be', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS, { armed: false })
    await queue.advance()
    expect(await servers.store.arm(queue.room)).toBe('armed')
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open' })
  })

  it('arming again, or arming a room that lives or recovers from a loss, changes nothing', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(1, 2)
    await queue.advance()
    expect(await servers.store.arm(queue.room)).toBe('known')
    await empty(queue)
    await queue.advance()
    expect(await servers.store.arm(queue.room)).toBe('known')
    expect((await queue.advance()).snapshot).toMatchObject({ epoch: 2, state: 'recovering' })
  })

  it('armed by mistake after a loss, it is found out by the first token that it cannot know', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(1)
    await empty(queue)
    await servers.store.arm(queue.room)
    expect((await queue.advance()).snapshot).toMatchObject({ epoch: 2, state: 'recovering' })
  })
})

describe('sessions', () => {
  /** Eight of ten slots are taken by sessions; the store is emptied and the recovery is over. */
  async function eightLost(): Promise<QueueUnderTest> {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...range(0, 8))
    await queue.advance()
    await queue.claim(...range(0, 8))
    await queue.advance()
    await empty(queue)
    await queue.join(...range(100, 20))
    await queue.elapse(RECOVERY_MS)
    return queue
  }

  it('known before a loss keep their slots although nobody has heard of them since', async () => {
    const queue = await eightLost()
    expect((await queue.advance()).snapshot).toMatchObject({
      state: 'open',
      called: 2,
      sessions: 0,
      waiting: 18,
    })
  })

  it('keep them over a second loss before anybody is back', async () => {
    const queue = await eightLost()
    await queue.advance()
    await empty(queue)
    await queue.joinWithProof(...range(110, 5))
    await queue.elapse(RECOVERY_MS)
    // Those called between the two losses are back in line, so the same two slots are free.
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', called: 2, sessions: 0 })
  })

  it('keep them where an older copy of the store lets them expire before their time', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    const saved = new SavedStore(queue)
    await queue.join(...range(0, 8))
    await queue.advance()
    await queue.claim(...range(0, 8))
    await saved.save()
    for (const store of [queue, saved]) await store.elapse(4 * 60_000)
    for (const n of range(0, 8)) await queue.renew(n)
    await queue.join(...range(100, 20))
    await queue.advance()
    await saved.fallBack()
    await queue.joinWithProof(...range(100, 20))
    // By the copy they end a minute after the fall, by what they were told five minutes after their renewal.
    await queue.elapse(90_000)
    expect((await queue.advance()).snapshot).toMatchObject({ state: 'open', called: 2, sessions: 0 })
    for (const n of range(0, 8)) {
      expect(await queue.renew(n, { tokenLifeMs: -60_000 })).toMatchObject({ status: 'renewed' })
    }
    expect((await queue.advance()).snapshot).toMatchObject({ called: 2, sessions: 8 })
    await queue.expectCountsToHold()
  })

  it('are not counted twice when they come back', async () => {
    const queue = await eightLost()
    for (const n of range(0, 8)) expect(await queue.renew(n)).toMatchObject({ status: 'renewed' })
    expect((await queue.advance()).snapshot).toMatchObject({ called: 2, sessions: 8 })
    await queue.leave(0, -1)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 3, sessions: 7 })
  })

  it('come back with a token that has run out, as far as slots are kept for them', async () => {
    const queue = await eightLost()
    for (const n of range(0, 8)) {
      expect(await queue.renew(n, { tokenLifeMs: -60_000 }), `session ${n}`).toMatchObject({
        status: 'renewed',
      })
    }
    expect((await queue.advance()).snapshot).toMatchObject({ called: 2, sessions: 8 })
    expect(await queue.renew(100, { place: queue.placeOf(100), tokenLifeMs: -60_000 })).toEqual({
      status: 'ended',
    })
  })

  it('do not come back with a token that has run out for longer than a session lasts, nor without a loss', async () => {
    const queue = await eightLost()
    expect(await queue.renew(0, { tokenLifeMs: -5 * 60_000 })).toEqual({ status: 'ended' })
    const quiet = new QueueUnderTest(servers, SETTINGS)
    await quiet.join(1)
    expect(await quiet.renew(1, { tokenLifeMs: -1_000 })).toEqual({ status: 'ended' })
  })

  it('free their slots when they could no longer be alive', async () => {
    const queue = await eightLost()
    await queue.advance()
    await queue.elapse(5 * 60_000)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 10, sessions: 0 })
  })

  it('control: without what the caller had seen, the slots would be given away', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...range(0, 8))
    await queue.advance()
    await queue.claim(...range(0, 8))
    await empty(queue)
    queue.seen = { ...queue.seen, sessions: 0 }
    queue.held = undefined
    await queue.join(...range(100, 20))
    await queue.elapse(RECOVERY_MS)
    expect((await queue.advance()).snapshot).toMatchObject({ called: 10 })
  })
})

describe('live settings', () => {
  it('come back from whoever has seen them, before anybody is called', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await servers.store.override(queue.room, {
      paused: true,
      message: 'Back "soon" /',
      total_active_users: 4_000_000,
    })
    const { live, liveAt } = await queue.advance()
    await empty(queue)
    const after = await queue.advance()
    expect(after.live).toEqual(live)
    expect(after.liveAt).toBe(liveAt)
    expect(after.snapshot).toMatchObject({ state: 'recovering', message: 'Back "soon" /' })
    expect((await servers.store.readLog(queue.room)).map(({ setting }) => setting)).toContain('restored')
  })

  it('of an older save give way to newer ones, and are never undone by an isolate that knows less', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await servers.store.override(queue.room, { paused: true })
    const older = await queue.advance()
    await queue.elapse(1_000)
    await servers.store.override(queue.room, { paused: null, burst: 7 })
    expect((await queue.advance()).live).toEqual({ burst: 7 })
    queue.held = older
    expect((await queue.advance()).live).toEqual({ burst: 7 })
  })

  it('cleared while the store remembers an older save are cleared there as well', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await servers.store.override(queue.room, { paused: true })
    const saved = await servers.connection.hgetall(queue.keys.state)
    await servers.store.override(queue.room, { paused: null, message: 'Go' })
    const { live } = await queue.advance()
    await servers.connection.del(queue.keys.state)
    await servers.connection.hset(queue.keys.state, saved)
    expect((await queue.advance()).live).toEqual(live)
    expect((await queue.advance()).live).toEqual(live)
  })
})

it('a change made on a server whose clock is behind is still the later one', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await servers.store.override(queue.room, { paused: true })
  const ahead = (await queue.now()) + 3_600_000
  await servers.connection.hset(queue.keys.state, 'live_at', String(ahead))
  await queue.advance()
  await servers.store.override(queue.room, { paused: null })
  expect((await queue.advance()).live).toEqual({})
  expect((await queue.advance()).liveAt).toBe(ahead + 1)
})

it('live settings end with the sale that they were set for', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await servers.store.override(queue.room, { sold_out: true, message: 'Thank you' })
  await queue.advance()
  const before = queue.held
  queue.room = { ...queue.room, sale: { ...queue.room.sale, name: 'next' } }
  expect(await queue.advance()).toMatchObject({ live: {}, snapshot: { state: 'open', message: '' } })
  // An isolate that still holds what was set for the sale before.
  queue.held = before
  expect((await queue.advance()).live).toEqual({})
})

it('what a deployment switches on no override switches off', async () => {
  const queue = new QueueUnderTest(servers, { ...SETTINGS, queue_all: true })
  await servers.store.override(queue.room, { queue_all: false })
  expect((await queue.advance()).quiet).toBe(false)
  expect(statuses(await queue.enter(1))).toEqual(['wait'])
})

describe('the log of changes', () => {
  it('names what was deployed, what was changed live, when, and to which value', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.advance()
    await servers.store.override(queue.room, { new_users_per_minute: 60 })
    await servers.store.override(queue.room, { new_users_per_minute: null })
    queue.room = { ...queue.room, total_active_users: 50 }
    await queue.advance()
    const log = await servers.store.readLog(queue.room)
    expect(log).toMatchObject([
      { setting: 'deployed', value: { total_active_users: 10, new_users_per_minute: 600 } },
      { setting: 'new_users_per_minute', value: 60 },
      { setting: 'new_users_per_minute', value: null },
      { setting: 'deployed', value: { total_active_users: 50 } },
    ])
    for (const { at } of log) expect(Math.abs(at - (await queue.now()))).toBeLessThan(10_000)
  })

  it('is not filled by two versions that call in turn while a deployment rolls out', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    const before = queue.room
    const after = { ...before, burst: 50 }
    await queue.advance()
    for (let i = 0; i < 10; i += 1) {
      queue.room = i % 2 === 0 ? after : before
      await queue.advance()
    }
    expect(await servers.store.readLog(queue.room)).toHaveLength(2)
    queue.room = before
    await queue.elapse(61_000)
    await queue.advance()
    expect(await servers.store.readLog(queue.room)).toHaveLength(3)
  })
})

describe('places that were used', () => {
  const USED = { ...SETTINGS, total_active_users: 100, late_grace: 120 }

  it('by one who has finished are not called again after a loss', async () => {
    const queue = new QueueUnderTest(servers, USED)
    await queue.join(...range(0, 3))
    await queue.advance()
    await empty(queue)
    await queue.advance()
    // Back by the late return, called, in, and out again, all while others are still put back.
    await queue.joinWithProof(0)
    await queue.elapse(RECOVERY_MS)
    await queue.advance()
    expect(statuses(await queue.claim(0))).toEqual(['admitted'])
    await queue.leave(0, -1)
    expect(statuses(await queue.joinWithProof(0))).toEqual(['missed'])
    expect(statuses(await queue.joinWithProof(1))).toEqual(['waiting'])
  })

  it('are not called again and again for one who leaves and returns after a loss', async () => {
    const queue = new QueueUnderTest(servers, USED)
    await queue.join(...range(0, 3))
    await queue.advance()
    await empty(queue)
    await queue.joinWithProof(0)
    await queue.elapse(RECOVERY_MS)
    await queue.advance()
    await queue.leave(0)
    expect(statuses(await queue.joinWithProof(0))).toEqual(['missed'])
    await queue.leave(0)
    expect(statuses(await queue.joinWithProof(0))).toEqual(['missed'])
  })

  it('are not put back when the caller has seen them being used', async () => {
    const queue = new QueueUnderTest(servers, USED)
    await queue.join(0, 1)
    await queue.advance()
    await empty(queue)
    await queue.advance()
    const entry = { visitor: visitorOf(0), provenPlace: queue.placeOf(0) }
    const join = (spent: boolean) => servers.store.join(queue.room, [{ ...entry, spent }], queue.seen)
    expect(statuses(await join(true))).toEqual(['missed'])
    expect(statuses(await join(false))).toEqual(['waiting'])
  })

  it('so long ago that the late return was over are not put back', async () => {
    const queue = new QueueUnderTest(servers, { ...USED, claim_window: 30, late_grace: 30 })
    await queue.join(0)
    await queue.advance()
    for (let i = 0; i < 8; i += 1) {
      await queue.elapse(20_000)
      await queue.advance()
    }
    await queue.join(1)
    await queue.advance()
    expect(queue.seen.settled).toBe(queue.placeOf(0))
    await empty(queue)
    expect(statuses(await queue.joinWithProof(0, 1))).toEqual(['missed', 'waiting'])
  })
})

it('a fresh isolate teaches nothing and loses nothing', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await servers.store.override(queue.room, { message: 'Hello' })
  await queue.join(1)
  await queue.advance()
  const { live, snapshot } = await servers.store.advance(queue.room, NOTHING_SEEN)
  expect(live).toEqual({ message: 'Hello' })
  expect(snapshot.epoch).toBe(1)
})
