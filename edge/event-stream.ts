// The body of one stream. It looks once a second, by a timer of its own, at the snapshot that the isolate shares, so that
// streams cost Redis nothing beyond the one refresh a second. The body is pulled: once the client is known to be gone
// nothing pulls, and no timer runs. What there is to tell decides `stream-turn.ts`; who may have a stream, the route.

import { eventBody, HEARTBEAT, writeRetry, type EventChunk } from '../src/http/event-body.ts'
import type { StreamSlot, StreamSlots } from '../src/http/stream-slots.ts'
import { pollAfterMs } from '../src/queue/position.ts'
import type { SnapshotDocument } from '../src/redis/queue.ts'
import { currentView } from './join-queue.ts'
import type { OwnPlace } from './own-place.ts'
import type { Work } from './passes.ts'
import type { RoomQueue } from './room-queue.ts'
import { nextTurn, writeEvent, type StreamTurn, type Told } from './stream-turn.ts'

const TICK_MS = 1_000
/** The runtime tells of a client that went away when it is written to: at the latest by this. */
const HEARTBEAT_MS = 15_000
/** The platform bounds the requests of one invocation (1,000); a stream that is alone in its isolate makes 2 a second. */
const LONGEST_STREAM_MS = 300_000
/** Up to twice as long after a broken connection: a data centre that goes away breaks many at once. */
const RETRY_MS = 2_000

export interface Streamed extends OwnPlace {
  /** What the client heard in the stream before this one. */
  readonly told: Told | undefined
  readonly slots: StreamSlots
  /** Given back when the stream ends, however it ends. */
  readonly slot: StreamSlot
}

export function openEventStream(
  queue: RoomQueue,
  work: Work,
  { claims, document: first, told: toldBefore, slots, slot }: Streamed,
): ReadableStream<Uint8Array> {
  const claimUrl = `/.waiting-room/${queue.room.id}/claim`
  // Up to a tenth shorter, so that those who came together do not come back together.
  const endsAtMs = work.nowMs + LONGEST_STREAM_MS * (1 - 0.1 * Math.random())
  let told = toldBefore
  let looked: SnapshotDocument | undefined
  let writtenAtMs: number | undefined
  let timer: ReturnType<typeof setTimeout> | null = null

  function look(document: SnapshotDocument): StreamTurn<ReturnType<typeof currentView>> {
    // The same copy as a second ago says nothing new.
    if (document === looked) return { next: 'goes_on' }
    looked = document
    const turn = nextTurn(currentView(queue, claims, document), document.snapshot, told)
    told = turn.event?.told ?? told
    return turn
  }

  function write({ event, next }: StreamTurn<ReturnType<typeof currentView>>): string {
    const pause = next === 'claim' || next === 'over' ? writeRetry(longPauseMs(queue)) : ''
    if (event === undefined) return pause
    const more = event.name === 'admitted' ? { claimUrl } : {}
    return pause + writeEvent({ ...event, data: { ...event.data, ...more } })
  }

  /** Waits until there is something to write; `ends` after the last. */
  async function nextChunk(): Promise<EventChunk> {
    if (writtenAtMs === undefined) {
      const turn = look(first)
      // Always something: the runtime sends the headers with the first bytes.
      return { text: writeRetry(RETRY_MS * (1 + Math.random())) + write(turn), ends: turn.next !== 'goes_on' }
    }
    for (;;) {
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, TICK_MS)
      })
      const nowMs = Date.now()
      if (nowMs >= endsAtMs || !slots.keep(slot, nowMs)) return { text: '', ends: true }
      const turn = look(await queue.snapshot.get(work.waitUntil))
      const text = write(turn)
      if (text !== '' || turn.next !== 'goes_on') return { text, ends: turn.next !== 'goes_on' }
      if (nowMs - writtenAtMs >= HEARTBEAT_MS) return { text: HEARTBEAT, ends: false }
    }
  }

  function stop(): void {
    clearTimeout(timer)
    slots.release(slot)
  }

  return eventBody(async () => {
    const chunk = await nextChunk()
    writtenAtMs = Date.now()
    return chunk
  }, stop)
}

/** Until one who was told all there is to tell looks again: never longer than a call waits, also where the front jumps. */
const longPauseMs = ({ room }: RoomQueue): number =>
  pollAfterMs(Number.MAX_SAFE_INTEGER, { claimWindowMs: room.claimWindowMs }) * (0.8 + 0.4 * Math.random())
