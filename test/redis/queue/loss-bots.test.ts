// A hundred bots that join, never claim, leave and return in every way that a token allows, also after a loss. Time passes
// in steps of a second; honest visitors stand behind all of them, claim at once and are soon done.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RECOVERY_MS } from '../../../src/redis/queue-arguments.ts'
import { sessionIdFrom } from '../../../src/queue/session-id.ts'
import { randomFrom, SEED } from './random.ts'
import { QueueUnderTest, range, startServers, statuses, visitorOf, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const RATE_PER_SECOND = 2
const BURST = 4
const CLAIM_WINDOW = 20
const SETTINGS = {
  new_users_per_minute: 60 * RATE_PER_SECOND,
  burst: BURST,
  claim_window: CLAIM_WINDOW,
  late_grace: 120,
  total_active_users: 60,
}
const BOTS = range(0, 100)
const HONEST = range(1_000, 300)
/** What bots can take from those behind them, in all: the call and the one late return of each. */
const MOST_CALLS = 2 * BOTS.length

const leave = (
  queue: QueueUnderTest,
  visitors: readonly number[],
  token: { tokenExpiresAtMs?: number } = {},
) =>
  queue.servers.store.leave(
    queue.room,
    visitors.map((n) => ({ visitor: visitorOf(n), ...token })),
    queue.seen,
  )

/** What a bot does next: any of these, at random, most of them in vain. */
async function misbehave(queue: QueueUnderTest, random: () => number, fresh: () => number): Promise<void> {
  const some = () => BOTS.filter(() => random() < 0.1)
  const returning = some()
  if (returning.length > 0) await queue.joinWithProof(...returning)
  const again = some()
  if (again.length > 0) await queue.join(...again)
  // Who leaves gives up the late return, so some never do.
  await leave(
    queue,
    some().filter((n) => n % 3 === 0),
  )
  const backAtOnce = some()
  if (backAtOnce.length > 0) await queue.joinWithProof(...backAtOnce)
  // Now and then under a new name, as ids are free.
  if (random() < 0.3) await queue.join(fresh())
}

/** Honest visitors who have been called claim and leave: what limits them is the pace alone. */
async function serveHonest(queue: QueueUnderTest): Promise<number> {
  const callees = (await queue.members('called')).filter((n) => HONEST.includes(n))
  if (callees.length === 0) return 0
  const claimed = statuses(await queue.claim(...callees)).filter((status) => status === 'admitted').length
  await leave(queue, callees, { tokenExpiresAtMs: 1 })
  return claimed
}

async function run(queue: QueueUnderTest, seconds: number, bots: boolean): Promise<number[]> {
  const random = randomFrom(SEED)
  let name = 10_000
  let served = 0
  const perSecond: number[] = []
  for (let second = 0; second < seconds; second += 1) {
    await queue.elapse(1_000)
    if (bots) await misbehave(queue, random, () => (name += 1))
    const { called, sessions } = (await queue.advance()).snapshot
    expect(called + sessions).toBeLessThanOrEqual(SETTINGS.total_active_users)
    served += await serveHonest(queue)
    perSecond.push(served)
  }
  await queue.expectCountsToHold()
  return perSecond
}

/** So many honest visitors are served at the room's rate from `delaySeconds` on, less the calls that bots can take. */
function expectTheRate(
  perSecond: readonly number[],
  { honest = HONEST.length, delaySeconds = 0 } = {},
): void {
  for (const [second, served] of perSecond.entries()) {
    const due = Math.min(honest, RATE_PER_SECOND * (second + 1 - delaySeconds) - MOST_CALLS)
    expect(served, `after ${second + 1} s (seed ${SEED})`).toBeGreaterThanOrEqual(due)
  }
}

describe('honest visitors behind a hundred bots', { timeout: 180_000 }, () => {
  it('are called at the rate, less two calls a bot in all', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...BOTS)
    await queue.join(...HONEST)
    expectTheRate(await run(queue, (HONEST.length + MOST_CALLS) / RATE_PER_SECOND, true))
  })

  it('are called at the rate after a loss too, less two calls a bot again', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...BOTS)
    await queue.join(...HONEST)
    await run(queue, 40, true)
    await servers.connection.del(...Object.values(queue.keys))
    await queue.advance()
    const waiting = HONEST.filter((n) => queue.placeOf(n) > queue.seen.serving)
    await queue.joinWithProof(...BOTS, ...waiting)
    await queue.elapse(RECOVERY_MS - 1_000)
    const seconds = (waiting.length + MOST_CALLS) / RATE_PER_SECOND
    expectTheRate(await run(queue, seconds, true), { honest: waiting.length })
  })

  it('where bots can hold every slot, wait for two claim windows of each bot at most, shared by the slots', async () => {
    const [slots, claimWindow] = [20, 10]
    const queue = new QueueUnderTest(servers, {
      ...SETTINGS,
      claim_window: claimWindow,
      total_active_users: slots,
    })
    await queue.join(...BOTS)
    await queue.join(...HONEST.slice(0, 100))
    // A call is reaped with the next step: a second more.
    const delaySeconds = (2 * BOTS.length * (claimWindow + 1)) / slots
    const seconds = delaySeconds + (100 + MOST_CALLS) / RATE_PER_SECOND
    expectTheRate(await run(queue, seconds, true), { honest: 100, delaySeconds })
  })

  it('control: without bots the bound is not needed', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...HONEST)
    const perSecond = await run(queue, 60, false)
    expect(perSecond.at(-1)).toBeGreaterThanOrEqual(RATE_PER_SECOND * 60)
  })
})

describe('a place that was used', () => {
  const FEW = { burst: 3, new_users_per_minute: 3, total_active_users: 100, late_grace: 120 }
  const spent = (queue: QueueUnderTest, n: number) =>
    queue.servers.store.join(
      queue.room,
      [{ visitor: visitorOf(n), provenPlace: queue.placeOf(n), spent: true }],
      queue.seen,
    )
  const claimSpent = (queue: QueueUnderTest, n: number) => {
    const place = queue.placeOf(n)
    const session = sessionIdFrom(visitorOf(n), place)
    return queue.servers.store.claim(
      queue.room,
      [{ visitor: visitorOf(n), place, session, spent: true }],
      queue.seen,
    )
  }

  it('is refused after a loss where the caller knows of it, wherever it stood; not so where nobody does', async () => {
    const queue = new QueueUnderTest(servers, FEW)
    await queue.join(1, 2, 3)
    await queue.advance()
    await queue.claim(1, 2)
    for (const n of [1, 2]) await queue.leave(n, -1)
    await servers.connection.del(...Object.values(queue.keys))
    await queue.advance()
    expect(statuses(await spent(queue, 1))).toEqual(['missed'])
    // The control: one visit more.
    expect(statuses(await queue.joinWithProof(2))).toEqual(['waiting'])
    expect(await queue.members('queue')).toEqual([2])
    await queue.expectCountsToHold()
  })

  it('by a late return after a loss is not called again for one who leaves the call and returns', async () => {
    const queue = new QueueUnderTest(servers, FEW)
    await queue.join(1, 2, 3)
    await queue.advance()
    await servers.connection.del(...Object.values(queue.keys))
    await queue.advance()
    expect(statuses(await queue.joinWithProof(1))).toEqual(['waiting'])
    await queue.elapse(RECOVERY_MS)
    await queue.advance()
    expect(await queue.members('called')).toEqual([1])
    await queue.leave(1)
    expect(statuses(await queue.joinWithProof(1))).toEqual(['missed'])
    expect(statuses(await queue.join(1))).toEqual(['missed'])
  })

  it('of which an older copy of the store still has the place or the call leads to no second session', async () => {
    const queue = new QueueUnderTest(servers, FEW)
    await queue.join(1, 2, 3, 4, 5)
    // As the older copy has it: 1 to 3 called, 4 and 5 in line; the callers have seen all of them come in.
    await queue.advance()
    const before = (await queue.advance()).snapshot
    expect(statuses(await claimSpent(queue, 1))).toEqual(['ended'])
    expect(statuses(await claimSpent(queue, 1))).not.toContain('admitted')
    expect(statuses(await spent(queue, 4))).toEqual(['missed'])
    expect(statuses(await spent(queue, 4))).toEqual(['missed'])
    const after = (await queue.advance()).snapshot
    // The call's slot and its token are free for the next.
    expect([before.called, after.called, after.waiting]).toEqual([3, 3, 0])
    await queue.expectCountsToHold()
  })

  it('is neither in line nor called any more once its session is heard of again', async () => {
    const queue = new QueueUnderTest(servers, FEW)
    await queue.join(1, 2, 3, 4, 5)
    await queue.advance()
    expect(await queue.renew(1)).toMatchObject({ status: 'renewed' })
    expect(await queue.renew(4)).toMatchObject({ status: 'renewed' })
    expect(await queue.renew(4)).toMatchObject({ status: 'renewed' })
    const { snapshot } = await queue.advance()
    expect(await queue.members('called')).toEqual([2, 3, 5])
    expect(snapshot).toMatchObject({ waiting: 0, called: 3, sessions: 2, leftTotal: 1 })
    await queue.expectCountsToHold()
  })
})
