// The stream of seats: what it begins with, what follows, how one goes on where another broke off, and what it costs.

import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { CommandRequest } from '../../local/upstash/request.ts'
import { openSeatStream } from '../../origin/availability-stream.ts'
import { StreamSlots } from '../../src/http/stream-slots.ts'
import { parseVisitorId } from '../../src/ids.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { AVAILABILITY, countCalls, expectErrorsInLog, setUpOrigin, type Visitor } from './setup.ts'
import { apply, asShown, readStream, unpack, type Known, type SeatNews } from './watcher.ts'

const STREAM = `${AVAILABILITY}/stream`

describe('over HTTP', () => {
  const origin = setUpOrigin()

  async function open(visitor: Visitor, path = STREAM, headers: Record<string, string> = {}) {
    const response = await visitor.get(path, headers)
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    const stream = readStream(response)
    onTestFinished(() => stream.cancel())
    return { response, ...stream }
  }
  const isReading = ({ commands }: CommandRequest) =>
    commands.some((command) => command.some((part) => String(part).endsWith(':deltas')))

  test('begins with the whole map, and goes on with what changes', async () => {
    const watcher = await origin.visitor('watcher')
    const { response, next, text } = await open(watcher)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const first = await next()
    expect(first?.news.seats).toBe(20)
    expect(unpack(first?.news.packed ?? '', 20)).toBe('fffffffffffffffffffx')
    expect(first?.id).toBe(String(first?.news.version))
    expect(Number(/^retry: (\d+)\n\n/.exec(text())?.[1])).toBeGreaterThanOrEqual(2_000)
    await (await origin.visitor('buyer')).hold(['A-1-2'])
    const second = await next()
    expect(second?.news).toEqual({ version: Number(second?.id), changes: { 1: 'h' } })
    await (await origin.visitor('other')).hold(['A-1-3', 'A-1-4'])
    expect((await next())?.news.changes).toEqual({ 2: 'h', 3: 'h' })
  })

  test('begins with what changed since the last event, or since the version asked for; the event goes first', async () => {
    const watcher = await origin.visitor('watcher')
    const before = (await (await watcher.get(AVAILABILITY)).json()) as SeatNews
    await watcher.hold(['A-1-2'])
    const stream = await open(watcher, `${STREAM}?since=${before.version}`)
    let news = (await stream.next())?.news
    // The isolate's copy may be of just before the hold.
    if (Object.keys(news?.changes ?? {}).length === 0) news = (await stream.next())?.news
    expect(news?.changes).toEqual({ 1: 'h' })
    const last = String(news?.version)
    const again = await open(watcher, `${STREAM}?since=${before.version}`, { 'last-event-id': last })
    expect((await again.next())?.news).toEqual({ version: Number(last), changes: {} })
    for (const id of ['1', 'none', '']) {
      const stranger = await open(watcher, STREAM, { 'last-event-id': id })
      expect((await stranger.next())?.news.packed).toBeDefined()
    }
  })

  test('two streams of one isolate and one of another come to the same map, also over a loss of Redis', async () => {
    const [here, there] = [
      await origin.visitor('here'),
      await origin.visitor('there', { vars: { ISSUER: 'foyer' } }),
    ]
    const streams = [await open(here), await open(here), await open(there)]
    const known: (Known | undefined)[] = [undefined, undefined, undefined]
    const follow = async (until: string) => {
      for (const [at, stream] of streams.entries()) {
        while (known[at]?.map !== until) known[at] = apply(known[at], await stream.news())
      }
    }
    await follow('fffffffffffffffffffx')
    await here.hold(['A-1-1', 'A-1-2'])
    await follow('hhffffffffffffffffff'.slice(0, 19) + 'x')
    await origin.sellInPostgres([7])
    await origin.raw.flushdb()
    await follow('fffffffxfffffffffffx')
    expect(asShown(await origin.map())).toBe('fffffffxfffffffffffx')
  })

  test('fifty streams read Redis as often as one: at most twice a second', async () => {
    const visitors = await Promise.all(Array.from({ length: 50 }, (_, n) => origin.visitor(`watcher-${n}`)))
    const streams = await Promise.all(visitors.map((visitor) => open(visitor)))
    await Promise.all(streams.map(({ next }) => next()))
    for (const { next } of streams) void next()
    const redisMs = async () => {
      const [seconds, micros] = await origin.raw.time()
      return Number(seconds) * 1_000 + Number(micros) / 1_000
    }
    const beganAtMs = await redisMs()
    const readings = countCalls(origin.upstash.faults, isReading)
    await vi.waitFor(async () => expect(await redisMs()).toBeGreaterThan(beganAtMs + 3_000), {
      timeout: 20_000,
    })
    // The clock is read after the count: what is counted lies within it.
    const counted = readings()
    const seconds = ((await redisMs()) - beganAtMs) / 1_000
    expect(counted).toBeGreaterThan(0)
    expect(counted).toBeLessThanOrEqual(2 * seconds + 1)
  })

  test('one more than a visitor may have ends the oldest; one more than the isolate has is told to come again', async () => {
    const visitor = await origin.visitor('tabs')
    const tabs = [await open(visitor), await open(visitor), await open(visitor)]
    for (const tab of tabs) await tab.next()
    const fourth = await open(visitor)
    expect(await tabs[0]?.next()).toBeUndefined()
    expect(await fourth.next()).toBeDefined()
    const crowd = await Promise.all(Array.from({ length: 997 }, (_, n) => origin.visitor(`one-of-many-${n}`)))
    const streams = await Promise.all(crowd.map((one) => one.get(STREAM)))
    onTestFinished(async () => {
      for (const { body } of streams) await body?.cancel()
    })
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
    const late = await origin.visitor('late')
    const refused = await late.get(STREAM)
    expect(await refused.json()).toMatchObject({ status: 503, code: 'busy' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    await streams[0]?.body?.cancel()
    expect((await (await open(late)).next())?.news.packed).toBeDefined()
  })

  test('without admission, for another room, for no performance, or since no version: refused', async () => {
    const visitor = await origin.visitor('visitor')
    const stranger = await origin.visitor('stranger', { room: 'quiet' })
    expect((await stranger.get(STREAM)).status).toBe(401)
    expect((await visitor.get(`${STREAM}?since=x`)).status).toBe(422)
    expect((await visitor.get('/api/performances/none/availability/stream')).status).toBe(404)
  })

  test('without Redis it is refused, and takes no slot', async () => {
    expectErrorsInLog()
    const visitor = await origin.visitor('visitor')
    await visitor.get('/api/holds/none')
    origin.upstash.faults.set({ kind: 'status', status: 503 }, isReading)
    // As many as there are slots.
    for (let n = 0; n < 1_000; n += 1) {
      const refused = await (await origin.visitor(`one-of-many-${n}`)).get(STREAM)
      expect(await refused.json()).toMatchObject({ status: 503, code: 'store_unavailable' })
    }
    origin.upstash.faults.clear()
    await vi.waitFor(async () => expect((await visitor.get(AVAILABILITY)).status).toBe(200), {
      timeout: 5_000,
    })
    expect(await (await open(visitor)).next()).toBeDefined()
  })
})

describe('in its own time', () => {
  afterEach(() => vi.useRealTimers())

  /** A stream over seats that the test decides, in the test's own time. */
  function start(look: (since: number) => { version: number; json: string }) {
    vi.useFakeTimers()
    const id = parseVisitorId('visitor-of-the-test')
    if (id === undefined) throw new Error('an id')
    const slots = new StreamSlots(1)
    const slot = slots.take({ visitor: id, address: undefined }, Date.now())
    if (slot === undefined) throw new Error('no slot')
    const answer = ({ version, json }: { version: number; json: string }) => ({ version, json, etag: '' })
    const stream = openSeatStream({
      look: (since) => Promise.resolve(answer(look(since))),
      first: answer({ version: 1, json: '{"version":1}' }),
      slots,
      slot,
    })
    return { ...readStream(new Response(stream)), hasSlot: () => slots.keep(slot, Date.now()) }
  }

  test('there are at most three events a second, however fast seats change', async () => {
    const { next } = start((since) => ({ version: since + 1, json: `{"version":${since + 1}}` }))
    let heard = 0
    void (async () => {
      while ((await next()) !== undefined) heard += 1
    })()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(heard).toBeGreaterThan(80)
    expect(heard).toBeLessThanOrEqual(90)
  })

  test('while nothing changes it says so now and then, ends after some minutes, and gives its slot back', async () => {
    const { next, text, hasSlot } = start((since) => ({ version: since, json: '' }))
    expect((await next())?.id).toBe('1')
    const end = next()
    await vi.advanceTimersByTimeAsync(130_000)
    const beats = text().split(': here\n\n').length - 1
    expect(beats).toBeGreaterThanOrEqual(7)
    expect(beats).toBeLessThanOrEqual(9)
    expect(hasSlot()).toBe(true)
    await vi.advanceTimersByTimeAsync(20_001)
    expect(await end).toBeUndefined()
    expect([hasSlot(), vi.getTimerCount()]).toEqual([false, 0])
  })

  test('a client that goes away leaves no timer and no slot', async () => {
    const { next, cancel, hasSlot } = start((since) => ({ version: since, json: '' }))
    await next()
    void next()
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(1)
    await cancel()
    expect([hasSlot(), vi.getTimerCount()]).toEqual([false, 0])
  })

  test('a store that stays away ends it: whoever comes back is told so by the status', async () => {
    const { next, hasSlot } = start(() => {
      throw new StoreUnavailable('away')
    })
    await next()
    const end = next()
    await vi.advanceTimersByTimeAsync(400)
    expect(await end).toBeUndefined()
    expect(hasSlot()).toBe(false)
  })
})
