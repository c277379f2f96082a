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
import { Coalescer, type CoalescerOptions } from './coalescer.ts'
import type { EdgeConfig } from './config.ts'
import { RoomDraw, type DrawKeys } from './draw.ts'
import { HighestSeen } from './seen.ts'
import { openSharedCopy } from './shared-copy.ts'
import { RoomSnapshot } from './snapshot.ts'

export interface RoomQueue {
  readonly room: Room
  readonly store: QueueStore
  readonly seen: HighestSeen
  readonly snapshot: RoomSnapshot
  /** Of a room that draws a lottery. */
  readonly draw: RoomDraw | undefined
  readonly join: Coalescer<JoinEntry, JoinOutcome>
  readonly enter: Coalescer<EnterEntry, EnterOutcome>
  readonly claim: Coalescer<ClaimEntry, ClaimOutcome>
  readonly renew: Coalescer<RenewEntry, RenewOutcome>
}

export function openRoomQueue(
  room: Room,
  store: QueueStore,
  {
    coalesceWindowMs,
    coalesceClaimMs,
    redis,
    drawKeys: keys,
  }: Pick<EdgeConfig, 'coalesceWindowMs' | 'coalesceClaimMs' | 'redis'> & {
    readonly drawKeys?: DrawKeys | undefined
  },
): RoomQueue {
  const seen = new HighestSeen()
  const draw = keys === undefined ? undefined : new RoomDraw(room, { store, seen, keys })
  const snapshot = new RoomSnapshot(room, store, seen, { draw, shared: openSharedCopy(room.id, redis.url) })
  const share = <Entry, Outcome>(
    call: (entries: readonly Entry[]) => Promise<readonly Outcome[]>,
    options: Partial<CoalescerOptions> = {},
  ) =>
    new Coalescer(
      async (entries: readonly Entry[]) => {
        const outcomes = await call(entries)
        snapshot.noteAnswer()
        return outcomes
      },
      { windowMs: coalesceWindowMs, ...options },
    )
  return {
    room,
    store,
    seen,
    snapshot,
    draw,
    join: share(async (entries: readonly JoinEntry[]) => {
      const outcomes = await store.join(room, entries, seen.value)
      for (const outcome of outcomes) if ('place' in outcome) seen.observe(outcome)
      return outcomes
    }),
    enter: share((entries: readonly EnterEntry[]) => store.enter(room, entries, seen.value)),
    claim: share(
      (entries: readonly ClaimEntry[]) => store.claim(room, entries, seen.value),
      // Those who are called in one second claim together.
      { windowMs: coalesceClaimMs, bigBatch: 128 },
    ),
    renew: share((entries: readonly RenewEntry[]) => store.renew(room, entries, seen.value)),
  }
}
