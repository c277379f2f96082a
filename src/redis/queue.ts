// The queue of a room in Redis, typed: one function a Lua script, every one working on a batch and safe to repeat.
// Called by the edge's coalescers and snapshot; never called with client-chosen ids; throws StoreUnavailable only.

import type { Redis } from '@upstash/redis/cloudflare'
import type { LiveSettings, Room } from '../config/room.ts'
import type { RoomId, SessionId, VisitorId } from '../ids.ts'
import { QUIET_PLACE, sessionIdFrom } from '../queue/session-id.ts'
import { callStore, createScript } from './client.ts'
import { roomKeys } from './keys.ts'
import armSource from './lua/arm.lua'
import advanceSource from './lua/advance.lua'
import claimSource from './lua/claim.lua'
import chainSource from './lua/chain.lua'
import departuresSource from './lua/departures.lua'
import drawSource from './lua/draw.lua'
import enterSource from './lua/enter.lua'
import entriesSource from './lua/entries.lua'
import joinSource from './lua/join.lua'
import leaveSource from './lua/leave.lua'
import overrideSource from './lua/override.lua'
import renewSource from './lua/renew.lua'
import roomSource from './lua/room.lua'
import slotsSource from './lua/slots.lua'
import snapshotSource from './lua/snapshot.lua'
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
  /** Nobody at or below it can return by the late return any more. */
  readonly settled: number
  /** Sessions at that time. */
  readonly sessions: number
}

/** `suspended` is the edge's own word: the room is off, and whoever still waits may go in at once. */
export type RoomState =
  | 'idle'
  | 'prequeue'
  | 'drawing'
  | 'open'
  | 'paused'
  | 'recovering'
  | 'closed'
  | 'sold_out'
  | 'suspended'

/** The public side of a lottery's draw; null where there is none. Hashes and random values are lower-case hex. */
export interface DrawSnapshot {
  /** SHA-256 of the secret's text; null where the edge has no DRAW_SECRET. */
  readonly commitment: string | null
  /** SHA-256 of the entry file so far; null before the first entry. */
  readonly head: string | null
  readonly entries: number
  /** First line of the entry file; null before the first entry. */
  readonly header: string | null
  /** The beacon's round; null without a beacon. */
  readonly round: number | null
  /** The round's randomness; null until the draw knows it. */
  readonly beacon: string | null
  /** Null until the draw is complete. */
  readonly secret: string | null
  readonly complete: boolean
}

/** The public snapshot, exactly as `GET …/now` shows it. Times in ms since 1970; places in µs. */
export interface Snapshot {
  readonly room: string
  readonly sale: string
  readonly epoch: number
  /** Redis time at which it was computed (ms). */
  readonly at: number
  readonly state: RoomState
  /** Times of the sale (ms); null where none is set. */
  readonly prequeueAt: number | null
  readonly startsAt: number | null
  readonly endsAt: number | null
  /** The place up to which visitors have been called. */
  readonly serving: number
  readonly waiting: number
  /** Called and not yet entered. */
  readonly called: number
  readonly sessions: number
  /** Calls less late returns: how many have gone from the front for good. */
  readonly calledTotal: number
  /** Departures before the call, less returns into the middle. */
  readonly leftTotal: number
  /** Where they stood: `[from place, to place, count]` in order; together they are `leftTotal`. */
  readonly departures: readonly (readonly [number, number, number])[]
  /** Calls a minute that the settings allow now. */
  readonly ratePerMinute: number
  /** Slots that nobody has. */
  readonly free: number
  /** As measured. */
  readonly admittedPerMinute: number
  /** Places of the first 50 waiting, in order. */
  readonly front: readonly number[]
  /** Seats that can still be sold, and those in holds; null where the origin reports none. */
  readonly stock: { readonly left: number; readonly held: number } | null
  readonly draw: DrawSnapshot | null
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
  /** When an override was last changed (ms). */
  readonly liveAt: number
  /** As in `Seen`. */
  readonly settled: number
  /** Ended sessions of which a token may still be alive. */
  readonly ended: number
  /** Sessions known before a loss and not heard of since: their slots are kept for them. */
  readonly absent: number
  /** What a store that has lost the draw must learn again; null where there is none. */
  readonly drawState: {
    /** Place of entry n is base + n (µs). */
    readonly base: number
    /** When the entries closed (ms); 0 while they are open. */
    readonly closed: number
    /** The epoch that the complete draw began; 0 before. */
    readonly drawnEpoch: number
  } | null
  /** Whether a newcomer could enter without waiting (nobody waits, both limits have room, no recovery). */
  readonly quiet: boolean
}

export interface JoinEntry {
  readonly visitor: VisitorId
  /** Place proved by a queue token of this sale, to be put back after a loss. */
  readonly provenPlace?: number
  /** The caller knows that this place has led to a session: it is not put back as a missed call. */
  readonly spent?: boolean
}

export type JoinOutcome =
  | {
      readonly status: 'waiting' | 'called'
      readonly place: number
      /** Waiting ahead at this moment (exact at a first join). */
      readonly ahead: number
      /** To compare later snapshots with: the counter, and the departures below this place. For the queue token. */
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
  /** In the draw, whose order is to come: `place` only tells when. */
  | {
      readonly status: 'entered'
      readonly place: number
      /** Number of the entry, from 1; how many there are now, and the head of their chain. */
      readonly number: number
      readonly entries: number
      readonly head: string
      readonly calledTotal: number
      readonly leftTotal: number
      readonly epoch: number
    }
  | { readonly status: 'missed' }
  | { readonly status: 'refused'; readonly reason: 'idle' | 'closed' | 'sold_out' | 'below_floor' }

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
  /** As at join: a call that only an older copy of the store still knows becomes no second session. */
  readonly spent?: boolean
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
  /** Until when the session is to live though its visitor sits still, also past `sessionEndMs` (ms); bounded by the caller. */
  readonly extendedUntilMs?: number
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

export interface DrawStep {
  /** Who draws: while one has the lease, others are told `busy`. */
  readonly runner: string
  /** The head for which `places` were computed. */
  readonly head?: string
  readonly beacon?: string
  readonly places?: readonly { readonly visitor: string; readonly place: number }[]
}
export interface DrawProgress {
  /**
   * `page`: compute these; `beacon`: its value is needed first; `busy`: another runner draws; `done`: complete with this
   * step; `over`: nothing is being drawn.
   */
  readonly status: 'page' | 'beacon' | 'busy' | 'done' | 'over'
  /** Redis time (ms). */
  readonly nowMs: number
  readonly head: string
  readonly header: string
  readonly round: number | null
  readonly beacon: string | null
  readonly visitors: readonly string[]
}

/** `setting` is the name of one, or `deployed` (all live settings of a deployment) or `restored` (overrides after a loss). */
export interface SettingChange {
  readonly at: number
  readonly setting: string
  /** Null where an override was cleared. */
  readonly value: unknown
}

/** A room's queue in one Redis. All functions answer in the order of their entries. */
export interface QueueStore {
  join(room: Room, entries: readonly JoinEntry[], seen: Seen): Promise<JoinOutcome[]>
  enter(room: Room, entries: readonly EnterEntry[], seen: Seen): Promise<EnterOutcome[]>
  claim(room: Room, entries: readonly ClaimEntry[], seen: Seen): Promise<ClaimOutcome[]>
  renew(room: Room, entries: readonly RenewEntry[], seen: Seen): Promise<RenewOutcome[]>
  leave(room: Room, entries: readonly LeaveEntry[], seen: Seen): Promise<void>
  /**
   * Moves the front and computes the snapshot; stores it at `wr:{room}:snapshot` as well. `held` is the document that
   * the caller has: a store that has forgotten live settings learns them from it.
   */
  advance(room: Room, seen: Seen, held?: SnapshotDocument): Promise<SnapshotDocument>
  /** The stored snapshot by one GET; `undefined` when there is none. The caller judges its age by `at`. */
  readSnapshot(room: Room): Promise<SnapshotDocument | undefined>
  /** Sets (value) and clears (null) live overrides; they act with the next `advance`. */
  override(
    room: Room,
    changes: { readonly [K in keyof LiveSettings]?: LiveSettings[K] | null },
  ): Promise<LiveSettings>
  /** Tells an empty store that it is new: the word of a deployment. A store that knows the sale is not touched. */
  arm(room: Room): Promise<'armed' | 'known'>
  /** Changes of settings with time and value, oldest first. */
  readLog(room: Room): Promise<SettingChange[]>
  /** One step of a lottery's draw; any step may be repeated, by anyone. */
  draw(room: Room, step: DrawStep, seen: Seen): Promise<DrawProgress>
  /** Entries of the draw in order, from the one at `from` (0 is the first). */
  readEntries(room: Room, from: number, count: number): Promise<string[]>
}

// A script that opens the room first: one text, so that Redis runs it as one. The parts in front are shared because every
// script must notice a loss, count slots and remember departures in exactly the same way.
const roomScript = (...sources: string[]) =>
  createScript([roomSource, slotsSource, departuresSource, ...sources].join('\n'))

const scripts = {
  join: roomScript(chainSource, entriesSource, joinSource),
  enter: roomScript(enterSource),
  claim: roomScript(claimSource),
  renew: roomScript(renewSource),
  leave: roomScript(leaveSource),
  draw: roomScript(drawSource),
  advance: roomScript(advanceSource, snapshotSource),
  override: createScript(overrideSource),
  arm: createScript(armSource),
}

/**
 * The store over one Upstash client. Any call may be repeated after a lost reply. Throws `StoreUnavailable` where Redis
 * cannot be asked (timeouts: client.ts), as `SaleReplaced` where the room's sale is one that was replaced; never decides
 * open or closed.
 * `commitments`: to the secret of the draw, by room that draws one.
 */
export function createQueueStore(
  redis: Redis,
  { commitments = new Map() }: { readonly commitments?: ReadonlyMap<RoomId, string> } = {},
): QueueStore {
  const run = async (
    script: keyof Omit<typeof scripts, 'override' | 'arm'>,
    room: Room,
    seen: Seen,
    rest: string[],
  ) => await scripts[script].run(redis, args.roomKeyList(room), [...args.roomArguments(room, seen), ...rest])

  return {
    async join(room, entries, seen) {
      if (entries.length === 0) return []
      const rest = args.joinArguments(room, entries, commitments.get(room.id))
      return replies.parseJoin(await run('join', room, seen, rest), entries.length)
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
    async advance(room, seen, held) {
      const rest = args.advanceArguments(room, held)
      return replies.parseSnapshotDocument(await run('advance', room, seen, rest))
    },
    async readSnapshot(room) {
      const stored = await callStore(() => redis.get<string>(roomKeys(room.id).snapshot))
      return stored === null ? undefined : replies.parseSnapshotDocument(stored)
    },
    async override(room, changes) {
      const keys = args.overrideKeyList(room)
      return replies.parseOverrides(await scripts.override.run(redis, keys, args.overrideArguments(changes)))
    },
    async arm(room) {
      return replies.parseArmed(await scripts.arm.run(redis, args.armKeyList(room), args.armArguments(room)))
    },
    async draw(room, step, seen) {
      return replies.parseDraw(await run('draw', room, seen, args.drawArguments(step)))
    },
    async readEntries(room, from, count) {
      const { entries } = roomKeys(room.id)
      return await callStore(() => redis.lrange(entries, from, from + count - 1))
    },
    async readLog(room) {
      return replies.parseLog(await callStore(() => redis.lrange(roomKeys(room.id).log, 0, -1)))
    },
  }
}

/** A session id made in any other way would never be found again: a bug of the caller, told at once. */
function requireOwnSession({ visitor, session, place = QUIET_PLACE }: EnterEntry & { place?: number }): void {
  if (session !== sessionIdFrom(visitor, place)) {
    throw new RangeError('a session id must be made by sessionIdFrom(visitor, place)')
  }
}
