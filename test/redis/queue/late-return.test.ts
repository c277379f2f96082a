// Whoever misses the call returns to the front once within the grace period; after that, never again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { positionFrom } from '../../../src/queue/position.ts'
import { QueueUnderTest, range, startServers, statuses, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 2, new_users_per_minute: 2, total_active_users: 2, late_grace: 600 }
const WINDOW = 30_000

/** Visitors 0 and 1 have missed their call, 2 and 3 hold it now, 4 to 9 wait. */
async function twoMissed(settings = {}): Promise<QueueUnderTest> {
  const queue = new QueueUnderTest(servers, { ...SETTINGS, ...settings })
  await queue.join(...range(0, 10))
  await queue.advance()
  await queue.elapse(WINDOW)
  await queue.advance()
  expect(await queue.members('missed')).toEqual([0, 1])
  return queue
}

describe.each(['claim', 'join', 'joinWithProof'] as const)('a late return by %s', (way) => {
  it('goes to the front, at the own place, once', async () => {
    const queue = await twoMissed()
    const { snapshot: before } = await queue.advance()
    expect(statuses(await queue[way](0))).toEqual(['waiting'])
    expect(statuses(await queue[way](0))).toEqual(['waiting'])
    expect(await queue.members('queue')).toEqual([0, ...range(4, 6)])

    await queue.elapse(WINDOW)
    const { snapshot } = await queue.advance()
    expect(await queue.members('called')).toEqual([0, 4])
    expect(snapshot.serving).toBe(queue.placeOf(4))
    expect(snapshot.serving).toBeGreaterThanOrEqual(before.serving)
    expect(statuses(await queue.claim(0))).toEqual(['admitted'])
    await queue.expectCountsToHold()
  })

  it('is given no second time', async () => {
    const queue = await twoMissed()
    await queue[way](0)
    await queue.elapse(WINDOW)
    await queue.advance()
    expect(await queue.members('called')).toContain(0)
    await queue.elapse(WINDOW)
    await queue.advance()

    for (const again of ['claim', 'join', 'joinWithProof'] as const) {
      expect(statuses(await queue[again](0))).toEqual(['missed'])
    }
    expect(await queue.members('queue')).not.toContain(0)
    await queue.expectCountsToHold()
  })

  it('ends with the grace period, counted from the first call', async () => {
    const queue = await twoMissed({ late_grace: 60 })
    await queue.elapse(60_000)
    expect(statuses(await queue[way](0))).toEqual(['missed'])
    expect(await queue.members('queue')).not.toContain(0)
  })

  it('works before anyone has reaped the missed call', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...range(0, 4))
    await queue.advance()
    await queue.elapse(WINDOW)
    expect(statuses(await queue[way](1))).toEqual(['waiting'])
    await queue.expectCountsToHold()
    await queue.advance()
    expect(await queue.members('called')).toEqual([1, 2])
    expect(await queue.members('missed')).toEqual([0])
    await queue.expectCountsToHold()
  })
})

describe('after the grace period', () => {
  it('a token proves nothing any more, even when the store has forgotten the visitor', async () => {
    const queue = await twoMissed({ late_grace: 60 })
    await queue.elapse(61_000)
    await queue.advance()
    expect(await servers.connection.hexists(queue.keys.places, 'visitor-00000000000000')).toBe(0)
    expect(statuses(await queue.joinWithProof(0))).toEqual(['missed'])
  })

  it('a join without a token starts again at the end', async () => {
    const queue = await twoMissed({ late_grace: 60 })
    await queue.elapse(61_000)
    await queue.advance()
    expect(await queue.join(0)).toMatchObject([
      { status: 'waiting', ahead: (await queue.members('queue')).length - 1 },
    ])
  })
})

it('a late return is counted as a call once, so that positions behind do not drift', async () => {
  const queue = new QueueUnderTest(servers, SETTINGS)
  await queue.join(...range(0, 99))
  const [early] = await queue.join(99)
  await queue.advance()
  await queue.elapse(WINDOW)
  await queue.advance()
  expect(statuses(await queue.claim(0, 1))).toEqual(['waiting', 'waiting'])
  // One joins while the late returns stand at the front: they are ahead of it, too.
  const [late] = await queue.join(100)
  expect(late).toMatchObject({ status: 'waiting', ahead: 98 })
  await queue.elapse(WINDOW)
  await queue.advance()
  expect(await queue.members('called')).toEqual([0, 1])

  const { snapshot } = await queue.advance()
  const waiting = await queue.members('queue')
  for (const [n, proof] of [
    [99, early],
    [100, late],
  ] as const) {
    if (proof?.status !== 'waiting') throw new Error(`visitor ${n} waits`)
    const position = waiting.indexOf(n) + 1
    expect(positionFrom(proof, snapshot)).toEqual({ position, called: false, exact: true })
  }
})
