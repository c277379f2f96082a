// A draw and the loss of the store: what callers have seen decides, so that nobody's lot is drawn twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHeader } from '../../../src/draw/entry-file.ts'
import { drawOrder } from '../../../src/draw/verify.ts'
import { drawnPlace, drawValue } from '../../../src/draw/value.ts'
import type { SnapshotDocument } from '../../../src/redis/queue.ts'
import { LotteryUnderTest, startDrawServers } from './draw-support.ts'
import { range, visitorOf, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startDrawServers()
})
afterAll(() => servers.stop())

const inputsOf = (lottery: LotteryUnderTest, { snapshot }: SnapshotDocument) => ({
  secret: lottery.secret,
  head: snapshot.draw?.head ?? '',
  beacon: snapshot.draw?.beacon ?? null,
})
async function orderOf(lottery: LotteryUnderTest, document: SnapshotDocument, visitors: readonly number[]) {
  const ids = visitors.map((n) => visitorOf(n))
  const order = await drawOrder(ids, inputsOf(lottery, document))
  return order.map(({ visitor }) => Number(visitor.slice('visitor-'.length)))
}
/** What the edge makes of the tokens of entries once the draw is complete. */
async function resolveTokens(
  lottery: LotteryUnderTest,
  document: SnapshotDocument,
  visitors: readonly number[],
) {
  for (const n of visitors) {
    lottery.places.set(n, drawnPlace(await drawValue(visitorOf(n), inputsOf(lottery, document))))
  }
}

describe('a draw whose store is lost', () => {
  it('in the pre-queue begins its chain anew, and says so in the header; who returns is entered again', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(...range(0, 20))
    const held = await lottery.advance()
    await lottery.loseStore()
    const after = await lottery.advanceHolding(held)
    expect(after.snapshot).toMatchObject({ epoch: 2, state: 'prequeue', draw: null })
    lottery.seen = { ...lottery.seen, epoch: 2 }

    expect(await lottery.joinWithProof(7, 3)).toMatchObject([
      { status: 'entered', number: 1, entries: 2, epoch: 2 },
      { status: 'entered', number: 2, entries: 2 },
    ])
    const { draw } = (await lottery.advance()).snapshot
    expect(readHeader(draw?.header ?? '')).toMatchObject({ epoch: 2 })
    expect(draw?.head).not.toBe(held.snapshot.draw?.head)
    expect(await lottery.store.readEntries(lottery.room, 0, 10)).toEqual([visitorOf(7), visitorOf(3)])
  })

  it('in the pre-queue by part of its entries begins anew too, and enters those it still knows when they return', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(...range(0, 5))
    const copy = await servers.connection.dump(lottery.keys.state)
    const queue = await servers.connection.dumpBuffer(lottery.keys.queue)
    const state = await servers.connection.dumpBuffer(lottery.keys.state)
    const entries = await servers.connection.dumpBuffer(lottery.keys.entries)
    expect(copy).not.toBeNull()
    await lottery.join(...range(5, 5))
    // Redis comes back from an older save.
    await servers.connection.restore(lottery.keys.state, 0, state, 'REPLACE')
    await servers.connection.restore(lottery.keys.queue, 0, queue, 'REPLACE')
    await servers.connection.restore(lottery.keys.entries, 0, entries, 'REPLACE')

    const again = await lottery.joinWithProof(9, 2, 4)
    expect(again).toMatchObject([
      { status: 'entered', number: 1, epoch: 2 },
      { status: 'entered', number: 2 },
      { status: 'entered', number: 3, entries: 3 },
    ])
    expect(await lottery.store.readEntries(lottery.room, 0, 10)).toEqual([9, 2, 4].map((n) => visitorOf(n)))
    // Those who never come back keep the time of their entry, behind everyone drawn.
    await lottery.endRecovery()
    await lottery.open()
    await servers.connection.hset(lottery.keys.state, 'live:paused', 'true')
    await lottery.drawAll()
    const order = await orderOf(lottery, await lottery.advance(), [9, 2, 4])
    expect(await lottery.members('queue')).toEqual([...order, 0, 1, 3])
    await lottery.expectCountsToHold()
  })

  it('while it is drawn learns head and entries again, and draws the same places for those who return', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 30))
    await lottery.open()
    await lottery.join(500)
    const held = await lottery.advance()
    expect(held.snapshot.state).toBe('drawing')
    await lottery.step()

    await lottery.loseStore()
    const after = await lottery.advanceHolding(held)
    expect(after.snapshot).toMatchObject({
      epoch: 2,
      state: 'drawing',
      draw: { head: held.snapshot.draw?.head, header: held.snapshot.draw?.header, entries: 30 },
    })
    lottery.seen = { ...lottery.seen, epoch: 2 }
    const back = range(0, 25).toReversed()
    for (const outcome of await lottery.joinWithProof(...back)) expect(outcome.status).toBe('entered')
    expect(await lottery.joinWithProof(500)).toMatchObject([{ status: 'waiting' }])
    // The list is lost, and says so by its length.
    expect(await lottery.store.readEntries(lottery.room, 0, 100)).toEqual([])

    await lottery.drawAll()
    const done = await lottery.advance()
    expect(done.snapshot).toMatchObject({ epoch: 3, draw: { complete: true } })
    const order = await orderOf(lottery, held, range(0, 30))
    expect(await lottery.members('queue')).toEqual([...order.filter((n) => n < 25), 500])
    // One who comes back later has the place that was drawn all the same.
    await resolveTokens(lottery, done, range(25, 5))
    await lottery.joinWithProof(...range(25, 5))
    expect(await lottery.members('queue')).toEqual([...order, 500])
    await lottery.expectCountsToHold()
  })

  it('after the draw puts everyone back at the place drawn', async () => {
    const lottery = await LotteryUnderTest.start(servers, { total_active_users: 5 })
    await lottery.join(...range(0, 30))
    await lottery.open()
    await lottery.drawAll()
    const held = await lottery.advance()
    expect(held.snapshot).toMatchObject({ called: 5, draw: { complete: true } })
    const order = await orderOf(lottery, held, range(0, 30))
    await resolveTokens(lottery, held, range(0, 30))

    await lottery.loseStore()
    const after = await lottery.advanceHolding(held)
    expect(after.snapshot).toMatchObject({
      epoch: 3,
      state: 'recovering',
      serving: held.snapshot.serving,
      draw: { complete: true, head: held.snapshot.draw?.head },
    })
    lottery.seen = { ...lottery.seen, epoch: 3 }
    await lottery.joinWithProof(...range(0, 30))
    await lottery.join(99)
    expect(await lottery.members('queue')).toEqual([...order, 99])
  })

  it('an entry put back by its time, before the draw was known again, becomes the place drawn', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 10))
    await lottery.open()
    await lottery.drawAll()
    const held = await lottery.advance()
    const order = await orderOf(lottery, held, range(0, 10))
    const [early] = await lottery.store.join(lottery.room, [{ visitor: visitorOf(77) }], lottery.seen)
    expect(early?.status).toBe('waiting')

    await lottery.loseStore()
    // An isolate that knows nothing of the draw puts two back by the time of entry, the others come with places drawn.
    await lottery.joinWithProof(2, 3)
    await lottery.advanceHolding(held)
    await resolveTokens(lottery, held, range(0, 10))
    await lottery.joinWithProof(...range(0, 10))
    expect(await lottery.members('queue')).toEqual(order)
    await lottery.expectCountsToHold()
  })

  it('where nobody knows the draw any more, entries count by their time, ahead of later arrivals', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 10))
    await lottery.open()
    await lottery.join(50)
    await lottery.loseStore()
    await lottery.joinWithProof(50, 9, 3, 5)
    await lottery.join(60)
    expect((await lottery.advance()).snapshot).toMatchObject({ state: 'recovering', draw: null })
    expect(await lottery.members('queue')).toEqual([3, 5, 9, 50, 60])
  })

  it('a draw that is given up by deploying another method leaves places by the time of entry', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 5))
    await lottery.open()
    const { epoch } = (await lottery.advance()).snapshot
    await lottery.join(50)
    lottery.room = { ...lottery.room, queueing_method: 'fifo' }
    expect((await lottery.advance()).snapshot).toMatchObject({
      epoch: epoch + 1,
      state: 'paused',
      draw: null,
    })
    expect(await lottery.joinWithProof(3)).toMatchObject([{ status: 'waiting', ahead: 3 }])
    expect(await lottery.members('queue')).toEqual([0, 1, 2, 3, 4, 50])
  })
})
