// A program that listens to a stream: reads events as they come and can be cut off. Used by the tests of the stream.
// Over node:http, as everything here: an abort closes the connection, as a client that goes away does.

import { request, type IncomingHttpHeaders } from 'node:http'

export interface HeardEvent {
  readonly name: string
  readonly id: string
  readonly data: {
    readonly state: string
    readonly position: number
    readonly roomState: string
    readonly claimUrl?: string
  }
}

export interface EventClient {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** All that came so far. */
  readonly events: readonly HeardEvent[]
  text(): string
  /** Resolves with the first event from now on that `fits`; fails when the stream ends before. */
  heard(fits: (event: HeardEvent) => boolean): Promise<HeardEvent>
  /** Resolves when the server ends the stream. */
  readonly ended: Promise<void>
  cut(): void
}

export function listen(
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventClient> {
  const { promise, resolve, reject } = Promise.withResolvers<EventClient>()
  const asked = request(origin, { path, headers }, (response) => {
    let text = ''
    const events: HeardEvent[] = []
    const listeners = new Set<() => void>()
    const end = Promise.withResolvers<void>()
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      events.splice(0, events.length, ...eventsIn(text))
      for (const listener of listeners) listener()
    })
    response.on('end', () => end.resolve())
    // A connection that this test cuts is no fault.
    response.on('error', () => undefined)
    resolve({
      status: response.statusCode ?? 0,
      headers: response.headers,
      events,
      text: () => text,
      heard(fits) {
        const found = Promise.withResolvers<HeardEvent>()
        const from = events.length
        listeners.add(() => {
          const event = events.slice(from).find(fits)
          if (event !== undefined) found.resolve(event)
        })
        void end.promise.then(() => found.reject(new Error(`the stream ended after:\n${text}`)))
        return found.promise
      },
      ended: end.promise,
      cut: () => asked.destroy(),
    })
  })
  asked.on('error', reject)
  asked.end()
  return promise
}

/** The events of complete blocks; comments and `retry` are none. */
const eventsIn = (text: string): HeardEvent[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const [name, id, data] = [field('event'), field('id'), field('data')]
      if (name === undefined || id === undefined || data === undefined) return []
      return [{ name, id, data: JSON.parse(data) }]
    })
