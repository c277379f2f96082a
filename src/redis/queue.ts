// The queue of a room in Redis, typed: one function a Lua script, every one working on a batch and safe to repeat.
// Called by the edge's coalescers and snapshot; never called with client-chosen ids; throws StoreUnavailable only.

import type { Redis } from '@upstash/redis/cloudflare'
import type { LiveSettings, Room } from '../config/room.ts'
import type { SessionId, VisitorId } from '../ids.ts'
import { QUIET_PLACE, sessionIdFrom } from '../queue/session-id.ts'
import { callStore, createScript } from './client.ts'
import { roomKeys } from './keys.ts'
import advanceSource from './lua/advance.lua'
import claimSource from './lua/claim.lua'
import enterSource from './lua/enter.lua'
import joinSource from './lua/join.lua'
import leaveSource from './lua/leave.lua'
import overrideSource from './lua/override.lua'
import renewSource from './lua/renew.lua'
import roomSource from './lua/room.lua'
import slotsSource from './lua/slots.lua'
import * as args from './queue-arguments.ts'
import * as replies from './queue-replies.ts'

/**
 * What the caller has seen of a room; a store that is behind it has lost something. Sent with every script call.
 * The three belong together: seeing a higher epoch replaces them all. Nothing seen yet: zeros.
 */
export interface Seen {
  readonly epoch: number
  /** Highest place (µs). */
  readonly place: number
  readonly serving: number
}

/** `suspended` is the edge's own word: the room is off, and whoever still waits may go in at once. */
export type RoomState = 'idle' | 'open' | 'paused' | 'recovering' | 'closed' | 'sold_out' | 'suspended'

/** The public snapshot, exactly as `GET …/now` shows it. Times in ms since 1970; places in µs. */
export interface Snapshot {
  readonly room: string
  readonly sale: string
  readonly epoch: number
  /** Redis time at which it was computed (ms). */
  readonly at: number
  readonly state: RoomState
  /** The place up to which visitors have been called. */
  readonly serving: number
  readonly waiting: number
  /** Called and not yet entered. */
  readonly called: number
  readonly sessions: number
  /** First calls; a late return is not counted again. */
  readonly calledTotal: number
  /** Departures from the queue before the call, and returns into its middle: while it stands, positions are exact. */
  readonly leftTotal: number
  readonly admittedPerMinute: number
  /** Places of the first 50 waiting, in order. */
  readonly front: readonly number[]
  readonly stock: null
  readonly message: string
  readonly pollAfterMs: number
  /** True where this copy could not be refreshed and may be old. */
  readonly degraded: boolean
}

/** The snapshot together with what only the edge reads. */
export interface SnapshotDocument {
  readonly snapshot: Snapshot
  /** Live overrides in force, set by the admin API. */
  readonly live: LiveSettings
  /** Whether a newcomer could enter without waiting (nobody waits, both limits have room, no recovery). */
  readonly quiet: boolean
}

export interface JoinEntry {
  readonly visitor: VisitorId
  /** Place proved by a queue token of this sale, to be put back after a loss. */
  readonly provenPlace?: number
}

export type JoinOutcome =
  | {
      readonly status: 'waiting' | 'called'
      readonly place: number
      /** Waiting ahead at this moment (exact at a first join). */
      readonly ahead: number
      /** The counters to compare later snapshots with: for the queue token, not for display. */
      readonly calledTotal: number
      readonly leftTotal: number
      readonly epoch: number
    }
  /** Already admitted and its session lives: claim again. */
  | {
      readonly status: 'admitted'
      readonly place: number
      readonly calledTotal: number
      readonly leftTotal: number
      readonly epoch: number
    }
  | { readonly status: 'missed' }
  | { readonly status: 'refused'; readonly reason: 'closed' | 'sold_out' | 'below_floor' }

export interface EnterEntry {
  readonly visitor: VisitorId
  /** `sessionIdFrom(visitor, QUIET_PLACE)` of src/queue/session-id.ts. */
  readonly session: SessionId
}
export type EnterOutcome =
  | { readonly status: 'entered'; readonly startedAtMs: number; readonly expiresAtMs: number }
  | { readonly status: 'wait' }

export interface ClaimEntry {
  readonly visitor: VisitorId
  /** `sessionIdFrom(visitor, place)` of src/queue/session-id.ts. */
  readonly session: SessionId
  readonly place: number
}
export type ClaimOutcome =
  | { readonly status: 'admitted'; readonly startedAtMs: number; readonly expiresAtMs: number }
  | { readonly status: 'waiting' }
  | { readonly status: 'missed' }
  /** Not in the queue of this epoch: join again with the token, which restores the place. */
  | { readonly status: 'unknown' }
  | { readonly status: 'ended' }

export interface RenewEntry {
  readonly session: SessionId
  /** End of the session's absolute life (ms), from its token: its start + session_max_duration. */
  readonly sessionEndMs: number
  /** End of the token held now (ms). */
  readonly tokenExpiresAtMs: number
}
export type RenewOutcome =
  | { readonly status: 'renewed'; readonly expiresAtMs: number }
  | { readonly status: 'ended' }

export interface LeaveEntry {
  readonly visitor: VisitorId
  /** Left out: the session that the visitor has, if any. */
  readonly session?: SessionId
  /** Latest end of any token of the session (ms), tolerances included; left out: one token's life from now. */
  readonly tokenExpiresAtMs?: number
}

/** A room's queue in one Redis. All functions answer in the order of their entries. */
export interface QueueStore {
  join(room: Room, entries: readonly JoinEntry[], seen: Seen): Promise<JoinOutcome[]>
  enter(room: Room, entries: readonly EnterEntry[], seen: Seen): Promise<EnterOutcome[]>
  claim(room: Room, entries: readonly ClaimEntry[], seen: Seen): Promise<ClaimOutcome[]>
  renew(room: Room, entries: readonly RenewEntry[], seen: Seen): Promise<RenewOutcome[]>
  leave(room: Room, entries: readonly LeaveEntry[], seen: Seen): Promise<void>
  /** Moves the front and computes the snapshot; stores it at `wr:{room}:snapshot` as well. */
  advance(room: Room, seen: Seen): Promise<SnapshotDocument>
  /** The stored snapshot by one GET; `undefined` when there is none. The caller judges its age by `at`. */
  readSnapshot(room: Room): Promise<SnapshotDocument | undefined>
  /** Sets (value) and clears (null) live overrides; they act with the next `advance`. */
  override(
    room: Room,
    changes: { readonly [K in keyof LiveSettings]?: LiveSettings[K] | null },
  ): Promise<LiveSettings>
}

// A script that opens the room first: one text, so that Redis runs it as one. The two parts in front are shared because
// every script must notice a loss and count slots in exactly the same way.
const roomScript = (source: string) => createScript([roomSource, slotsSource, source].join('\n'))

const scripts = {
  join: roomScript(joinSource),
  enter: roomScript(enterSource),
  claim: roomScript(claimSource),
  renew: roomScript(renewSource),
  leave: roomScript(leaveSource),
  advance: roomScript(advanceSource),
  override: createScript(overrideSource),
}

/**
 * The store over one Upstash client. Any call may be repeated after a lost reply. Throws `StoreUnavailable` where Redis
 * cannot be asked (timeouts: client.ts) and where the room's sale is one that was replaced; never decides open or closed.
 */
export function createQueueStore(redis: Redis): QueueStore {
  const run = async (
    script: keyof Omit<typeof scripts, 'override'>,
    room: Room,
    seen: Seen,
    rest: string[],
  ) => await scripts[script].run(redis, args.roomKeyList(room), [...args.roomArguments(room, seen), ...rest])

  return {
    async join(room, entries, seen) {
      if (entries.length === 0) return []
      return replies.parseJoin(await run('join', room, seen, args.joinArguments(entries)), entries.length)
    },
    async enter(room, entries, seen) {
      if (entries.length === 0) return []
      for (const entry of entries) requireOwnSession(entry)
      return replies.parseEnter(await run('enter', room, seen, args.enterArguments(entries)), entries.length)
    },
    async claim(room, entries, seen) {
      if (entries.length === 0) return []
      for (const entry of entries) requireOwnSession(entry)
      return replies.parseClaim(await run('claim', room, seen, args.claimArguments(entries)), entries.length)
    },
    async renew(room, entries, seen) {
      if (entries.length === 0) return []
      return replies.parseRenew(await run('renew', room, seen, args.renewArguments(entries)), entries.length)
    },
    async leave(room, entries, seen) {
      if (entries.length > 0) await run('leave', room, seen, args.leaveArguments(entries))
    },
    async advance(room, seen) {
      return replies.parseSnapshotDocument(await run('advance', room, seen, args.advanceArguments(room)))
    },
    async readSnapshot(room) {
      const stored = await callStore(() => redis.get<string>(roomKeys(room.id).snapshot))
      return stored === null ? undefined : replies.parseSnapshotDocument(stored)
    },
    async override(room, changes) {
      const keys = args.overrideKeyList(room)
      return replies.parseOverrides(await scripts.override.run(redis, keys, args.overrideArguments(changes)))
    },
  }
}

/** A session id made in any other way would never be found again: a bug of the caller, told at once. */
function requireOwnSession({ visitor, session, place = QUIET_PLACE }: EnterEntry & { place?: number }): void {
  if (session !== sessionIdFrom(visitor, place)) {
    throw new RangeError('a session id must be made by sessionIdFrom(visitor, place)')
  }
}
