// The entry file of a draw on its way to one reader, and how many are on their way at once. A slot is a lease: nobody gives
// it back where a reader stalls, or where the runtime ends a request without a word. Called by the route of the draw.

import { Problem } from '../src/problem.ts'
import type { DrawSnapshot } from '../src/redis/queue.ts'
import type { RoomQueue } from './room-queue.ts'

const ENTRIES_PER_READ = 10_000
/** Lists sent at once: a million entries are 25 MB out of Redis. */
const DOWNLOADS_AT_ONCE = 4
/** A reader who took no page for so long gives way to another: one page is 250 kB, at most half a minute of a slow line. */
const LEASE_MS = 30_000

export type DownloadSlot = object

export class DownloadSlots {
  /** Slot → when its reader last took a page (ms). */
  readonly #keptAtMs = new Map<DownloadSlot, number>()

  /** `undefined` where all are taken. */
  take(nowMs: number): DownloadSlot | undefined {
    const slot = {}
    return this.keep(slot, nowMs) ? slot : undefined
  }

  /** False where the slot was lost and no other is free; a slow reader gets another where there is one. */
  keep(slot: DownloadSlot, nowMs: number): boolean {
    for (const [other, keptAtMs] of this.#keptAtMs) {
      if (other !== slot && nowMs - keptAtMs > LEASE_MS) this.#keptAtMs.delete(other)
    }
    if (!this.#keptAtMs.has(slot) && this.#keptAtMs.size >= DOWNLOADS_AT_ONCE) return false
    this.#keptAtMs.set(slot, nowMs)
    return true
  }

  /** Safe to repeat. */
  release(slot: DownloadSlot): void {
    this.#keptAtMs.delete(slot)
  }
}

/** Header and ids line by line, read from Redis while they are sent. Throws busy, draw_entries_lost or `StoreUnavailable`. */
export async function openEntryFile(
  queue: Pick<RoomQueue, 'store' | 'room'>,
  draw: DrawSnapshot,
  { slots, clock = Date.now }: { readonly slots: DownloadSlots; readonly clock?: () => number },
): Promise<ReadableStream<Uint8Array>> {
  const slot = slots.take(clock())
  if (slot === undefined) {
    throw new Problem('busy', {
      detail: 'Too many lists are being sent at this moment; the same request may be repeated.',
      retryAfterSeconds: 5 + Math.floor(10 * Math.random()),
    })
  }
  /** Gives the slot back where the work fails. */
  const orRelease = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work()
    } catch (error) {
      slots.release(slot)
      throw error
    }
  }
  const { store, room } = queue
  let page = await orRelease(async () => {
    const first = await store.readEntries(room, 0, ENTRIES_PER_READ)
    if (first.length < Math.min(ENTRIES_PER_READ, draw.entries)) throw entriesLost()
    await requireEntries(queue, draw)
    return first
  })
  const encoder = new TextEncoder()
  let sent = 0
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(`${draw.header}\n`))
    },
    async pull(controller) {
      if (!slots.keep(slot, clock())) throw new Error('the list was read too slowly, and others want it')
      if (sent > 0) {
        const count = Math.min(ENTRIES_PER_READ, draw.entries - sent)
        page = await orRelease(() => store.readEntries(room, sent, count))
      }
      sent += page.length
      if (page.length > 0) controller.enqueue(encoder.encode(`${page.join('\n')}\n`))
      if (page.length > 0 && sent < draw.entries) return
      controller.close()
      slots.release(slot)
    },
    cancel() {
      slots.release(slot)
    },
  })
}

/** Throws draw_entries_lost where the store does not hold the list to its last entry. */
export async function requireEntries(
  { store, room }: Pick<RoomQueue, 'store' | 'room'>,
  draw: DrawSnapshot,
): Promise<void> {
  const last = await store.readEntries(room, draw.entries - 1, 2)
  if (last.length !== 1) throw entriesLost()
}

const entriesLost = (): Problem =>
  new Problem('draw_entries_lost', {
    detail: 'The store has lost the list of entries since. Head, secret and beacon still tell every place.',
  })
