// Entering a draw: the chain that nobody can alter afterwards, on both servers that the embedded stack may run.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roundAfter } from '../../../src/draw/beacon.ts'
import { readHeader, spellHeader } from '../../../src/draw/entry-file.ts'
import { commitmentTo } from '../../../src/draw/secret.ts'
import { KINDS } from '../kinds.ts'
import { HOUR_MS, LotteryUnderTest, startDrawServers } from './draw-support.ts'
import { range, statuses, visitorOf, type Servers } from './support.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe.each(KINDS)('entering a draw on %s', (kind) => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startDrawServers(kind)
  })
  afterAll(() => servers.stop())

  it('gives numbers in the order of entry, and after each batch the head of the file as it stands', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    let size = 0
    for (const count of [1, 3, 100, 57]) {
      const outcomes = await lottery.join(...range(size, count))
      size += count
      const file = await lottery.entryFile()
      const numbers = outcomes.map((outcome) => (outcome.status === 'entered' ? outcome.number : 0))
      expect(numbers).toEqual(range(size - count + 1, count))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ entries: size, head: sha256(file) })
    }
    const document = await lottery.advance()
    expect(document.snapshot).toMatchObject({
      state: 'prequeue',
      waiting: size,
      front: [],
      draw: { entries: size, head: sha256(await lottery.entryFile()), complete: false, secret: null },
    })
    await lottery.expectCountsToHold()
  })

  it('fixes the terms in the header, as the edge and the verifier spell them', async () => {
    const beacon = { url: 'https://beacon.example/chain', genesis: 1_600_000_000, period: 30 }
    for (const settings of [{}, { draw_beacon: beacon }]) {
      const lottery = await LotteryUnderTest.start(servers, settings)
      await lottery.join(1)
      const { snapshot } = await lottery.advance()
      const header = snapshot.draw?.header ?? ''
      const terms = {
        room: lottery.room.id,
        sale: 'default',
        epoch: 1,
        commitment: await commitmentTo(lottery.secret),
        closesMs: lottery.room.eventStartMs,
        beacon: 'draw_beacon' in settings ? beacon.url : null,
        round: 'draw_beacon' in settings ? roundAfter(lottery.room.eventStartMs, beacon) : 0,
      }
      expect(header).toBe(spellHeader(terms))
      expect(readHeader(header)).toEqual(terms)
    }
  })

  it('spells every closing as RFC 3339 does', async () => {
    for (const closes of [
      '2028-02-29T23:59:59.999Z',
      '2027-03-01T00:00:00.000Z',
      '2100-12-31T12:00:05.050Z',
    ]) {
      const lottery = await LotteryUnderTest.start(servers, { event_start_time: closes })
      await lottery.join(1)
      expect((await lottery.advance()).snapshot.draw?.header).toContain(` closes=${closes} `)
    }
  })

  it('enters a visitor once, however often and from however many tabs', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    const [first, again] = await lottery.join(1, 1)
    await lottery.join(2)
    const [later] = await lottery.joinWithProof(1)
    expect(again).toEqual(first)
    expect(later).toMatchObject({ status: 'entered', number: 1, entries: 2 })
    expect(await lottery.store.readEntries(lottery.room, 0, 10)).toEqual([visitorOf(1), visitorOf(2)])
  })

  it('keeps the line of one who leaves: the list only grows', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    const [, , , before] = await lottery.join(1, 2, 3, 4)
    await lottery.leave(2)
    expect(await lottery.members('queue')).toEqual([1, 3, 4])
    expect((await lottery.advance()).snapshot.draw).toMatchObject({
      entries: 4,
      head: before !== undefined && 'head' in before ? before.head : '',
    })

    const [back] = await lottery.join(2)
    expect(back).toMatchObject({ status: 'entered', number: 5, entries: 5 })
    expect(await lottery.store.readEntries(lottery.room, 3, 10)).toEqual([visitorOf(4), visitorOf(2)])
  })

  it('puts one who left and proves the entry back at it: one visitor, one line, however often', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(1, 2, 3, 4)
    const file = await lottery.entryFile()
    for (let round = 0; round < 20; round += 1) {
      await lottery.leave(2)
      const [back] = await lottery.joinWithProof(2)
      expect(back).toMatchObject({ status: 'entered', number: 2, entries: 4, head: sha256(file) })
    }
    expect(await lottery.entryFile()).toBe(file)
    expect(await lottery.members('queue')).toEqual([1, 2, 3, 4])
    expect((await lottery.advance()).snapshot).toMatchObject({ waiting: 4, leftTotal: 0 })
    await lottery.expectCountsToHold()

    await lottery.leave(3)
    await lottery.open()
    await lottery.drawAll()
    expect((await lottery.advance()).snapshot).toMatchObject({ called: 3, draw: { entries: 4 } })
    expect(new Set(await lottery.members('called'))).toEqual(new Set([1, 2, 4]))
  })

  it("takes no proof of another visitor's line, nor one of a list that was lost", async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(1, 2)
    // As after a fall back of the store: the number was given again.
    lottery.places.set(3, lottery.placeOf(2))
    expect(await lottery.joinWithProof(3)).toMatchObject([{ status: 'entered', number: 3, entries: 3 }])
    lottery.places.set(4, lottery.placeOf(1) - 3_600_000_000)
    expect(await lottery.joinWithProof(4)).toMatchObject([{ status: 'entered', number: 4, entries: 4 }])
    expect(await lottery.members('queue')).toEqual([1, 2, 3, 4])
  })

  it('says that entries closed when they did, where the opening is moved into the past', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(1)
    const beforeLastMs = await lottery.now()
    await lottery.join(2)
    const afterLastMs = await lottery.now()
    lottery.room = { ...lottery.room, eventStartMs: beforeLastMs - HOUR_MS }
    const { drawState, snapshot } = await lottery.advance()
    expect(snapshot.state).toBe('drawing')
    expect(drawState?.closed).toBeGreaterThanOrEqual(beforeLastMs)
    expect(drawState?.closed).toBeLessThanOrEqual(afterLastMs)

    // Moved to a time after the last entry: that time.
    const forward = await LotteryUnderTest.start(servers)
    await forward.join(1)
    await forward.open()
    expect((await forward.advance()).drawState?.closed).toBe(forward.room.eventStartMs)
  })

  it('refuses before the pre-queue, and gives places after the closing', async () => {
    const early = await LotteryUnderTest.start(servers, {
      prequeue_start_time: new Date(Date.now() + HOUR_MS / 2).toISOString(),
    })
    expect(await early.join(1)).toEqual([{ status: 'refused', reason: 'idle' }])

    const lottery = await LotteryUnderTest.start(servers)
    await lottery.join(1, 2)
    await lottery.open()
    const [late, known] = await lottery.join(3, 1)
    expect(late).toMatchObject({ status: 'waiting', ahead: 2 })
    expect(known).toMatchObject({ status: 'entered', number: 1, entries: 2 })
    expect(await lottery.store.readEntries(lottery.room, 0, 10)).toHaveLength(2)
  })

  it('a lottery that nobody entered is open at once', async () => {
    const lottery = await LotteryUnderTest.start(servers)
    await lottery.open()
    expect((await lottery.advance()).snapshot).toMatchObject({ state: 'open', draw: null })
    expect(statuses(await lottery.join(1))).toEqual(['waiting'])
  })

  it('a first come, first served pre-queue draws nothing', async () => {
    const lottery = await LotteryUnderTest.start(servers, { queueing_method: 'fifo' })
    expect(await lottery.join(1, 2)).toMatchObject([
      { status: 'waiting', ahead: 0 },
      { status: 'waiting', ahead: 1 },
    ])
    await lottery.open()
    expect((await lottery.advance()).snapshot).toMatchObject({ draw: null, called: 2 })
  })
})
