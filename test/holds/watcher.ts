// What a client does with the answers of availability: unpacks the whole, applies changes, follows a stream. Used by the
// tests of availability; written apart from the origin's own packing, so that the two prove each other.

const MARKS = 'fahx'

/** One of `f a h x` a seat. */
export function unpack(packed: string, seats: number): string {
  const bytes = Buffer.from(packed, 'base64')
  return Array.from({ length: seats }, (_, at) => MARKS[((bytes[at >> 2] ?? 0) >> ((at & 3) * 2)) & 3]).join(
    '',
  )
}

export interface SeatNews {
  readonly version: number
  readonly seats?: number
  readonly packed?: string
  readonly changes?: Readonly<Record<string, string>>
}

export interface Known {
  readonly version: number
  readonly map: string
}

/** What the client knows after an answer. */
export function apply(known: Known | undefined, news: SeatNews): Known {
  if (news.packed !== undefined) return { version: news.version, map: unpack(news.packed, news.seats ?? 0) }
  if (known === undefined) throw new Error('changes came before the whole map')
  const marks = Array.from(known.map)
  for (const [ordinal, mark] of Object.entries(news.changes ?? {})) marks[Number(ordinal)] = mark
  return { version: news.version, map: marks.join('') }
}

/** The map of Redis as watchers see it. */
export const asShown = (map: string | null): string => (map ?? '').replaceAll(/[sb]/g, 'x')

export interface StreamEvent {
  readonly id: string
  readonly news: SeatNews
}

/** Reads one stream, event by event. */
export function readStream(response: Response) {
  if (response.body === null) throw new Error('there is no stream')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let heard = ''
  const next = async (): Promise<StreamEvent | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const [, id = '', data = ''] = /^event: seats\nid: (\d+)\ndata: (.*)$/.exec(block) ?? []
        if (data !== '') return { id, news: JSON.parse(data) as SeatNews }
        continue
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      text += value
      heard += value
    }
  }
  return {
    /** All that came so far, comments too. */
    text: () => heard,
    /** The next event; `undefined` when the stream has ended. */
    next,
    /** What the next event tells. */
    news: async (): Promise<SeatNews> => {
      const event = await next()
      if (event === undefined) throw new Error('the stream has ended')
      return event.news
    },
    cancel: () => reader.cancel(),
  }
}
