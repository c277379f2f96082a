// `advance` of 1,000, `join` of 100 and `claim` of 100 with 10,000, 100,000 and 1,000,000 waiting, on one Redis, each as
// one EVALSHA on one connection. The sizes take turns, so that what disturbs the machine disturbs all three alike.
// A cycle leaves a room as it found it: a thousand join, a thousand are called, claim and leave.

import type { ClaimEntry } from '../src/redis/queue.ts'
import { sessionIdFrom } from '../src/queue/session-id.ts'
import { parseVisitorId } from '../src/ids.ts'
import { roomKeys } from '../src/redis/keys.ts'
import type { DirectStore } from './direct-store.ts'
import { CALLED_AT_ONCE, fillRoom, makeBenchRoom, randomVisitor, type FullRoom } from './full-room.ts'
import { readMemory } from './memory.ts'
import { meter } from './meter.ts'
import { quantile } from './quantile.ts'

export const SIZES = [10_000, 100_000, 1_000_000] as const
const CYCLES = 200
const WARM_UP_CYCLES = 10
const BATCH = 100
const SCRIPTS = ['advance', 'join', 'claim'] as const
type Script = (typeof SCRIPTS)[number]

const WORK: Readonly<Record<Script, string>> = {
  advance: `advance of ${CALLED_AT_ONCE.toLocaleString('en')}`,
  join: `join of ${BATCH}`,
  claim: `claim of ${BATCH}`,
}

interface Samples {
  readonly clientMs: number[]
  readonly serverMs: number[]
  readonly cpuMs: number[]
}

/** Fills the rooms, prints memory and costs. The caller gives a server that is empty and serves nobody else. */
export async function benchScriptCosts(direct: DirectStore): Promise<void> {
  const rooms: FullRoom[] = []
  console.log('waiting      filled in   bytes a waiting visitor (used_memory)')
  for (const size of SIZES) {
    const before = await readMemory(direct.connection)
    const startedAtMs = performance.now()
    rooms.push(await fillRoom(direct.store, makeBenchRoom(), size))
    const seconds = (performance.now() - startedAtMs) / 1_000
    const after = await readMemory(direct.connection)
    const bytes = (after.usedBytes - before.usedBytes) / size
    console.log(
      `${size.toLocaleString('en').padEnd(10)} ${seconds.toFixed(1).padStart(9)} s ${bytes.toFixed(0).padStart(10)}`,
    )
  }
  const { allocator, fragmentation, usedBytes } = await readMemory(direct.connection)
  console.log(
    `${allocator}; all rooms together ${(usedBytes / 2 ** 20).toFixed(0)} MiB, resident ${fragmentation.toFixed(2)} times that\n`,
  )

  const idleUs = await costOfMeasuring(direct)
  const samples = rooms.map(() => samplesOfAll())
  for (let cycle = -WARM_UP_CYCLES; cycle < CYCLES; cycle += 1) {
    for (const [i, room] of rooms.entries()) {
      const into = cycle < 0 ? samplesOfAll() : samples[i]
      if (into !== undefined) await runCycle(direct, room, { into, idleUs })
    }
  }
  printCosts(samples)
}

/** Processor time of the meter's own INFO: taken off every sample. */
async function costOfMeasuring({ connection }: DirectStore): Promise<number> {
  const costs: number[] = []
  for (let i = 0; i < CYCLES; i += 1) costs.push((await meter(connection, () => Promise.resolve())).cpuUs)
  return quantile(costs, 0.5)
}

const samplesOfAll = (): Record<Script, Samples> => ({
  advance: { clientMs: [], serverMs: [], cpuMs: [] },
  join: { clientMs: [], serverMs: [], cpuMs: [] },
  claim: { clientMs: [], serverMs: [], cpuMs: [] },
})

async function runCycle(
  direct: DirectStore,
  { room, seen }: FullRoom,
  { into, idleUs }: { into: Record<Script, Samples>; idleUs: number },
): Promise<void> {
  const { store, connection } = direct
  const keys = roomKeys(room.id)
  const measure = async (script: Script, work: () => Promise<unknown>) => {
    const { serverUs, cpuUs } = await meter(connection, work)
    into[script].clientMs.push(direct.lastCallMs())
    into[script].serverMs.push(serverUs / 1_000)
    into[script].cpuMs.push((cpuUs - idleUs) / 1_000)
  }

  for (let i = 0; i < CALLED_AT_ONCE / BATCH; i += 1) {
    const entries = Array.from({ length: BATCH }, () => ({ visitor: randomVisitor() }))
    await measure('join', () => store.join(room, entries, seen))
  }
  const called = await front(direct, keys.queue)
  // Otherwise the second call within the freshness of a snapshot would do nothing.
  await connection.hset(keys.state, 'advanced', '0')
  await measure('advance', () => store.advance(room, seen))
  const moved = await connection.zcard(keys.called)
  if (moved !== CALLED_AT_ONCE) throw new Error(`advance called ${moved}, not ${CALLED_AT_ONCE}`)
  for (let from = 0; from < called.length; from += BATCH) {
    const entries = called.slice(from, from + BATCH)
    await measure('claim', () => store.claim(room, entries, seen))
  }
  const ends = called.map(({ visitor, session }) => ({ visitor, session, tokenExpiresAtMs: 1 }))
  await store.leave(room, ends, seen)
}

/** Those whom the next `advance` calls, as they will claim. */
async function front({ connection }: DirectStore, queue: string): Promise<ClaimEntry[]> {
  const members = await connection.zrange(queue, 0, CALLED_AT_ONCE - 1, 'WITHSCORES')
  return Array.from({ length: members.length / 2 }, (_, i) => {
    const visitor = parseVisitorId(members[2 * i] ?? '')
    if (visitor === undefined) throw new Error('only visitors wait')
    const place = Number(members[2 * i + 1])
    return { visitor, place, session: sessionIdFrom(visitor, place) }
  })
}

function printCosts(bySize: readonly Record<Script, Samples>[]): void {
  const ms = (values: readonly number[], share: number) => quantile(values, share).toFixed(2).padStart(8)
  console.log(
    'ms                              round trip           server          processor         growth of p50',
  )
  console.log(
    'what               waiting      p50      p99      p50      p99      p50      p99   (of the processor)',
  )
  for (const script of SCRIPTS) {
    const base = bySize[0]?.[script]
    for (const [i, size] of SIZES.entries()) {
      const own = bySize[i]?.[script]
      if (own === undefined || base === undefined) continue
      const growth = (kind: keyof Samples) => quantile(own[kind], 0.5) / quantile(base[kind], 0.5)
      console.log(
        [
          WORK[script].padEnd(18),
          size.toLocaleString('en').padEnd(9),
          ...[own.clientMs, own.serverMs, own.cpuMs].flatMap((values) => [ms(values, 0.5), ms(values, 0.99)]),
          `${growth('clientMs').toFixed(2)} (${growth('cpuMs').toFixed(2)})`.padStart(14),
        ].join(' '),
      )
    }
  }
  console.log(
    `${CYCLES} calls of advance and ${(CYCLES * CALLED_AT_ONCE) / BATCH} of the others a size. "Server": between start and end of the script, by Redis's\n` +
      'clock; "processor": time that its thread was running, without the pauses that other work on the machine causes.\n' +
      'To reach: advance p99 at most 10 ms with a million waiting; growth at most 2.\n',
  )
}
