// Fills Redis with the seats of a performance from Postgres, when Redis says that it has none (a first use, or a loss).
// Called by availability and holds. In one isolate one request does the work for a performance and the others look again
// on timers of their own; isolates that do it at once do no harm, since the script writes the first alone.

import type { Database } from '../src/db/client.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { SeatStore, Unloaded } from '../src/redis/seats.ts'
import type { Performance } from './catalogue.ts'
import { readKnownSeats } from './known-seats.ts'

const ATTEMPTS = 3
const LOOK_AGAIN_MS = 25
/** A request that was cancelled never says so: after this time its work is taken over. */
const ABANDONED_MS = 5_000

export interface SeatSources {
  readonly db: Database
  readonly seats: SeatStore
}

type Hall = Pick<Performance, 'id' | 'seats'>

// Who is loading what, per isolate: performance → since when (ms).
const loading = new WeakMap<SeatStore, Map<string, number>>()

/**
 * Runs `ask`, and where the seats are not loaded loads them and asks again. Throws what `ask` throws, and
 * `StoreUnavailable` when the seats do not stay loaded: something deletes them as fast as they are written.
 */
export async function withSeatsLoaded<Loaded extends { readonly status: string }>(
  sources: SeatSources,
  performance: Hall,
  ask: () => Promise<Loaded | Unloaded>,
): Promise<Loaded> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const answer = await ask()
    if (!isUnloaded(answer)) return answer
    await loadSeats(sources, performance, answer.version)
  }
  throw new StoreUnavailable(`the seats of ${performance.id} do not stay loaded`)
}

function isUnloaded(answer: { readonly status: string }): answer is Unloaded {
  return answer.status === 'unloaded'
}

/**
 * Brings Redis up to what Postgres says now, whatever it shows: after an import has blocked or released seats. Live holds
 * are kept on seats that are not sold. Throws `StoreUnavailable` where seats change faster than they are read.
 */
export async function reloadSeats(sources: SeatSources, performance: Hall): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { version } = await sources.seats.availability(performance.id)
    const { status } = await rebuildFrom(sources, performance, version)
    if (status === 'rebuilt') return
  }
  throw new StoreUnavailable(`the seats of ${performance.id} change faster than they can be read`)
}

/** Returns when this request has written the map, found its reading out of date, or another has finished before it. */
async function loadSeats(sources: SeatSources, performance: Hall, seenVersion: number): Promise<void> {
  const { seats } = sources
  const busy = loading.get(seats) ?? new Map<string, number>()
  loading.set(seats, busy)
  if (isBusy(busy, performance.id)) {
    while (isBusy(busy, performance.id)) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    return
  }
  const startedAtMs = Date.now()
  busy.set(performance.id, startedAtMs)
  try {
    await rebuildFrom(sources, performance, seenVersion)
  } finally {
    if (busy.get(performance.id) === startedAtMs) busy.delete(performance.id)
  }
}

async function rebuildFrom({ db, seats }: SeatSources, performance: Hall, seenVersion: number) {
  const known = await readKnownSeats(db, performance.id)
  return await seats.rebuild(performance.id, { seats: performance.seats, ...known, seenVersion })
}

const isBusy = (busy: ReadonlyMap<string, number>, id: string): boolean =>
  (busy.get(id) ?? -Infinity) > Date.now() - ABANDONED_MS
