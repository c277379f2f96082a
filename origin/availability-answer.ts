// What watchers are told of a copy, spelled once and shared by all who are told the same: the whole map, compressed here,
// or what changed since a version. Made by `availability.ts`, sent by its route and its streams. Holds nothing of a visitor.

import { changesSince, packMap, type SeatCopy } from './availability-copy.ts'

export interface SeatAnswer {
  readonly version: number
  readonly json: string
  /** The same, compressed; only of the whole map: changes are a few, and short. */
  readonly gzip?: Uint8Array<ArrayBuffer>
  /** Weak: the same seats compressed and not, and by another isolate in another order, are one. */
  readonly etag: string
}

/** A copy with its answers, as long as it is the latest. */
export interface ShownCopy {
  readonly copy: SeatCopy
  readonly whole: SeatAnswer
  /** Since → changes. */
  readonly deltas: Map<number, SeatAnswer>
}

/** Watchers of one isolate come with few different versions; each answer is at most about 4 KB. */
const DELTAS_KEPT = 32

export async function showCopy(copy: SeatCopy): Promise<ShownCopy> {
  const { version, map } = copy
  const json = JSON.stringify({ version, seats: map.length, packed: packMap(map) })
  const gzip = await compress(json)
  return { copy, whole: { version, json, gzip, etag: `W/"${version}"` }, deltas: new Map() }
}

/** The changes since a version where the copy covers it, otherwise the whole map. */
export function answerSince({ copy, whole, deltas }: ShownCopy, since: number | undefined): SeatAnswer {
  if (since === undefined) return whole
  const known = deltas.get(since)
  if (known !== undefined) return known
  const changes = changesSince(copy, since)
  if (changes === undefined) return whole
  const { version } = copy
  const answer = { version, json: JSON.stringify({ version, changes }), etag: `W/"${since}-${version}"` }
  const oldest = deltas.size >= DELTAS_KEPT ? deltas.keys().next() : undefined
  if (oldest?.done === false) deltas.delete(oldest.value)
  deltas.set(since, answer)
  return answer
}

async function compress(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(compressed).arrayBuffer())
}
