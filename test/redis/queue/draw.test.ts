// The draw itself: nobody before the last is drawn, everyone where the published numbers say, whoever draws.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawDocument } from '../../../src/draw/document.ts'
import { drawOrder, verifyDraw } from '../../../src/draw/verify.ts'
import { positionFrom } from '../../../src/queue/position.ts'
import { KINDS } from '../kinds.ts'
import { HOUR_MS, LotteryUnderTest, startDrawServers } from './draw-support.ts'
import { range, statuses, visitorOf, type Servers } from './support.ts'

const BEACON = { url: 'https://beacon.example/chain', genesis: 1_600_000_000, period: 30 }

/** Visitors by number in the order that the published numbers give. */
async function expectedOrder(lottery: LotteryUnderTest, visitors: readonly number[]): Promise<number[]> {
  const { draw } = (await lottery.advance()).snapshot
  const inputs = { secret: lottery.secret, head: draw?.head ?? '', beacon: draw?.beacon ?? null }
  const order = await drawOrder(
    visitors.map((n) => visitorOf(n)),
    inputs,
  )
  return order.map(({ visitor }) => Number(visitor.slice('visitor-'.length)))
}

describe.each(KINDS)('the draw on %s', (kind) => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startDrawServers(kind)
  })
  afterAll(() => servers.stop())

  it('puts everyone in the order of the published numbers, late joiners behind, and tells exact positions', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    const visitors = range(0, 2_500)
    for (const from of [0, 500, 1_000, 1_500, 2_000]) await lottery.join(...range(from, 500))
    await lottery.open()
    await lottery.join(9_001, 9_002)
    const before = await lottery.advance()
    expect(before.snapshot).toMatchObject({ state: 'drawing', epoch: 1, called: 0 })

    // Pages of 500, and the step that finds nobody left.
    expect(await lottery.drawAll()).toBe(6)
    const order = await expectedOrder(lottery, visitors)
    expect(order).not.toEqual(visitors)
    expect(await lottery.members('queue')).toEqual([...order, 9_001, 9_002])
    await lottery.expectCountsToHold()

    const after = await lottery.advance()
    expect(after.snapshot).toMatchObject({
      epoch: 2,
      serving: 0,
      leftTotal: 0,
      calledTotal: 0,
      departures: [],
    })
    expect(after.snapshot.draw).toMatchObject({ complete: true, entries: 2_500 })
    for (const n of [order[0], order[1_234], order[2_499], 9_002]) {
      const [mine] = await lottery.join(n ?? 0)
      if (mine?.status !== 'waiting') throw new Error('everyone drawn waits')
      const rank = [...order, 9_001, 9_002].indexOf(n ?? 0)
      expect(mine.ahead).toBe(rank)
      expect(positionFrom(mine, after.snapshot)).toMatchObject({ position: rank + 1, exact: true })
    }
  })

  it('calls nobody and lets nobody in before it is complete, and then in the order drawn', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    for (const from of [0, 500, 1_000]) await lottery.join(...range(from, 500))
    await lottery.open()
    let progress = await lottery.step()
    for (let steps = 0; progress.status === 'page'; steps += 1) {
      const { snapshot, quiet } = await lottery.advance()
      expect(snapshot).toMatchObject({ state: 'drawing', called: 0, sessions: 0, front: [] })
      expect(snapshot.draw).toMatchObject({ complete: false })
      expect(quiet).toBe(false)
      expect(statuses(await lottery.enter(5_000 + steps))).toEqual(['wait'])
      expect(statuses(await lottery.claim(1))).toEqual(['waiting'])
      progress = await lottery.step(await lottery.computed(progress))
    }
    expect(progress.status).toBe('done')
    const { snapshot } = await lottery.advance()
    expect(snapshot).toMatchObject({ state: 'open', called: 200 })
    const order = await expectedOrder(lottery, range(0, 1_500))
    expect(await lottery.members('queue')).toEqual(order.slice(200))
    expect(new Set(await lottery.members('called'))).toEqual(new Set(order.slice(0, 200)))
  })

  it('two runners at once draw one order, and whoever has no lease is told so', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    for (const from of [0, 500]) await lottery.join(...range(from, 500))
    await lottery.open()
    const first = await lottery.step({ runner: 'one' })
    expect(first.status).toBe('page')
    expect((await lottery.step({ runner: 'two' })).status).toBe('busy')
    const work = await lottery.computed(first)
    // Both have computed the same page: the second changes nothing and is busy still.
    const second = await lottery.step({ runner: 'one', ...work })
    expect((await lottery.step({ runner: 'two', ...work })).status).toBe('busy')
    expect(second.visitors).toHaveLength(500)
    expect((await lottery.step({ runner: 'one', ...(await lottery.computed(second)) })).status).toBe('done')
    // A repeat of the last step, as after a lost reply.
    expect((await lottery.step({ runner: 'one', ...(await lottery.computed(second)) })).status).toBe('over')
    expect((await lottery.advance()).snapshot.epoch).toBe(2)
    const order = await expectedOrder(lottery, range(0, 1_000))
    expect(await lottery.members('queue')).toEqual(order.slice(200))
  })

  it('goes on where a runner was killed, once its lease is over', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    for (const from of [0, 500]) await lottery.join(...range(from, 500))
    await lottery.open()
    const first = await lottery.step({ runner: 'killed' })
    await lottery.step({ runner: 'killed', ...(await lottery.computed(first)) })
    expect((await lottery.step({ runner: 'next' })).status).toBe('busy')
    await servers.connection.hset(lottery.keys.state, 'draw_lease', String((await lottery.now()) - 1))
    const resumed = await lottery.step({ runner: 'next' })
    expect(resumed.visitors).toHaveLength(500)
    expect((await lottery.step({ runner: 'next', ...(await lottery.computed(resumed)) })).status).toBe('done')
    const order = await expectedOrder(lottery, range(0, 1_000))
    await lottery.advance()
    expect(await lottery.members('queue')).toEqual(order.slice(200))
  })

  it('waits for the value of the beacon, stores the first and takes no other', async () => {
    const lottery = await LotteryUnderTest.start(servers, { draw_beacon: BEACON })
    await lottery.join(...range(0, 20))
    await lottery.open()
    const waiting = await lottery.step()
    expect(waiting).toMatchObject({ status: 'beacon', beacon: null, visitors: [] })
    expect(waiting.round).toBeGreaterThan(0)
    expect((await lottery.advance()).snapshot.state).toBe('drawing')

    const page = await lottery.step({ beacon: 'ab'.repeat(32) })
    expect(page).toMatchObject({ status: 'page', beacon: 'ab'.repeat(32) })
    const other = await lottery.step({ beacon: 'cd'.repeat(32) })
    expect(other.beacon).toBe('ab'.repeat(32))
    // Places computed with another value, or for another chain, are not taken.
    const wrong = await lottery.computed({ ...page, beacon: 'cd'.repeat(32) })
    expect((await lottery.step(wrong)).visitors).toHaveLength(20)
    const foreign = await lottery.computed({ ...page, head: '0'.repeat(64) })
    expect((await lottery.step(foreign)).visitors).toHaveLength(20)

    expect(await lottery.drawAll()).toBe(2)
    expect((await lottery.advance()).snapshot.draw).toMatchObject({ beacon: 'ab'.repeat(32), complete: true })
  })

  it('passes over those who left, and takes back one who comes again with the entry', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 10))
    await lottery.leave(3)
    await lottery.leave(4)
    await lottery.open()
    await lottery.leave(5)
    expect(await lottery.joinWithProof(4)).toMatchObject([{ status: 'entered', number: 5 }])
    await lottery.drawAll()
    const order = await expectedOrder(lottery, range(0, 10))
    expect(await lottery.members('queue')).toEqual(order.filter((n) => n !== 3 && n !== 5))
    await lottery.expectCountsToHold()
  })

  it('takes no place from one who left and joined anew while a page was being computed', async () => {
    const lottery = await LotteryUnderTest.start(servers, { paused: true })
    await lottery.join(...range(0, 10))
    await lottery.open()
    const page = await lottery.step()
    await lottery.leave(3)
    expect(await lottery.join(3)).toMatchObject([{ status: 'waiting', ahead: 9 }])
    expect((await lottery.step(await lottery.computed(page))).status).toBe('done')
    const order = await expectedOrder(lottery, range(0, 10))
    expect(await lottery.members('queue')).toEqual([...order.filter((n) => n !== 3), 3])
  })

  it('closes the entries when the header said, whatever the opening is moved to', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(...range(0, 10))
    const { eventStartMs } = lottery.room
    await lottery.open()
    expect((await lottery.advance()).snapshot.state).toBe('drawing')
    // Moved away again: what has closed stays closed, and the order is drawn.
    lottery.room = { ...lottery.room, eventStartMs: eventStartMs + HOUR_MS }
    expect(await lottery.join(77)).toMatchObject([{ status: 'waiting', ahead: 10 }])
    expect((await lottery.advance()).snapshot.state).toBe('drawing')
    await lottery.drawAll()
    const { snapshot } = await lottery.advance()
    expect(snapshot).toMatchObject({ state: 'prequeue', called: 0, draw: { entries: 10, complete: true } })
    const order = await expectedOrder(lottery, range(0, 10))
    expect(await lottery.join(78)).toMatchObject([{ status: 'waiting', ahead: 11 }])
    expect(await lottery.members('queue')).toEqual([...order, 77, 78])
  })

  it('begins with a new sale anew, whatever was drawn and called before', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(...range(0, 10))
    await lottery.open()
    await lottery.drawAll()
    await lottery.join(50, 51)
    const calledLate = await lottery.advance()
    expect(calledLate.snapshot.serving).toBeGreaterThan(2 ** 50)

    lottery.room = {
      ...lottery.room,
      sale: { ...lottery.room.sale, name: 'second' },
      eventStartMs: Date.now() + HOUR_MS,
    }
    expect(await lottery.join(...range(100, 10))).toMatchObject([
      { status: 'entered', number: 1 },
      ...range(2, 9).map((number) => ({ status: 'entered', number })),
    ])
    await lottery.open()
    const stale = lottery.seen
    await lottery.drawAll()
    // One who knows only what was before the draw teaches nothing about drawn places.
    lottery.seen = { ...stale, serving: calledLate.snapshot.serving, settled: calledLate.snapshot.serving }
    const { snapshot } = await lottery.advance()
    expect(snapshot.serving).toBeLessThanOrEqual(2 ** 50)
    expect(snapshot).toMatchObject({ called: 10, draw: { entries: 10, complete: true } })
  })

  it('an entry that was altered in Redis is found by anybody', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(...range(0, 50))
    await lottery.open()
    await lottery.drawAll()
    const honest = await lottery.entryFile()
    const { draw } = (await lottery.advance()).snapshot
    const document = drawDocument.parse({
      ...draw,
      commitment: /commitment=(\w+)/.exec(draw?.header ?? '')?.[1],
      secret: lottery.secret,
      room: lottery.room.id,
      sale: 'default',
      closes: new Date(lottery.room.eventStartMs).toISOString(),
      beaconChain: null,
      roundAt: null,
      algorithm: '',
      entriesUrl: '',
    })
    const failures = async (file: string) => {
      const { findings } = await verifyDraw(document, new TextEncoder().encode(file))
      return findings.filter(({ verdict }) => verdict === 'fails').map(({ text }) => text)
    }
    expect(await failures(honest)).toEqual([])
    await servers.connection.lset(lottery.keys.entries, 17, visitorOf(4_711))
    expect(await failures(await lottery.entryFile())).toEqual([expect.stringContaining('published head')])
  })
})
