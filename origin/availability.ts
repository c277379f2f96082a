// An isolate's own copy of which seats are free, shared by all who watch a performance, by polling or by a stream: at most
// one Redis call per 500 ms, however many watch. Called by the route of availability alone. It may be half a second old; a
// hold asks Redis. Requests never wait for each other's promise, which the platform ends as hung: those without a copy look
// again on timers of their own.

import type { SeatStore } from '../src/redis/seats.ts'
import { answerSince, showCopy, type SeatAnswer, type ShownCopy } from './availability-answer.ts'
import { follow } from './availability-copy.ts'
import type { Performance } from './catalogue.ts'
import { withSeatsLoaded, type SeatSources } from './load-seats.ts'

const FRESH_MS = 500
/** An older copy is not shown: better no answer than seats that were sold long ago. */
const SHOWN_MS = 5_000
/** A refresh that takes longer was cancelled with its request; the next request begins anew. */
const ABANDONED_MS = 5_000
const LOOK_AGAIN_MS = 25

export interface WatchSources extends SeatSources {
  /** Seats may have come back: only whoever looks notices a hold that runs out, or a map that was written anew. */
  readonly seatsReturned?: () => void
}

interface Watch {
  shown?: ShownCopy
  /** When Redis was asked for it, not when it answered, so that the age is never too low. */
  askedAtMs: number
  refreshingSinceMs?: number | undefined
  /** The latest failure: for as long as a copy is fresh, nobody asks again. */
  failure?: { readonly atMs: number; readonly error: unknown } | undefined
}

/** A hall of 15,000 seats takes about 25 KB, and what its watchers are told at most 128 KB more. */
const WATCHES_KEPT = 200

// By store, then by performance.
const watches = new WeakMap<SeatStore, Map<string, Watch>>()

/**
 * The whole map, or what changed since the watcher's version. A version ahead of this isolate's copy is judged by a copy
 * that Redis was asked for after the watcher came: one that Redis does not reach any more gets the whole map, though its
 * version is lower. Throws `StoreUnavailable`, and what Postgres throws, where there is no copy of the last five seconds.
 */
export async function seatsNow(
  sources: WatchSources,
  performance: Performance,
  since?: number,
): Promise<SeatAnswer> {
  const watch = watchOf(sources.seats, performance.id)
  const cameAtMs = Date.now()
  for (;;) {
    const nowMs = Date.now()
    const ageMs = nowMs - watch.askedAtMs
    const { shown, failure } = watch
    const isAhead = since !== undefined && shown !== undefined && since > shown.copy.version
    const usable = shown !== undefined && !(isAhead && watch.askedAtMs <= cameAtMs) ? shown : undefined
    if (usable !== undefined && ageMs < FRESH_MS) return answerSince(usable, since)
    const isBusy = nowMs - (watch.refreshingSinceMs ?? -Infinity) < ABANDONED_MS
    const failed = failure !== undefined && nowMs - failure.atMs < FRESH_MS
    if (!isBusy && !failed && ageMs >= FRESH_MS) {
      const fresh = await refresh(watch, sources, performance)
      if (fresh !== undefined) return answerSince(fresh, since)
      continue
    }
    if (usable !== undefined && ageMs < SHOWN_MS) return answerSince(usable, since)
    if (failed) throw failure.error
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

function watchOf(store: SeatStore, performanceId: string): Watch {
  const byPerformance = watches.get(store) ?? new Map<string, Watch>()
  watches.set(store, byPerformance)
  const watch = byPerformance.get(performanceId) ?? { askedAtMs: -Infinity }
  // Inserted anew at each look, so that the first is the one not watched for longest.
  byPerformance.delete(performanceId)
  const oldest = byPerformance.size >= WATCHES_KEPT ? byPerformance.keys().next() : undefined
  if (oldest?.done === false) byPerformance.delete(oldest.value)
  byPerformance.set(performanceId, watch)
  return watch
}

/** The seats of now, for everybody; or notes why not, and the caller goes by what there is, as everybody else does. */
async function refresh(
  watch: Watch,
  sources: WatchSources,
  performance: Performance,
): Promise<ShownCopy | undefined> {
  const atMs = Date.now()
  watch.refreshingSinceMs = atMs
  try {
    const known = watch.shown
    const news = await withSeatsLoaded(sources, performance, () =>
      sources.seats.availability(performance.id, known?.copy.version),
    )
    if (news.status === 'full' || Object.values(news.changes).includes('f')) sources.seatsReturned?.()
    const copy = follow(known?.copy, news)
    const shown = known !== undefined && copy === known.copy ? known : await showCopy(copy)
    // One that was given up is late: another has asked since.
    if (watch.refreshingSinceMs === atMs) {
      watch.shown = shown
      watch.askedAtMs = atMs
      watch.failure = undefined
    }
    return shown
  } catch (error) {
    watch.failure = { atMs: Date.now(), error }
    return undefined
  } finally {
    if (watch.refreshingSinceMs === atMs) watch.refreshingSinceMs = undefined
  }
}
