// `npm run bench -- best`: what choosing and holding the best available seats costs inside Redis, in the hall of the demo
// (15,000 seats) and in one of 100,000, at every fill that is hard for it. Starts a Redis of its own.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Redis as Connection } from 'ioredis'
import { startRedis } from '../local/redis.ts'
import { startUpstashGateway } from '../local/upstash/gateway.ts'
import { eventFile } from '../origin/import/event-file.ts'
import { layOut } from '../origin/import/lay-out.ts'
import { createRedis } from '../src/redis/client.ts'
import { layoutText } from '../src/redis/seat-layout.ts'
import { meter } from './meter.ts'
import { quantile } from './quantile.ts'

const DEMO = new URL('../local/demo/event.json', import.meta.url)
const TOKEN = 'a-token-for-the-benchmark'
const PARTIES = [1, 2, 4, 8] as const
const ROUNDS = 100
const LARGE = 100_000
const SEATS_A_RUN = 20
const SESSION = 'session-of-the-benchmark'

interface Hall {
  readonly seats: number
  readonly layout: string
}

/** Which seats are sold, by ordinal. */
type Fill = (ordinal: number, random: () => number) => boolean
const FILLS: Readonly<Record<string, Fill>> = {
  empty: () => false,
  half: (_, random) => random() < 0.5,
  'nearly full': (_, random) => random() < 0.99,
  'every second': (ordinal) => ordinal % 2 === 1,
  'two of three': (ordinal) => ordinal % 3 === 2,
}

export async function benchBest(): Promise<void> {
  const { createSeatStore } = await import('../src/redis/seats.ts')
  const redis = await startRedis({ kind: 'redis-server' })
  const gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
  const connection = new Connection(redis.url)
  const store = createSeatStore(createRedis({ url: gateway.url, token: TOKEN, timeoutMs: 20_000 }))
  console.log(`Best available, chosen and held in one script on ${redis.kind}; ms inside Redis\n`)
  console.log('hall      fill           party   p50 server   p99 server   p50 processor')
  try {
    const idle: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      idle.push((await meter(connection, () => Promise.resolve())).cpuUs)
    }
    const idleUs = quantile(idle, 0.5)
    for (const hall of [await demoHall(), largeHall()]) {
      for (const [fill, isSold] of Object.entries(FILLS)) {
        const random = randomFrom(20_261_121)
        const sold = Array.from({ length: hall.seats }, (_, ordinal) => ordinal).filter((ordinal) =>
          isSold(ordinal, random),
        )
        const performance = `p-${randomUUID()}`
        await store.rebuild(performance, { seats: hall.seats, sold, blocked: [], layout: hall.layout })
        await store.counts(performance)
        for (const quantity of PARTIES) {
          const serverMs: number[] = []
          const cpuMs: number[] = []
          for (let round = -5; round < ROUNDS; round += 1) {
            const holdId = `${performance}.${randomUUID()}`
            const request = {
              holdId,
              session: SESSION,
              ttlMs: 60_000,
              maxLifeMs: 60_000,
              quantity,
              seed: holdId,
            }
            const cost = await meter(connection, async () => {
              const { status } = await store.holdBest(performance, request)
              if (status !== 'held') throw new Error(`${fill}: ${status}`)
            })
            if (round >= 0) {
              serverMs.push(cost.serverUs / 1_000)
              cpuMs.push((cost.cpuUs - idleUs) / 1_000)
            }
            await store.release(performance, holdId, { session: SESSION })
          }
          const ms = (values: readonly number[], share: number) => quantile(values, share).toFixed(2)
          console.log(
            [
              hall.seats.toLocaleString('en').padEnd(9),
              fill.padEnd(14),
              String(quantity).padStart(5),
              ms(serverMs, 0.5).padStart(12),
              ms(serverMs, 0.99).padStart(12),
              ms(cpuMs, 0.5).padStart(15),
            ].join(' '),
          )
        }
      }
    }
    console.log(`\n${ROUNDS} holds each, every one given back before the next.`)
  } finally {
    connection.disconnect()
    await gateway.stop()
    await redis.stop()
  }
}

async function demoHall(): Promise<Hall> {
  const { hall } = eventFile.parse(JSON.parse(await readFile(DEMO, 'utf8')))
  const { seats, sections } = layOut(hall)
  const layout = layoutText(
    sections.map(({ id, kind, firstOrdinal, count, tier, runs }) => ({
      id,
      kind,
      firstOrdinal,
      seatCount: count,
      tierId: tier,
      runs,
    })),
  )
  return { seats: seats.length, layout }
}

/** The most that an import accepts: 100 sections of 50 rows. */
function largeHall(): Hall {
  const rows = 50
  const perSection = rows * SEATS_A_RUN
  const sections = Array.from({ length: LARGE / perSection }, (_, at) => ({
    id: `S${at}`,
    kind: 'seated' as const,
    firstOrdinal: at * perSection,
    seatCount: perSection,
    tierId: `tier-${at % 4}`,
    runs: Array.from({ length: rows }, (__, row) => ({
      row: String(row),
      tier: `tier-${at % 4}`,
      firstOrdinal: at * perSection + row * SEATS_A_RUN,
      count: SEATS_A_RUN,
      distance: 10 + row + Math.floor(at / 20) * rows,
    })),
  }))
  return { seats: LARGE, layout: layoutText(sections) }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
