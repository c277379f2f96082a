// Which seats can be had, kept live: one character a seat. The whole map once, then a stream of what changes; where a stream
// cannot be had, the changes are asked for every two seconds. Only while the page is looked at. Called by
// `performance-page.ts`; holds no opinion about what is chosen.

import { call } from './api.ts'
import { type Fields, fieldsOf, numberOf } from './fields.ts'
import type { Section } from './catalogue.ts'

/** Free, free for those who need an accessible place, held, not for sale. */
export type Mark = 'f' | 'a' | 'h' | 'x'

export interface Availability {
  /** `h` for an ordinal not known yet: never offered before the map is in. */
  mark(ordinal: number): Mark
  free(section: Section): number
  /** False until the first map is in. */
  known(): boolean
  /** What a refused hold told: seats shown as free are not. */
  taken(ordinals: readonly number[]): void
  /** Asks for the whole map at once, where changes alone are not to be trusted. */
  again(): void
}

export interface LiveAvailability extends Availability {
  start(): void
}

const POLL_MS = 2_000
const LONGEST_RETRY_MS = 20_000
/** A stream says something at once; one that is silent for longer is held back on the way, by a proxy that collects it. */
const FIRST_EVENT_MS = 5_000
/** Where streams do not come through. */
const POLL_INSTEAD_MS = 120_000
/** Opened anew so often: a connection that died is noticed, and the session behind the page lives on by requests. */
const STREAM_MS = 45_000

/** In the order of their two bits. */
const MARKS: readonly Mark[] = ['f', 'a', 'h', 'x']
const isMark = (value: unknown): value is Mark => MARKS.some((mark) => mark === value)
const about = (ms: number): number => ms * (0.85 + 0.3 * Math.random())

function unpack(packed: string, seats: number): Mark[] {
  const bytes = atob(packed)
  return Array.from(
    { length: seats },
    (_, at) => MARKS[(bytes.charCodeAt(at >> 2) >> ((at % 4) * 2)) & 3] ?? 'x',
  )
}

/** `changed` is called with the ordinals that changed, or undefined when all may have. */
export function watchAvailability(
  performance: string,
  changed: (ordinals: readonly number[] | undefined) => void,
): LiveAvailability {
  const path = `/api/performances/${encodeURIComponent(performance)}/availability`
  let marks: Mark[] = []
  let version: number | undefined
  let whole = true
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = false
  let stream: EventSource | undefined
  let pollUntilMs = 0

  function take(body: Fields): void {
    version = numberOf(body['version'])
    if (typeof body['packed'] === 'string') {
      marks = unpack(body['packed'], numberOf(body['seats']))
      whole = false
      return changed(undefined)
    }
    const changes = Object.entries(fieldsOf(body['changes']))
    for (const [ordinal, mark] of changes) if (isMark(mark)) marks[Number(ordinal)] = mark
    if (changes.length > 0) changed(changes.map(([ordinal]) => Number(ordinal)))
  }

  /** One source at a time: an answer that is older than what a stream has told would undo it. */
  function stop(): void {
    clearTimeout(timer)
    stream?.close()
    stream = undefined
  }

  function follow(): void {
    stop()
    const source = new EventSource(`${path}/stream?since=${version}`)
    stream = source
    let heard = false
    const broken = (): void => {
      stop()
      if (!heard) pollUntilMs = Date.now() + about(POLL_INSTEAD_MS)
      timer = setTimeout(() => void ask(), about(POLL_MS))
    }
    timer = setTimeout(broken, FIRST_EVENT_MS)
    source.addEventListener('error', broken)
    source.addEventListener('seats', ({ data }) => {
      if (!heard) {
        heard = true
        clearTimeout(timer)
        timer = setTimeout(follow, about(STREAM_MS))
      }
      take(fieldsOf(JSON.parse(String(data))))
    })
  }

  async function ask(): Promise<void> {
    if (asking || document.hidden) return
    stop()
    asking = true
    const answer = await call('GET', whole || version === undefined ? path : `${path}?since=${version}`)
    asking = false
    failures = answer.ok ? 0 : failures + 1
    if (answer.ok) take(answer.body)
    if (document.hidden) return
    // Somebody asked for the whole map while changes were on their way.
    if (answer.ok && whole) return ask()
    if (answer.ok && Date.now() >= pollUntilMs) return follow()
    timer = setTimeout(() => void ask(), about(Math.min(POLL_MS * 2 ** failures, LONGEST_RETRY_MS)))
  }

  return {
    start() {
      document.addEventListener('visibilitychange', () => {
        if (document.hidden) stop()
        else void ask()
      })
      window.addEventListener('online', () => void ask())
      void ask()
    },
    known: () => version !== undefined,
    mark: (ordinal) => marks[ordinal] ?? 'h',
    free({ firstOrdinal, count }) {
      let free = 0
      for (let at = firstOrdinal; at < firstOrdinal + count; at += 1) if (marks[at] === 'f') free += 1
      return free
    },
    taken(ordinals) {
      for (const ordinal of ordinals) if (marks[ordinal] !== 'x') marks[ordinal] = 'h'
      changed(ordinals)
    },
    again() {
      whole = true
      void ask()
    },
  }
}
