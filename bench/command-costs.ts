// Redis commands a visitor costs from join to claim, counted as Upstash bills them (those inside scripts too): measured a
// batch, then reckoned for numbers of isolates and rates at which nobody can run a test.

import type { ClaimEntry } from '../src/redis/queue.ts'
import { sessionIdFrom } from '../src/queue/session-id.ts'
import { parseVisitorId } from '../src/ids.ts'
import { roomKeys } from '../src/redis/keys.ts'
import type { DirectStore } from './direct-store.ts'
import { fillRoom, makeBenchRoom, randomVisitor } from './full-room.ts'
import { meter } from './meter.ts'

const BATCHES = [1, 10, 100] as const
/** How long the first of a batch waits for others: the default, and what a longer patience would bring. */
const WINDOWS_MS = [30, 300, 1_000] as const
const ISOLATES = [1, 100, 1_000] as const
const CALLS_A_MINUTE = [600, 6_000, 60_000] as const
/** An assumption, not a measurement: how many isolates of one data centre share its cache. */
const ISOLATES_A_DATA_CENTRE = 20

export interface BatchCost {
  readonly size: number
  readonly join: number
  readonly claim: number
}

interface SnapshotCost {
  /** A refresh that calls somebody, while others still wait. */
  readonly advance: number
  /** A refresh that finds a fresh copy. */
  readonly read: number
}

/** Prints the tables; answers join and claim of each batch for those that compare. */
export async function benchCommandCosts(direct: DirectStore): Promise<readonly BatchCost[]> {
  const { batches, snapshot } = await measureCosts(direct)
  console.log('batch of   join   claim   a visitor, without snapshots')
  for (const { size, join, claim } of batches) {
    console.log(
      `${String(size).padEnd(8)} ${String(join).padStart(6)} ${String(claim).padStart(7)} ${((join + claim) / size).toFixed(2).padStart(8)}`,
    )
  }
  console.log(
    `A snapshot refresh costs ${snapshot.advance} where it calls somebody and ${snapshot.read} where it reads a fresh copy; a poll costs 0.\n`,
  )
  const one = batches.find(({ size }) => size === 1)
  if (one === undefined) throw new Error('a batch of one is measured')
  reckon(one, snapshot)
  return batches
}

async function measureCosts(
  direct: DirectStore,
): Promise<{ batches: readonly BatchCost[]; snapshot: SnapshotCost }> {
  const { store, connection } = direct
  const { room, seen } = await fillRoom(store, makeBenchRoom(), 5_000)
  const keys = roomKeys(room.id)
  const advance = async () => {
    await connection.hset(keys.state, 'advanced', '0')
    return (await meter(connection, () => store.advance(room, seen))).commands
  }
  // Every script is known to the server before anything is counted.
  await advance()
  await store.claim(room, await calledOf(direct, keys.called, keys.places, 1), seen)
  const advanceCost = await advance()
  const readCost = (await meter(connection, () => store.readSnapshot(room))).commands

  const batches: BatchCost[] = []
  for (const size of BATCHES) {
    const entries = Array.from({ length: size }, () => ({ visitor: randomVisitor() }))
    const join = await meter(connection, () => store.join(room, entries, seen))
    const called = await calledOf(direct, keys.called, keys.places, size)
    const claim = await meter(connection, () => store.claim(room, called, seen))
    batches.push({ size, join: join.commands, claim: claim.commands })
  }
  return { batches, snapshot: { advance: advanceCost, read: readCost } }
}

/** Some of those who are called now, as they will claim. */
async function calledOf(
  { connection }: DirectStore,
  called: string,
  places: string,
  count: number,
): Promise<ClaimEntry[]> {
  const members = await connection.zrange(called, 0, count - 1)
  const records = await connection.hmget(places, ...members)
  return members.map((member, i) => {
    const visitor = parseVisitorId(member)
    if (visitor === undefined) throw new Error('only visitors are called')
    const place = Number(records[i]?.split(',')[0])
    return { visitor, place, session: sessionIdFrom(visitor, place) }
  })
}

/**
 * In a steady queue as many join a minute as are called and claim. Requests reach the isolates evenly and at random, so a
 * batch holds its first entry and those that come within its window: 1 + rate × window. Each second one refresh advances
 * and every other isolate that is asked (or data centre, where a cache is shared) reads the copy.
 */
function reckon({ join, claim }: BatchCost, { advance, read }: SnapshotCost): void {
  console.log(
    'isolates   calls a minute   join + claim, window 30 ms    300 ms   1,000 ms   snapshots: each isolate   a shared cache',
  )
  for (const isolates of ISOLATES) {
    for (const perMinute of CALLS_A_MINUTE) {
      const scripts = WINDOWS_MS.map((windowMs) => {
        const batch = 1 + (perMinute / 60 / isolates) * (windowMs / 1_000)
        return (join + claim) / batch
      })
      const snapshots = (readers: number) => ((advance + (readers - 1) * read) * 60) / perMinute
      const shared = snapshots(Math.max(1, isolates / ISOLATES_A_DATA_CENTRE))
      const [short = 0, longer = 0, longest = 0] = scripts
      const cells = [
        isolates.toLocaleString('en').padEnd(8),
        perMinute.toLocaleString('en').padStart(16),
        short.toFixed(2).padStart(28),
        longer.toFixed(2).padStart(9),
        longest.toFixed(2).padStart(10),
        snapshots(isolates).toFixed(2).padStart(25),
        shared.toFixed(2).padStart(16),
      ]
      console.log(cells.join(' '))
    }
  }
  console.log(
    `Commands a visitor. Reckoned from the measured batches: arrivals even and at random, as many joins as calls, all isolates\n` +
      `asked in every second, ${ISOLATES_A_DATA_CENTRE} isolates (assumed) share the cache of a data centre. COALESCE_WINDOW_MS is 30 by default.\n` +
      'A crowd that arrives at once makes batches larger and joins cheaper; polls cost nothing, however many wait.\n',
  )
}
