// Visitors who have been called and not yet claimed, with their queue tokens in a file that claim.lua reads. Their joins
// and calls go straight to Redis, through the scripts: what is measured afterwards is the claim alone.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { VisitorId } from '../src/ids.ts'
import { importSecretKeys, secretKeySet } from '../src/tokens/keys.ts'
import { signQueueToken } from '../src/tokens/queue-token.ts'
import { fillRoom } from './full-room.ts'
import type { BenchStack } from './stack.ts'

const NOTHING_SEEN = { epoch: 0, place: 0, serving: 0, settled: 0, sessions: 0 }

/** Answers the path of the file: one token a line. */
export async function callVisitors(
  { direct, rooms, workers, folder }: BenchStack,
  count: number,
): Promise<string> {
  const room = rooms.claims
  const keys = await importSecretKeys(secretKeySet.parse(workers.queueKeys))
  const signing: Promise<string>[] = []
  const sign = (visitor: VisitorId, place: number, epoch: number) => {
    const claims = {
      room: room.id,
      visitor,
      sale: room.sale.name,
      epoch,
      place,
      ahead: 0,
      calledTotal: 0,
      leftTotal: 0,
    }
    signing.push(signQueueToken(claims, keys, { issuer: 'foyer', nowMs: Date.now(), ttlSeconds: 3_600 }))
  }
  await fillRoom(direct.store, room, count, (visitors, outcomes) => {
    for (const [index, outcome] of outcomes.entries()) {
      const visitor = visitors[index]
      if (visitor !== undefined && 'place' in outcome) sign(visitor, outcome.place, outcome.epoch)
    }
  })
  // Each call moves a bounded number, and one right after another finds a fresh snapshot.
  for (;;) {
    const { snapshot } = await direct.store.advance(room, NOTHING_SEEN)
    if (snapshot.waiting === 0) break
    await new Promise((resolve) => setTimeout(resolve, 210))
  }
  const file = join(folder, 'called.txt')
  await writeFile(file, (await Promise.all(signing)).join('\n'))
  return file
}
