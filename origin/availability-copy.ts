// The map of a performance as one isolate has it, with the way that led to it: which seats changed at which version. Made
// and followed by `availability.ts`. Versions are compared exactly: one that is not on the way is not covered, however
// close it lies, since Redis may have fallen back to an older copy of itself and gone on from there. No clock, no I/O.

import type { SeatMark } from '../src/redis/seat-marks.ts'
import type { Availability, SeatStep } from '../src/redis/seats.ts'

/** As many as Redis keeps. */
const STEPS_KEPT = 500
/** Beyond it the whole map is shorter on the wire, and quicker to draw. */
const MOST_CHANGES = 300

/** A seat as watchers are told of it; why one is not for sale is not theirs to know. */
export type ShownMark = 'f' | 'a' | 'h' | 'x'

export interface SeatCopy {
  readonly version: number
  /** One `SeatMark` a seat. */
  readonly map: string
  /** Oldest first; the first leads away from `sinceVersion`, the last to `version`. */
  readonly steps: readonly SeatStep[]
  readonly sinceVersion: number
}

type News = Exclude<Availability, { status: 'unloaded' }>

/** The copy after an answer of Redis, which was asked since the copy's version, or for the whole map where there is none. */
export function follow(copy: SeatCopy | undefined, news: News): SeatCopy {
  if (news.status === 'full') {
    const { version, map } = news
    return { version, map, steps: [], sinceVersion: version }
  }
  if (copy === undefined) throw new Error('a delta was answered where the whole map was asked for')
  if (news.version === copy.version) return copy
  const marks = Array.from(copy.map)
  for (const [ordinal, mark] of Object.entries(news.changes)) marks[Number(ordinal)] = mark
  const steps = [...copy.steps, ...news.steps]
  const dropped = steps.splice(0, Math.max(0, steps.length - STEPS_KEPT))
  return {
    version: news.version,
    map: marks.join(''),
    steps,
    sinceVersion: dropped.at(-1)?.version ?? copy.sinceVersion,
  }
}

/** What changed since a version, by ordinal; `undefined` where the whole map is the answer. */
export function changesSince(
  { version, map, steps, sinceVersion }: SeatCopy,
  since: number,
): Readonly<Record<string, ShownMark>> | undefined {
  if (since === version) return {}
  const at = steps.findIndex((step) => step.version === since)
  if (at === -1 && since !== sinceVersion) return undefined
  const ordinals = new Set(steps.slice(at + 1).flatMap((step) => step.ordinals))
  if (ordinals.size > MOST_CHANGES) return undefined
  return Object.fromEntries([...ordinals].map((ordinal) => [ordinal, SHOWN[bitsAt(map, ordinal)] ?? 'x']))
}

/** In the order of their two bits. */
const SHOWN: readonly ShownMark[] = ['f', 'a', 'h', 'x']
const BITS: ReadonlyMap<string | undefined, number> = new Map(
  Object.entries({ f: 0, a: 1, h: 2, s: 3, b: 3 } satisfies Record<SeatMark, number>),
)

/** Throws for what no script writes. */
function bitsAt(map: string, ordinal: number): number {
  const bits = BITS.get(map[ordinal])
  if (bits === undefined) throw new Error(`the map has no mark at ${ordinal}`)
  return bits
}

/** Two bits a seat, four seats a byte, the lowest bits first: 0 free, 1 accessible, 2 held, 3 not for sale; as base64. */
export function packMap(map: string): string {
  const bytes = new Uint8Array(Math.ceil(map.length / 4))
  for (let at = 0; at < map.length; at += 1) {
    bytes[at >> 2] = (bytes[at >> 2] ?? 0) | (bitsAt(map, at) << ((at % 4) * 2))
  }
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
