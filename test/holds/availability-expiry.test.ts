// A hold that runs out gives its seats back to everyone who watches, within a second of its time and never before. Time is
// the test's own in the first part, and Redis' in the second; nobody's speed is measured.

import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { seatsNow } from '../../origin/availability.ts'
import { openSeatStream } from '../../origin/availability-stream.ts'
import type { Performance } from '../../origin/catalogue.ts'
import type { SeatSources } from '../../origin/load-seats.ts'
import { StreamSlots } from '../../src/http/stream-slots.ts'
import { parseVisitorId } from '../../src/ids.ts'
import type { Availability, SeatStore } from '../../src/redis/seats.ts'
import { AVAILABILITY, PERFORMANCE, setUpOrigin } from './setup.ts'
import { apply, readStream, type Known, type SeatNews } from './watcher.ts'

const realPause = () => new Promise((resolve) => setImmediate(resolve))

describe('in the time of the test', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Seat 3 is held until `expiresAtMs`; whoever asks later hears of it, as the scripts do it. */
  function storeWithHold(expiresAtMs: number): SeatSources {
    const availability = (_: string, since?: number): Promise<Availability> => {
      const over = Date.now() >= expiresAtMs
      const version = over ? 2 : 1
      if (since === undefined)
        return Promise.resolve({ status: 'full', version, map: over ? 'ffff' : 'fffh' })
      if (since === version) return Promise.resolve({ status: 'delta', version, changes: {}, steps: [] })
      const steps = [{ version: 2, ordinals: [3] }]
      return Promise.resolve({ status: 'delta', version: 2, changes: { 3: 'f' }, steps })
    }
    return { seats: { availability } as SeatStore, db: {} as SeatSources['db'] }
  }
  const performance = { id: 'tonight', seats: 4 } as Performance
  const OFFSETS = [0, 1, 137, 249, 350, 499, 500, 501, 700, 851, 999]

  test.each(OFFSETS)('a stream tells it in time (%i ms past the whole second)', async (offset) => {
    const expiresAtMs = Date.now() + 5_000 + offset
    const sources = storeWithHold(expiresAtMs)
    const look = (since?: number) => seatsNow(sources, performance, since)
    const visitor = parseVisitorId('visitor-of-the-test')
    if (visitor === undefined) throw new Error('an id')
    const slots = new StreamSlots(1)
    const slot = slots.take({ visitor, address: undefined }, Date.now())
    if (slot === undefined) throw new Error('no slot')
    const stream = readStream(new Response(openSeatStream({ look, first: await look(), slots, slot })))
    let known = apply(undefined, await stream.news())
    expect(known.map).toBe('fffh')
    const toldAtMs: number[] = []
    void stream.news().then((news) => {
      known = apply(known, news)
      toldAtMs.push(Date.now())
    })
    while (toldAtMs.length === 0 && Date.now() < expiresAtMs + 3_000) {
      // While no timer is set, something is on its way in real time: the clock of the test stands still for it.
      if (vi.getTimerCount() === 0) await realPause()
      else await vi.advanceTimersToNextTimerAsync()
    }
    expect(known.map).toBe('ffff')
    expect(toldAtMs[0]).toBeGreaterThanOrEqual(expiresAtMs)
    expect(toldAtMs[0]).toBeLessThanOrEqual(expiresAtMs + 1_000)
    await stream.cancel()
  })

  test.each(OFFSETS)(
    'whoever polls is told by the first answer of a second later (%i ms past)',
    async (offset) => {
      const expiresAtMs = Date.now() + 2_000 + offset
      const sources = storeWithHold(expiresAtMs)
      const ask = async (known?: Known) =>
        apply(known, JSON.parse((await seatsNow(sources, performance, known?.version)).json) as SeatNews)
      let known = await ask()
      // Others keep asking, so that the copy is as old as it may get.
      while (Date.now() < expiresAtMs + 999) {
        vi.advanceTimersByTime(90)
        await ask()
        if (Date.now() < expiresAtMs) known = await ask(known)
      }
      expect(known.map).toBe('fffh')
      expect((await ask(known)).map).toBe('ffff')
    },
  )
})

describe("in Redis' time", () => {
  const origin = setUpOrigin()

  test('no answer of before its time has the seat free, and the version that gives it back is of after', async () => {
    const [poller, watcher] = [await origin.visitor('poller'), await origin.visitor('watcher')]
    const seats = async (known: Known | undefined): Promise<Known> => {
      const since = known === undefined ? '' : `?since=${known.version}`
      return apply(known, (await (await poller.get(`${AVAILABILITY}${since}`)).json()) as SeatNews)
    }
    await seats(undefined)
    const held = await origin.seats.hold(PERFORMANCE, {
      holdId: `${PERFORMANCE}.${'x'.repeat(24)}`,
      session: 'somebody-elses-session',
      ordinals: [3, 4],
      ttlMs: 1_500,
      maxLifeMs: 1_500,
    })
    if (held.status !== 'held') throw new Error(`the hold was ${held.status}`)
    const stream = readStream(await watcher.get(`${AVAILABILITY}/stream`))
    onTestFinished(() => stream.cancel())
    const byStream: Known[] = []
    const streaming = (async () => {
      let known: Known | undefined
      while (byStream.at(-1)?.map !== 'fffffffffffffffffffx' || byStream.length < 2) {
        known = apply(known, await stream.news())
        if (byStream.length > 0 || known.map.includes('h')) byStream.push(known)
      }
    })()
    const byPoll: Known[] = [await seats(undefined)]
    while (!byPoll.at(-1)?.map.includes('h')) byPoll[0] = await seats(undefined)
    while (byPoll.at(-1)?.map !== 'fffffffffffffffffffx') byPoll.push(await seats(byPoll.at(-1)))
    await streaming
    for (const told of [byPoll, byStream]) {
      const last = told.at(-1)
      expect(last?.version).toBeGreaterThanOrEqual(held.expiresAtMs)
      for (const { map, version } of told.slice(0, -1)) {
        expect(map).toBe('fffhhffffffffffffffx')
        expect(version).toBeLessThan(held.expiresAtMs)
      }
    }
  })
})
