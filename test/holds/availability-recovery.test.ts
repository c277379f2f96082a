// A client that missed changes, for whatever reason, comes to the same map as everybody else by asking on, and by nothing
// else: another isolate, a loss of Redis, a store that fell back to an older copy of itself.

import { expect, test, vi } from 'vitest'
import { performanceKeys } from '../../src/redis/keys.ts'
import { AVAILABILITY, PERFORMANCE, setUpOrigin, type Visitor } from './setup.ts'
import { apply, asShown, type Known, type SeatNews } from './watcher.ts'

const origin = setUpOrigin()

// Each isolate is a Worker of its own, with a copy of its own.
let isolates = 0
const isolate = (name: string): Promise<Visitor> =>
  origin.visitor(name, { vars: { HOLDS_PER_MINUTE: 20_000 + (isolates += 1) } })

/** A client that only ever asks what changed since what it knows. */
function client() {
  let known: Known | undefined
  return {
    known: () => known,
    async ask(at: Visitor): Promise<SeatNews> {
      const response = await at.get(
        known === undefined ? AVAILABILITY : `${AVAILABILITY}?since=${known.version}`,
      )
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
      const news = (await response.json()) as SeatNews
      known = apply(known, news)
      return news
    },
    /** Until it knows what Redis has. */
    async catchUp(at: Visitor): Promise<void> {
      await vi.waitFor(
        async () => {
          await this.ask(at)
          expect(known?.map).toBe(asShown(await origin.map()))
        },
        { timeout: 5_000 },
      )
    },
  }
}

/** What Redis has of the performance, to fall back to. */
async function saveStore() {
  const keys = Object.values(performanceKeys(PERFORMANCE))
  const saved = await Promise.all(keys.map(async (key) => [key, await origin.raw.dumpBuffer(key)] as const))
  return async () => {
    await origin.raw.del(keys)
    for (const [key, value] of saved) if (value !== null) await origin.raw.restore(key, 0, value)
  }
}

test('two isolates by turns, while seats change: each answer is of what changed, and the map is the true one', async () => {
  const [one, other, buyer] = [await isolate('one'), await isolate('other'), await isolate('buyer')]
  const watcher = client()
  await watcher.ask(one)
  let wholes = 0
  for (let seat = 1; seat <= 5; seat += 1) {
    expect((await buyer.hold([`A-1-${seat}`])).status).toBe(201)
    for (const at of [other, one]) {
      const news = await watcher.ask(at)
      if (news.packed !== undefined) wholes += 1
    }
  }
  await watcher.catchUp(one)
  await watcher.catchUp(other)
  // The other isolate has to begin somewhere: it cannot know what lay before its first reading.
  expect(wholes).toBeLessThanOrEqual(1)
})

test('Redis lost: the whole map comes by itself, with what was sold meanwhile', async () => {
  const here = await isolate('here')
  const watcher = client()
  await here.hold(['A-1-1'])
  await watcher.catchUp(here)
  await origin.sellInPostgres([7])
  await origin.raw.flushdb()
  await vi.waitFor(
    async () => {
      await watcher.ask(here)
      expect(watcher.known()?.map).toBe('fffffffxfffffffffffx')
    },
    { timeout: 5_000 },
  )
  expect(asShown(await origin.map())).toBe(watcher.known()?.map)
})

test('Redis lost, and a client that comes to an isolate which has never seen it', async () => {
  const [here, there] = [await isolate('here'), await isolate('there')]
  const watcher = client()
  await here.hold(['A-1-1'])
  await watcher.catchUp(here)
  await origin.raw.flushdb()
  await watcher.ask(there)
  expect(watcher.known()?.map).toBe('fffffffffffffffffffx')
})

test('Redis fell back, and nothing has happened since: its lower version takes the place of the higher', async () => {
  const here = await isolate('here')
  const watcher = client()
  await watcher.catchUp(here)
  const fallBack = await saveStore()
  await here.hold(['A-1-1'])
  await watcher.catchUp(here)
  const ahead = watcher.known()?.version ?? 0
  await fallBack()
  await watcher.catchUp(here)
  expect(watcher.known()?.map).toMatch(/^ff/)
  expect(watcher.known()?.version).toBeLessThan(ahead)
})

test('Redis fell back, and another isolate, which was not ahead, has its older version', async () => {
  const [here, there] = [await isolate('here'), await isolate('there')]
  await client().ask(there)
  const fallBack = await saveStore()
  const watcher = client()
  await here.hold(['A-1-1'])
  await watcher.catchUp(here)
  await fallBack()
  // Whether it asks Redis first or goes by its own copy, it must not say that nothing has changed.
  await watcher.ask(there)
  expect(watcher.known()?.map).toMatch(/^ff/)
})

test('Redis fell back and went on: a version between its own is not one of its own', async () => {
  const [here, there] = [await isolate('here'), await isolate('there')]
  await client().ask(there)
  const fallBack = await saveStore()
  const watcher = client()
  await here.hold(['A-1-1'])
  await watcher.catchUp(here)
  await fallBack()
  // Under a version beyond that of the watcher, with a change that says nothing of the first seat.
  await there.hold(['A-1-5'])
  const neighbour = client()
  await neighbour.catchUp(there)
  expect(neighbour.known()?.version).toBeGreaterThan(watcher.known()?.version ?? Infinity)
  await watcher.ask(there)
  expect(watcher.known()?.map).toBe('ffffhffffffffffffffx')
})

test('holds are taken while Redis is lost and rebuilt: nobody is refused, and all see the same map', async () => {
  const [here, there] = [await isolate('here'), await isolate('there')]
  const [first, second] = [client(), client()]
  await Promise.all([first.ask(here), second.ask(there)])
  await origin.sellInPostgres([18])
  for (const row of ['A-1', 'A-2', 'B-1']) {
    const buyers = await Promise.all([1, 2, 3, 4, 5].map((seat) => isolate(`buyer-${row}-${seat}`)))
    const holding = Promise.all(buyers.map((buyer, at) => buyer.hold([`${row}-${at + 1}`])))
    const losing = origin.raw.flushdb()
    const looking = Promise.all([first.ask(here), second.ask(there)])
    expect((await holding).map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    await Promise.all([losing, looking])
  }
  await first.catchUp(here)
  await second.catchUp(there)
  expect(first.known()?.map).toBe(second.known()?.map)
  expect(first.known()?.map).toMatch(/xx$/)
})
