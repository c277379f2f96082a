// An isolate's own copy of which seats are free, shared by all who watch a performance: at most one Redis call per
// 500 ms, however many watch. Called by the route of availability alone. It may be half a second old; a hold asks Redis.
// Requests never wait for each other's promise, which the platform ends as hung: those without a copy look again on
// timers of their own.

import { StoreUnavailable } from '../src/redis/client.ts'
import type { SeatMark } from '../src/redis/seat-marks.ts'
import type { Availability, SeatStore } from '../src/redis/seats.ts'
import type { Performance } from './catalogue.ts'
import { withSeatsLoaded, type SeatSources } from './load-seats.ts'

const FRESH_MS = 500
/** An older copy is not shown: better no answer than seats that were sold long ago. */
const SHOWN_MS = 5_000
/** A refresh that takes longer was cancelled with its request; the next request begins anew. */
const ABANDONED_MS = 5_000
const LOOK_AGAIN_MS = 25
/** A minute of steps: whoever polls less often gets the whole map. */
const STEPS_KEPT = 120

export type SeatAnswer =
  | { readonly version: number; readonly map: string }
  | { readonly version: number; readonly changes: Readonly<Record<string, SeatMark>> }

export interface WatchSources extends SeatSources {
  /** Seats may have come back: only whoever looks notices a hold that runs out, or a map that was written anew. */
  readonly seatsReturned?: () => void
}

interface Copy {
  version: number
  map: string
  /** Time of asking, not of the answer, so that the age is never too low. */
  readonly atMs: number
  /** Which seats changed on the way to each version, oldest first; `sinceVersion` is where the first began. */
  readonly sinceVersion: number
  readonly steps: readonly { readonly version: number; readonly ordinals: readonly string[] }[]
}

interface Watch {
  copy?: Copy
  refreshingSinceMs?: number | undefined
  /** The latest failure: for as long as a copy is fresh, nobody asks again. */
  failure?: { readonly atMs: number; readonly error: StoreUnavailable } | undefined
}

/** A map of 15,000 seats takes 15 KB. */
const WATCHES_KEPT = 200

// By store, then by performance.
const watches = new WeakMap<SeatStore, Map<string, Watch>>()

/** The whole map, or what changed since the watcher's version. Throws `StoreUnavailable`, and what Postgres throws. */
export async function seatsNow(
  sources: WatchSources,
  performance: Performance,
  since?: number,
): Promise<SeatAnswer> {
  const watch = watchOf(sources.seats, performance.id)
  for (;;) {
    const nowMs = Date.now()
    const ageMs = nowMs - (watch.copy?.atMs ?? -Infinity)
    if (watch.copy !== undefined && ageMs < FRESH_MS) return answer(watch.copy, since)
    if (watch.failure !== undefined && nowMs - watch.failure.atMs < FRESH_MS) throw watch.failure.error
    if (nowMs - (watch.refreshingSinceMs ?? -Infinity) >= ABANDONED_MS) {
      return answer(await refresh(watch, sources, performance), since)
    }
    if (watch.copy !== undefined && ageMs < SHOWN_MS) return answer(watch.copy, since)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

function watchOf(store: SeatStore, performanceId: string): Watch {
  const byPerformance = watches.get(store) ?? new Map<string, Watch>()
  watches.set(store, byPerformance)
  const watch = byPerformance.get(performanceId) ?? {}
  // Inserted anew at each look, so that the first is the one not watched for longest.
  byPerformance.delete(performanceId)
  const oldest = byPerformance.size >= WATCHES_KEPT ? byPerformance.keys().next() : undefined
  if (oldest?.done === false) byPerformance.delete(oldest.value)
  byPerformance.set(performanceId, watch)
  return watch
}

async function refresh(watch: Watch, sources: WatchSources, performance: Performance): Promise<Copy> {
  const atMs = Date.now()
  watch.refreshingSinceMs = atMs
  try {
    const since = watch.copy?.version
    const news = await withSeatsLoaded(sources, performance, () =>
      sources.seats.availability(performance.id, since),
    )
    if (news.status === 'full' || Object.values(news.changes).includes('f')) sources.seatsReturned?.()
    const copy = follow(watch.copy, news, atMs)
    watch.copy = copy
    watch.failure = undefined
    return copy
  } catch (error) {
    if (error instanceof StoreUnavailable) watch.failure = { atMs: Date.now(), error }
    throw error
  } finally {
    if (watch.refreshingSinceMs === atMs) watch.refreshingSinceMs = undefined
  }
}

function follow(
  copy: Copy | undefined,
  news: Exclude<Availability, { status: 'unloaded' }>,
  atMs: number,
): Copy {
  if (news.status === 'full' || copy === undefined) {
    if (news.status !== 'full') throw new Error('a delta was answered where the whole map was asked for')
    return { version: news.version, map: news.map, atMs, sinceVersion: news.version, steps: [] }
  }
  const ordinals = Object.keys(news.changes)
  if (ordinals.length === 0) return { ...copy, version: news.version, atMs }
  const marks = Array.from(copy.map)
  for (const [ordinal, mark] of Object.entries(news.changes)) marks[Number(ordinal)] = mark
  const steps = [...copy.steps, { version: news.version, ordinals }]
  const [dropped] = steps.length > STEPS_KEPT ? steps.splice(0, 1) : []
  return {
    version: news.version,
    map: marks.join(''),
    atMs,
    sinceVersion: dropped?.version ?? copy.sinceVersion,
    steps,
  }
}

/**
 * Seats are told with their mark of now, so a watcher whose version lies between two of ours, from another isolate, may
 * be told more than has changed for it, never less. One who is ahead of this copy is told nothing rather than put back.
 */
function answer(copy: Copy, since: number | undefined): SeatAnswer {
  const { version, map } = copy
  if (since === undefined || since < copy.sinceVersion) return { version, map }
  if (since >= version) return { version: since, changes: {} }
  const ordinals = new Set(copy.steps.filter((step) => step.version > since).flatMap((step) => step.ordinals))
  // As JSON a change takes about ten characters.
  if (ordinals.size * 10 > map.length) return { version, map }
  const changes: Record<string, SeatMark> = {}
  for (const ordinal of ordinals) changes[ordinal] = markAt(map, Number(ordinal))
  return { version, changes }
}

function markAt(map: string, ordinal: number): SeatMark {
  const mark = map[ordinal]
  if (mark === 'f' || mark === 'h' || mark === 's' || mark === 'b') return mark
  throw new Error(`the map has no mark at ${ordinal}`)
}
