// A room's snapshot in the cache that the isolates of one data centre share, where the runtime has one (`caches.default`).
// One entry a room and store, gone after two seconds; it holds what the store's own copy holds and nothing of any visitor.
// Read and written by the snapshot's refresh, which judges the copy's age. Never fails: without a cache there is no copy.

import type { RoomId } from '../src/ids.ts'
import { roomKeys } from '../src/redis/keys.ts'
import type { SnapshotDocument } from '../src/redis/queue.ts'

/** Longer than a copy counts as fresh; caches count in whole seconds. */
const LIFE_SECONDS = 2
/** A cache that takes longer is no help: the store answers sooner. */
const PATIENCE_MS = 100

export interface SharedCopy {
  /** `undefined` where there is none, or no cache. */
  read(): Promise<SnapshotDocument | undefined>
  write(document: SnapshotDocument): Promise<void>
}

/** `storeUrl` is part of the entry's name: two deployments in one zone may name their rooms alike. */
export function openSharedCopy(room: RoomId, storeUrl: string): SharedCopy {
  const address = new URL(`/get/${encodeURIComponent(roomKeys(room).snapshot)}`, storeUrl).href
  return {
    read: () =>
      attempt(async () => {
        const found = await theCache().match(address)
        const copy: unknown = await found?.json()
        // Written below, by an isolate of this deployment or of the one before.
        return copy as SnapshotDocument | undefined
      }),
    async write(document) {
      const headers = { 'content-type': 'application/json', 'cache-control': `max-age=${LIFE_SECONDS}` }
      await attempt(() => theCache().put(address, Response.json(document, { headers })))
    },
  }
}

/** The platform's own, which the types of browsers do not know. */
const theCache = (): Cache => (caches as CacheStorage & { readonly default: Cache }).default

/** What the cache answers in time; `undefined` where it throws, as without configuration, or hangs. */
async function attempt<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  try {
    return await Promise.race([ask(), late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
