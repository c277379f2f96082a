// One room's public snapshot as this isolate holds it: what `now`, `status` and the gate read instead of asking Redis.
// Refreshed at most once a second, single-flight, by whoever looks; an older copy never replaces a newer one.
// Staleness may delay a visitor, never admit one early: `claim` and `enter` decide again in Redis.

import type { Room } from '../src/config/room.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { QueueStore, Snapshot, SnapshotDocument } from '../src/redis/queue.ts'
import type { WaitUntil } from './coalescer.ts'
import type { HighestSeen } from './seen.ts'

/** A stored copy younger than this is taken as it is (one GET); an older one is computed anew (`advance`). */
const FRESH_MS = 1_000
const REFRESH_EVERY_MS = 1_000
/** A copy older than this is waited for rather than shown, while the store answers. */
const STALE_MS = 2_000
/** How long one request waits for a refresh; a refresh that takes longer is replaced by the next. */
const PATIENCE_MS = 3_000

interface Held {
  readonly document: SnapshotDocument
  readonly fetchedAtMs: number
}

interface Refresh {
  readonly startedAtMs: number
  readonly done: Promise<void>
}

export class RoomSnapshot {
  readonly #room: Room
  readonly #store: Pick<QueueStore, 'advance' | 'readSnapshot'>
  readonly #seen: HighestSeen
  #held: Held | undefined
  #refresh: Refresh | undefined
  #failing = false
  /** Redis time less this isolate's, never overestimated: each answer proves that Redis is at least at its `at`. */
  #clockOffsetMs = Number.NEGATIVE_INFINITY

  constructor(room: Room, store: Pick<QueueStore, 'advance' | 'readSnapshot'>, seen: HighestSeen) {
    this.#room = room
    this.#store = store
    this.#seen = seen
  }

  /** Whether the last refresh failed: what `on_store_failure` and the health check go by. */
  get failing(): boolean {
    return this.#failing
  }

  /** The copy held, however old; `undefined` before the first. */
  get held(): SnapshotDocument | undefined {
    return this.#held?.document
  }

  /**
   * The snapshot, at most about two seconds old while the store answers; otherwise the last copy, marked `degraded`.
   * Throws `StoreUnavailable` when there is no copy at all.
   */
  async get(waitUntil: WaitUntil): Promise<SnapshotDocument> {
    const nowMs = Date.now()
    const ageMs = this.#held === undefined ? Number.POSITIVE_INFINITY : nowMs - this.#held.fetchedAtMs
    const refresh = this.#refreshIfDue(nowMs, waitUntil)
    // While the store fails nobody who has a copy waits for it: a good refresh is seen by the request after it.
    const waits = this.#held === undefined || (ageMs > STALE_MS && !this.#failing)
    if (waits && refresh !== undefined) await patiently(refresh.done)
    if (this.#held === undefined) throw new StoreUnavailable('there is no snapshot of the room yet')
    const { document, fetchedAtMs } = this.#held
    return Date.now() - fetchedAtMs > STALE_MS ? degraded(document) : document
  }

  /** Moves the front now, whatever the age of the copy: cron, and after an operator's change. Throws StoreUnavailable. */
  async advance(): Promise<SnapshotDocument> {
    return this.#adopt(await this.#store.advance(this.#room, this.#seen.value))
  }

  /** A script call has just been answered: the outage is over, and the next reader refreshes at once. */
  noteAnswer(): void {
    if (!this.#failing) return
    this.#failing = false
    this.#refresh = undefined
  }

  #refreshIfDue(nowMs: number, waitUntil: WaitUntil): Refresh | undefined {
    const sinceMs = nowMs - (this.#refresh?.startedAtMs ?? Number.NEGATIVE_INFINITY)
    if (sinceMs < REFRESH_EVERY_MS) return this.#refresh
    const refresh = { startedAtMs: nowMs, done: this.#fetch() }
    this.#refresh = refresh
    waitUntil(refresh.done)
    return refresh
  }

  /** Never rejects: what went wrong is kept in `failing`, and whoever waits looks there. */
  async #fetch(): Promise<void> {
    try {
      const stored = await this.#readFresh()
      this.#adopt(stored ?? (await this.#store.advance(this.#room, this.#seen.value)))
    } catch (error) {
      if (!this.#failing) {
        console.error(
          JSON.stringify({
            level: 'error',
            event: 'store_failing',
            room: this.#room.id,
            message: String(error),
          }),
        )
      }
      this.#failing = true
    }
  }

  /** Before the first answer the clocks cannot be compared, so the first refresh of an isolate is an `advance`. */
  async #readFresh(): Promise<SnapshotDocument | undefined> {
    if (this.#clockOffsetMs === Number.NEGATIVE_INFINITY) return undefined
    const stored = await this.#store.readSnapshot(this.#room)
    if (stored === undefined) return undefined
    const ageMs = Date.now() + this.#clockOffsetMs - stored.snapshot.at
    return ageMs < FRESH_MS ? stored : undefined
  }

  /** Keeps the document unless a newer one is held; answers which one is held then. */
  #adopt(answer: SnapshotDocument): SnapshotDocument {
    this.#failing = false
    const document = this.#withSuspension(answer)
    const { epoch, at, serving } = document.snapshot
    this.#clockOffsetMs = Math.max(this.#clockOffsetMs, at - Date.now())
    this.#seen.observe({ epoch, serving })
    const held = this.#held?.document
    if (held !== undefined && isNewer(held.snapshot, document.snapshot)) return held
    this.#held = { document, fetchedAtMs: Date.now() }
    return document
  }

  /** The scripts know nothing of a room that is off; those who wait must hear of it as soon as newcomers pass them. */
  #withSuspension(document: SnapshotDocument): SnapshotDocument {
    const { live, snapshot } = document
    const off = (live.suspended ?? this.#room.suspended) || this.#room.queueing_method === 'passthrough'
    return off ? { ...document, snapshot: { ...snapshot, state: 'suspended' } } : document
  }
}

/** Waits with a timer of its own, so that the runtime does not take the request for hung. */
async function patiently(work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, PATIENCE_MS)
  await Promise.race([work, promise])
  clearTimeout(timer)
}

/** Monotone in (epoch, at). */
const isNewer = (a: Snapshot, b: Snapshot): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.at > b.at)

const degraded = (document: SnapshotDocument): SnapshotDocument => ({
  ...document,
  snapshot: { ...document.snapshot, degraded: true },
})
