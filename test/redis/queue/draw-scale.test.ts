// A big draw: in bounded steps, whatever its size. 20,000 entries; DRAW_ENTRIES=1000000 for the figures of the docs.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { drawnPlace } from '../../../src/draw/value.ts'
import { FASTEST } from '../kinds.ts'
import { LotteryUnderTest, startDrawServers } from './draw-support.ts'
import { range, visitorOf, type Servers } from './support.ts'

const ENTRIES = Number(process.env['DRAW_ENTRIES'] ?? 20_000)
const BATCH = 500
const PAGE = 500

let servers: Servers
beforeAll(async () => {
  servers = await startDrawServers()
})
afterAll(() => servers.stop())

/** Microseconds that each script call of `work` took inside Redis; empty on a server that does not tell. */
async function timesOf(work: () => Promise<unknown>): Promise<number[]> {
  if (FASTEST !== 'redis-server') {
    await work()
    return []
  }
  const { connection } = servers
  await connection.config('SET', 'slowlog-log-slower-than', '0')
  await connection.config('SET', 'slowlog-max-len', '1000000')
  await connection.slowlog('RESET')
  await work()
  const log = (await connection.slowlog('GET', 1_000_000)) as [number, number, number, string[]][]
  await connection.config('SET', 'slowlog-log-slower-than', '-1')
  return log.flatMap(([, , micros, [command]]) => (command?.toLowerCase() === 'evalsha' ? [micros] : []))
}

/** Seconds that Redis's main thread has worked: unlike times by the clock, not longer on a busy machine. */
async function cpuSeconds(): Promise<number> {
  if (FASTEST !== 'redis-server') return 0
  const info = await servers.connection.info('cpu')
  const found = info.matchAll(/^used_cpu_(?:sys|user)_main_thread:([\d.]+)/gm)
  return [...found].reduce((sum, [, seconds]) => sum + Number(seconds), 0)
}

const describeTimes = (times: readonly number[]): string => {
  if (times.length === 0) return 'not measured'
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return `${sorted.length} calls, median ${at(0.5)} µs, p99 ${at(0.99)} µs, longest ${sorted.at(-1)} µs`
}

it(`draws ${ENTRIES} entries in steps of ${PAGE}`, { timeout: 900_000 }, async () => {
  const lottery = await LotteryUnderTest.start(servers, { paused: true })
  const entering = await timesOf(async () => {
    for (let from = 0; from < ENTRIES; from += BATCH) {
      await lottery.join(...range(from, Math.min(BATCH, ENTRIES - from)))
    }
  })
  await lottery.open()
  const { head } = (await lottery.advance()).snapshot.draw ?? { head: null }
  const file = createHash('sha256').update(`${(await lottery.advance()).snapshot.draw?.header}\n`)
  for (const n of range(0, ENTRIES)) file.update(`${visitorOf(n)}\n`)
  expect(head).toBe(file.digest('hex'))

  const startedAtMs = Date.now()
  const cpuBefore = await cpuSeconds()
  let steps = 0
  const drawing = await timesOf(async () => {
    steps = await lottery.drawAll()
  })
  const seconds = (Date.now() - startedAtMs) / 1_000
  expect(steps).toBe(Math.ceil(ENTRIES / PAGE) + 1)
  console.log(`entering in batches of ${BATCH}: ${describeTimes(entering)}`)
  const cpuMs = (((await cpuSeconds()) - cpuBefore) * 1_000) / steps
  console.log(
    `drawing ${ENTRIES} entries: ${seconds.toFixed(1)} s, ${describeTimes(drawing)}, ${cpuMs.toFixed(2)} ms of CPU a step`,
  )

  const expected = range(0, ENTRIES).map((n) => {
    const visitor = visitorOf(n)
    const value = createHash('sha256').update(`${visitor}|${lottery.secret}|${head}|`).digest('hex')
    return { visitor, place: drawnPlace(value) }
  })
  expected.sort((a, b) => a.place - b.place || (a.visitor < b.visitor ? -1 : 1))
  const drawn = await servers.connection.zrange(lottery.keys.queue, 0, -1)
  // Compared as a hash: a difference among a million lines would take minutes to print.
  const digest = (ids: readonly string[]) => createHash('sha256').update(ids.join('\n')).digest('hex')
  expect(drawn).toHaveLength(ENTRIES)
  expect(digest(drawn)).toBe(digest(expected.map(({ visitor }) => visitor)))
  await lottery.expectCountsToHold()
})
