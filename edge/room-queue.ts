// One room's queue as this isolate works it: its snapshot, what was seen of it, and the four calls that requests share.
// Made once per room and isolate. Holds no request; every outcome comes from Redis.

import type { Room } from '../src/config/room.ts'
import type {
  ClaimEntry,
  ClaimOutcome,
  EnterEntry,
  EnterOutcome,
  JoinEntry,
  JoinOutcome,
  QueueStore,
  RenewEntry,
  RenewOutcome,
} from '../src/redis/queue.ts'
import { Coalescer } from './coalescer.ts'
import { HighestSeen } from './seen.ts'
import { RoomSnapshot } from './snapshot.ts'

export interface RoomQueue {
  readonly room: Room
  readonly store: QueueStore
  readonly seen: HighestSeen
  readonly snapshot: RoomSnapshot
  readonly join: Coalescer<JoinEntry, JoinOutcome>
  readonly enter: Coalescer<EnterEntry, EnterOutcome>
  readonly claim: Coalescer<ClaimEntry, ClaimOutcome>
  readonly renew: Coalescer<RenewEntry, RenewOutcome>
}

export function openRoomQueue(
  room: Room,
  store: QueueStore,
  { coalesceWindowMs: windowMs }: { coalesceWindowMs: number },
): RoomQueue {
  const seen = new HighestSeen()
  const snapshot = new RoomSnapshot(room, store, seen)
  const share = <Entry, Outcome>(call: (entries: readonly Entry[]) => Promise<readonly Outcome[]>) =>
    new Coalescer(
      async (entries: readonly Entry[]) => {
        const outcomes = await call(entries)
        snapshot.noteAnswer()
        return outcomes
      },
      { windowMs },
    )
  return {
    room,
    store,
    seen,
    snapshot,
    join: share(async (entries: readonly JoinEntry[]) => {
      const outcomes = await store.join(room, entries, seen.value)
      for (const outcome of outcomes) if ('place' in outcome) seen.observe(outcome)
      return outcomes
    }),
    enter: share((entries: readonly EnterEntry[]) => store.enter(room, entries, seen.value)),
    claim: share((entries: readonly ClaimEntry[]) => store.claim(room, entries, seen.value)),
    renew: share((entries: readonly RenewEntry[]) => store.renew(room, entries, seen.value)),
  }
}
