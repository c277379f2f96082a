// What the token of an entry is worth after the draw: the place that was drawn for it, computed from what is published.
// Called where a queue token is presented. Pure but for SHA-256; asks nobody.

import { readHeader } from '../src/draw/entry-file.ts'
import { drawnPlace, drawValue } from '../src/draw/value.ts'
import type { DrawSnapshot } from '../src/redis/queue.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'

/**
 * Before the draw is complete, the claims as they are. Afterwards the drawn place; an entry of a list that was begun
 * before this draw's (and lost since) was not drawn, and keeps the time of entry, which is behind every drawn place.
 */
export async function resolveEntry(claims: QueueClaims, draw: DrawSnapshot | null): Promise<QueueClaims> {
  const { entry, ...placed } = claims
  if (entry === undefined || draw === null || !draw.complete) return claims
  const { secret, head, beacon, header } = draw
  const terms = header === null ? undefined : readHeader(header)
  if (secret === null || head === null || terms === undefined) return claims
  if (claims.epoch < terms.epoch) return placed
  return { ...placed, place: drawnPlace(await drawValue(claims.visitor, { secret, head, beacon })) }
}
