// One room's public snapshot as this isolate holds it: what `now`, `status` and the gate read instead of asking Redis.
// Refreshed at most once a second, single-flight, by whoever looks: from the data centre's cache, the store's copy, or
// computed anew, whichever is the first that is fresh; an older copy never replaces a newer one.
// Staleness may delay a visitor, never admit one early: `claim` and `enter` decide again in Redis.

import type { Room } from '../src/config/room.ts'
import { SaleReplaced, StoreUnavailable } from '../src/redis/client.ts'
import type { QueueStore, Snapshot, SnapshotDocument } from '../src/redis/queue.ts'
import type { WaitUntil } from './coalescer.ts'
import type { RoomDraw } from './draw.ts'
import type { HighestSeen } from './seen.ts'
import type { SharedCopy } from './shared-copy.ts'

/** A copy younger than this, cached or stored (one GET), is taken as it is; an older one is computed anew (`advance`). */
const FRESH_MS = 1_000
const REFRESH_EVERY_MS = 1_000
/** A copy older than this is waited for rather than shown, while the store answers. */
const STALE_MS = 2_000
/** How long one request waits for a refresh; a refresh that takes longer is replaced by the next. */
const PATIENCE_MS = 3_000
/** The same where the refresh before failed: `suspended` and `on_store_failure` must act, not wait, without Redis. */
const FAILING_PATIENCE_MS = 300

interface Held {
  readonly document: SnapshotDocument
  /** When it was computed, by this isolate's clock. */
  readonly computedAtMs: number
}

interface Refresh {
  readonly startedAtMs: number
  readonly done: Promise<void>
}

export class RoomSnapshot {
  readonly #room: Room
  readonly #store: Pick<QueueStore, 'advance' | 'readSnapshot'>
  readonly #seen: HighestSeen
  readonly #draw: RoomDraw | undefined
  readonly #shared: SharedCopy | undefined
  #held: Held | undefined
  #refresh: Refresh | undefined
  #failing = false
  #replaced: SaleReplaced | undefined
  /**
   * Redis time less this isolate's, never overestimated: each answer proves that Redis is at least at its `at`. Measured
   * anew with each copy that was computed for us, since a clock may be set while an isolate lives.
   */
  #clockOffsetMs = Number.NEGATIVE_INFINITY

  /**
   * `draw`: of a room that draws a lottery; it adds what is public to the snapshot, and draws after a refresh.
   * `shared`: the copy that all isolates of a data centre read.
   */
  constructor(
    room: Room,
    store: Pick<QueueStore, 'advance' | 'readSnapshot'>,
    seen: HighestSeen,
    { draw, shared }: { draw?: RoomDraw | undefined; shared?: SharedCopy | undefined } = {},
  ) {
    this.#room = room
    this.#store = store
    this.#seen = seen
    this.#draw = draw
    this.#shared = shared
  }

  /** Whether the last refresh failed: what `on_store_failure` and the health check go by. */
  get failing(): boolean {
    return this.#failing
  }

  /** Where it failed because the room has gone on to another sale: Redis works, this deployment does not. */
  get replaced(): SaleReplaced | undefined {
    return this.#replaced
  }

  /** The copy held, however old; `undefined` before the first. */
  get held(): SnapshotDocument | undefined {
    return this.#held?.document
  }

  /** The copy held, where no refresh is due: `get` would answer the same. */
  get fresh(): SnapshotDocument | undefined {
    if (this.#held === undefined || this.#refresh === undefined) return undefined
    const nowMs = Date.now()
    const due = elapsedMs(this.#refresh.startedAtMs, nowMs) >= REFRESH_EVERY_MS
    const stale = elapsedMs(this.#held.computedAtMs, nowMs) > STALE_MS
    return due || stale ? undefined : this.#held.document
  }

  /**
   * The snapshot, at most about two seconds old while the store answers; otherwise the last copy, marked `degraded`.
   * Throws `StoreUnavailable` when there is no copy at all.
   */
  async get(waitUntil: WaitUntil): Promise<SnapshotDocument> {
    const nowMs = Date.now()
    const ageMs =
      this.#held === undefined ? Number.POSITIVE_INFINITY : elapsedMs(this.#held.computedAtMs, nowMs)
    const refresh = this.#refreshIfDue(nowMs, waitUntil)
    // While the store fails nobody who has a copy waits for it: a good refresh is seen by the request after it.
    const waits = this.#held === undefined || (ageMs > STALE_MS && !this.#failing)
    const patienceMs = this.#failing ? FAILING_PATIENCE_MS : PATIENCE_MS
    if (waits && refresh !== undefined) await patiently(refresh.done, patienceMs)
    if (this.#held === undefined) {
      throw this.#replaced ?? new StoreUnavailable('there is no snapshot of the room yet')
    }
    const { document, computedAtMs } = this.#held
    return elapsedMs(computedAtMs, Date.now()) > STALE_MS ? degraded(document) : document
  }

  /** Moves the front now, whatever the age of the copy: cron, and after an operator's change. Throws StoreUnavailable. */
  async advance(): Promise<SnapshotDocument> {
    return this.#adopt(await this.#advance())
  }

  /** A script call has just been answered: the outage is over, and the next reader refreshes at once. */
  noteAnswer(): void {
    if (!this.#failing) return
    this.#failing = false
    this.#replaced = undefined
    this.#refresh = undefined
  }

  #refreshIfDue(nowMs: number, waitUntil: WaitUntil): Refresh | undefined {
    const sinceMs = elapsedMs(this.#refresh?.startedAtMs ?? Number.NEGATIVE_INFINITY, nowMs)
    if (sinceMs < REFRESH_EVERY_MS) return this.#refresh
    const refresh = { startedAtMs: nowMs, done: this.#fetch(waitUntil) }
    this.#refresh = refresh
    waitUntil(refresh.done)
    if (this.#draw !== undefined) waitUntil(this.#drawAfter(refresh.done, this.#draw))
    return refresh
  }

  /** Never rejects: what went wrong is kept in `failing`, and whoever waits looks there. */
  async #fetch(waitUntil: WaitUntil): Promise<void> {
    try {
      const shared = this.#shared
      const cached = shared && (await this.#ifFresh(() => shared.read()))
      const stored = cached ?? (await this.#ifFresh(() => this.#store.readSnapshot(this.#room)))
      const document = stored ?? (await this.#advance())
      this.#adopt(document)
      if (cached === undefined && shared !== undefined) waitUntil(shared.write(document))
    } catch (error) {
      const replaced = error instanceof SaleReplaced ? error : undefined
      if (!this.#failing || (replaced !== undefined && this.#replaced === undefined)) {
        console.error(
          JSON.stringify({
            level: 'error',
            event: replaced === undefined ? 'store_failing' : 'sale_replaced',
            room: this.#room.id,
            message: String(error),
          }),
        )
      }
      this.#failing = true
      this.#replaced = replaced
    }
  }

  /** Behind the answers, which do not wait for it. */
  async #drawAfter(refreshed: Promise<void>, draw: RoomDraw): Promise<void> {
    await refreshed
    if (this.#held !== undefined) await draw.run(this.#held.document)
  }

  async #advance(): Promise<SnapshotDocument> {
    const document = await this.#store.advance(this.#room, this.#seen.value, this.#held?.document)
    this.#clockOffsetMs = document.snapshot.at - Date.now()
    return document
  }

  /**
   * The copy that `read` finds, if it is fresh by its own `at`, and younger than the one held. Before the first answer the
   * clocks cannot be compared, so the first refresh of an isolate is an `advance`.
   */
  async #ifFresh(read: () => Promise<SnapshotDocument | undefined>): Promise<SnapshotDocument | undefined> {
    if (this.#held === undefined || this.#clockOffsetMs === Number.NEGATIVE_INFINITY) return undefined
    const copy = await read()
    if (copy === undefined || !isAlike(copy, this.#held.document)) return undefined
    // Of another sale: the room has gone on, or this deployment has. Only Redis can tell which.
    if (copy.snapshot.sale !== this.#room.sale.name) return undefined
    // The very copy that is held, and not a moment old: nobody has moved the front since, so this isolate does.
    const news = isNewer(copy.snapshot, this.#held.document.snapshot)
    return this.#ageMs(copy) < (news ? FRESH_MS : FRESH_MS / 2) ? copy : undefined
  }

  #ageMs({ snapshot }: SnapshotDocument): number {
    return Date.now() + this.#clockOffsetMs - snapshot.at
  }

  /** Keeps the document unless a newer one is held; answers which one is held then. */
  #adopt(answer: SnapshotDocument): SnapshotDocument {
    this.#failing = false
    this.#replaced = undefined
    const published = this.#draw?.publish(answer) ?? answer
    const document = this.#withSuspension(published)
    const { epoch, at, serving, sessions } = document.snapshot
    this.#clockOffsetMs = Math.max(this.#clockOffsetMs, at - Date.now())
    // Those whom a loss has hidden too: a second loss before they are back must keep their slots as well.
    const known = sessions + document.ended + document.absent
    this.#seen.observe({ epoch, serving, settled: document.settled, sessions: known })
    const held = this.#held?.document
    if (held !== undefined && isNewer(held.snapshot, document.snapshot)) return held
    // A copy that somebody else computed is older than its arrival here.
    this.#held = { document, computedAtMs: Date.now() - Math.max(0, this.#ageMs(document)) }
    return document
  }

  /** The scripts know nothing of a room that is off; those who wait must hear of it as soon as newcomers pass them. */
  #withSuspension(document: SnapshotDocument): SnapshotDocument {
    const { live, snapshot } = document
    const off =
      live.suspended === true || this.#room.suspended || this.#room.queueing_method === 'passthrough'
    return off ? { ...document, snapshot: { ...snapshot, state: 'suspended' } } : document
  }
}

/** A clock that was set back says nothing of the time since: it counts as long. */
const elapsedMs = (sinceMs: number, nowMs: number): number =>
  nowMs < sinceMs ? Number.POSITIVE_INFINITY : nowMs - sinceMs

/** Waits with a timer of its own, so that the runtime does not take the request for hung. */
async function patiently(work: Promise<void>, patienceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, patienceMs)
  await Promise.race([work, promise])
  clearTimeout(timer)
}

/** A copy of another version of this Worker may lack a field. */
const isAlike = (a: SnapshotDocument, b: SnapshotDocument): boolean =>
  Object.keys(b).every((field) => field in a) && Object.keys(b.snapshot).every((field) => field in a.snapshot)

/** Monotone in (epoch, at). */
const isNewer = (a: Snapshot, b: Snapshot): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.at > b.at)

const degraded = (document: SnapshotDocument): SnapshotDocument => ({
  ...document,
  snapshot: { ...document.snapshot, degraded: true },
})
