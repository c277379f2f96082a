// The body of one stream of seats. It looks a few times a second, by a timer of its own, at the copy that the isolate
// shares, so that streams cost Redis nothing beyond its two calls a second. Called by the route of availability, which
// decides who may have a stream. It ends by itself: the client comes back through the gate, which keeps its session alive.

import { isDatabaseUnavailable } from '../src/db/client.ts'
import { eventBody, HEARTBEAT, writeRetry, type EventChunk } from '../src/http/event-body.ts'
import type { StreamSlot, StreamSlots } from '../src/http/stream-slots.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { SeatAnswer } from './availability-answer.ts'

/** At most three events a second. */
const TICK_MS = 350
/** The runtime tells of a client that went away when it is written to: at the latest by this. */
const HEARTBEAT_MS = 15_000
/** The platform bounds the requests of one invocation (1,000); a stream that is alone in its isolate makes up to 5 a second. */
const LONGEST_STREAM_MS = 150_000
/** Up to twice as long after the end: streams that end together do not come back together. */
const RETRY_MS = 2_000

export interface SeatStream {
  /** The seats of now, as `seatsNow` answers them. */
  readonly look: (since: number) => Promise<SeatAnswer>
  /** What the client is told at once: always something, so that it knows that the stream flows. */
  readonly first: SeatAnswer
  readonly slots: StreamSlots
  /** Given back when the stream ends, however it ends. */
  readonly slot: StreamSlot
}

export function openSeatStream({ look, first, slots, slot }: SeatStream): ReadableStream<Uint8Array> {
  const endsAtMs = Date.now() + LONGEST_STREAM_MS * (1 - 0.1 * Math.random())
  let told: number | undefined
  let writtenAtMs = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function tell(answer: SeatAnswer): string {
    told = answer.version
    return `event: seats\nid: ${answer.version}\ndata: ${answer.json}\n\n`
  }

  async function nextChunk(): Promise<EventChunk> {
    if (told === undefined)
      return { text: writeRetry(RETRY_MS * (1 + Math.random())) + tell(first), ends: false }
    for (;;) {
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, TICK_MS)
      })
      const nowMs = Date.now()
      if (nowMs >= endsAtMs || !slots.keep(slot, nowMs)) return { text: '', ends: true }
      const answer = await lookAgain(told)
      // Whoever comes back is told why by the status.
      if (answer === undefined) return { text: '', ends: true }
      if (answer.version !== told) return { text: tell(answer), ends: false }
      if (nowMs - writtenAtMs >= HEARTBEAT_MS) return { text: HEARTBEAT, ends: false }
    }
  }

  async function lookAgain(since: number): Promise<SeatAnswer | undefined> {
    try {
      return await look(since)
    } catch (error) {
      if (error instanceof StoreUnavailable || isDatabaseUnavailable(error)) return undefined
      throw error
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
