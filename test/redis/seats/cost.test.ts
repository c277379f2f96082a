// What a script costs in commands, as its header says: Upstash bills each one, and `INFO commandstats` counts them.

import { expect, test } from 'vitest'
import { parseRoomId } from '../../../src/ids.ts'
import { FASTEST } from '../kinds.ts'
import { held, holdRequest, session, setUpSeats } from './setup.ts'

const seats = setUpSeats(FASTEST)
const room = parseRoomId('demo')

/** Commands that ran inside scripts during `run`, by name. */
async function commandsOf(run: () => Promise<unknown>): Promise<Record<string, number>> {
  const calls = async () => {
    const stats = await seats.raw.info('commandstats')
    return new Map(
      Array.from(stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm), ([, name = '', count]) => [
        name,
        Number(count),
      ]),
    )
  }
  const before = await calls()
  await run()
  const after = await calls()
  const spent: Record<string, number> = {}
  for (const [name, count] of after) {
    const more = count - (before.get(name) ?? 0)
    if (more > 0 && !['evalsha', 'eval', 'info'].includes(name)) spent[name] = more
  }
  return spent
}

const sum = (spent: Record<string, number>) => Object.values(spent).reduce((a, b) => a + b, 0)

// js-redis-server keeps no command statistics.
test.skipIf(FASTEST !== 'redis-server')('each script costs the commands that its header states', async () => {
  const { store, performance } = seats
  await store.rebuild(performance, { seats: 100, sold: [], blocked: [] })
  const warm = holdRequest(performance, [90])
  held(await store.hold(performance, warm))
  await store.extend(performance, warm.holdId, { session: warm.session, ttlMs: 1 })
  await store.release(performance, warm.holdId, warm)
  const { version } = await store.availability(performance)

  const four = holdRequest(performance, [3, 4, 5, 6], { session: session('b') })
  const spent = await commandsOf(() => store.hold(performance, four))
  expect(spent).toEqual({
    time: 1,
    hmget: 2,
    zrangebyscore: 1,
    getrange: 1,
    setrange: 1,
    hset: 2,
    zadd: 1,
    lpush: 1,
  })
  expect(sum(spent), 'hold: 9 + 1 a run of neighbours').toBe(10)
  expect(sum(await commandsOf(() => store.findHold(performance, four.holdId))), 'read').toBe(4)
  expect(
    sum(await commandsOf(() => store.extend(performance, four.holdId, { session: four.session, ttlMs: 1 }))),
    'extend',
  ).toBe(6)
  expect(sum(await commandsOf(() => store.availability(performance))), 'availability, whole').toBe(4)
  expect(sum(await commandsOf(() => store.availability(performance, version))), 'availability, delta').toBe(4)
  expect(sum(await commandsOf(() => store.audit(performance, []))), 'audit, one live hold').toBe(8)
  expect(sum(await commandsOf(() => store.counts(performance))), 'counts, after the rebuild').toBe(6)
  expect(sum(await commandsOf(() => store.counts(performance))), 'counts').toBe(3)
  expect(sum(await commandsOf(() => store.release(performance, four.holdId, four))), 'release').toBe(12)
  expect(sum(await commandsOf(() => store.counts(performance))), 'counts, after a change').toBe(3)
  const sold = holdRequest(performance, [7, 8, 9, 10], { session: session('b') })
  held(await store.hold(performance, sold))
  expect(
    sum(await commandsOf(() => store.confirm(performance, sold.holdId, sold.ordinals))),
    'confirm: 15 + 1 a run of neighbours',
  ).toBe(16)

  expect(
    sum(await commandsOf(() => store.free(performance, sold.ordinals))),
    'free: 10 + 1 a run of neighbours',
  ).toBe(11)
  const change = { requestId: 'one', ordinals: [7, 8, 9, 10], mark: 'a' as const }
  expect(
    sum(await commandsOf(() => store.change(performance, change))),
    'change: 10 + 2 a run of neighbours',
  ).toBe(12)
  const asked = holdRequest(performance, [20, 21, 22, 23], { session: session('c'), ...(room && { room }) })
  expect(
    sum(await commandsOf(() => store.hold(performance, asked))),
    'hold that asks a room: 10 + 1 a run of neighbours',
  ).toBe(11)
  const other = holdRequest(performance, [22, 23, 24, 25], { session: session('c'), replaces: asked.holdId })
  expect(
    sum(await commandsOf(() => store.hold(performance, other))),
    'hold that replaces one: 8 + 1 a run of neighbours more',
  ).toBe(10 + 9)
})
