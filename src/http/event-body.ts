// The body of a stream of server-sent events, in both Workers. It is pulled: nothing is prepared ahead of the reader, and
// once the client is known to be gone nothing pulls and no timer runs. What there is to tell, the caller decides.

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

/** A comment: nothing to the client, but a connection that is gone shows when it is written to. */
export const HEARTBEAT = ': here\n\n'

/** When the client comes back after the stream ends or breaks (ms). */
export const writeRetry = (retryMs: number): string => `retry: ${Math.round(retryMs)}\n\n`

export interface EventChunk {
  /** Nothing is written for an empty one. */
  readonly text: string
  readonly ends: boolean
}

/**
 * `nextChunk` waits until there is something to write; the first must come at once, since the runtime sends the headers
 * with it. `stop` is called when the stream ends, also where `nextChunk` throws or the client goes away: safe to repeat.
 */
export function eventBody(
  nextChunk: () => Promise<EventChunk>,
  stop: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { text, ends } = await nextChunk()
          if (text !== '') controller.enqueue(encoder.encode(text))
          if (!ends) return
          stop()
          controller.close()
        } catch (error) {
          stop()
          throw error
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
}
