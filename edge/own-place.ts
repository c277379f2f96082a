// The place of the caller: the queue token that came with the request and the snapshot it is to be read with. Called by
// `status` and `stream`, which answer alike to one who is not in the queue. Asks Redis nothing of its own.

import { Problem } from '../src/problem.ts'
import type { SnapshotDocument } from '../src/redis/queue.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'
import type { Work } from './passes.ts'
import { presentedQueueToken } from './presented.ts'
import type { RoomQueue } from './room-queue.ts'
import { requireToken } from './routes/room.ts'

export interface OwnPlace {
  readonly claims: QueueClaims
  readonly document: SnapshotDocument
}

/** Throws not_in_queue without a token or with one of an earlier epoch, token_invalid, or `StoreUnavailable`. */
export async function findOwnPlace(request: Request, queue: RoomQueue, work: Work): Promise<OwnPlace> {
  const presented = await presentedQueueToken(request, { ...work, room: queue.room })
  if (presented.status === 'none') {
    throw new Problem('not_in_queue', { detail: 'No queue token came with the request; join first.' })
  }
  const { claims } = requireToken(presented)
  const document = await queue.snapshot.get(work.waitUntil)
  if (claims.epoch < document.snapshot.epoch) {
    throw new Problem('not_in_queue', {
      detail: 'The queue was rebuilt since; join with the same token to be put back at the same place.',
    })
  }
  return { claims, document }
}
