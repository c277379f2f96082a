// Which seats can be had, kept live: one character a seat, asked for every two seconds while the page is looked at,
// as changes since the last version. Called by `performance-page.ts`; holds no opinion about what is chosen.

import { call } from './api.ts'
import { type Fields, fieldsOf, numberOf } from './fields.ts'
import type { Section } from './catalogue.ts'

export type Mark = 'f' | 'h' | 's' | 'b'

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

const isMark = (value: unknown): value is Mark =>
  value === 'f' || value === 'h' || value === 's' || value === 'b'

/** `changed` is called with the ordinals that changed, or undefined when all may have. */
export function watchAvailability(
  performance: string,
  changed: (ordinals: readonly number[] | undefined) => void,
): LiveAvailability {
  let marks: Mark[] = []
  let version: number | undefined
  let whole = true
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = false

  function take(body: Fields): void {
    version = numberOf(body['version'])
    if (typeof body['map'] === 'string') {
      marks = Array.from(body['map'], (mark) => (isMark(mark) ? mark : 'b'))
      whole = false
      return changed(undefined)
    }
    const changes = Object.entries(fieldsOf(body['changes']))
    for (const [ordinal, mark] of changes) if (isMark(mark)) marks[Number(ordinal)] = mark
    if (changes.length > 0) changed(changes.map(([ordinal]) => Number(ordinal)))
  }

  async function ask(): Promise<void> {
    if (asking || document.hidden) return
    asking = true
    clearTimeout(timer)
    const since = whole || version === undefined ? '' : `?since=${version}`
    const answer = await call(
      'GET',
      `/api/performances/${encodeURIComponent(performance)}/availability${since}`,
    )
    asking = false
    failures = answer.ok ? 0 : failures + 1
    if (answer.ok) take(answer.body)
    const pauseMs = Math.min(POLL_MS * 2 ** failures, LONGEST_RETRY_MS) * (0.85 + 0.3 * Math.random())
    timer = setTimeout(() => void ask(), pauseMs)
  }

  return {
    start() {
      document.addEventListener('visibilitychange', () => void ask())
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
      for (const ordinal of ordinals) if (marks[ordinal] === 'f') marks[ordinal] = 'h'
      changed(ordinals)
    },
    again() {
      whole = true
      void ask()
    },
  }
}
