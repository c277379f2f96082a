// The seats of a performance in Redis, typed: one function a Lua script, each safe to repeat. Called by the origin alone.
// Redis decides who may try to buy a seat; whether it is sold, only Postgres decides.

import type { Redis } from '@upstash/redis/cloudflare'
import type { z } from 'zod'
import type { RoomId } from '../ids.ts'
import { createScript } from './client.ts'
import apartSource from './lua/seats/apart.lua'
import areasSource from './lua/seats/areas.lua'
import auditSource from './lua/seats/audit.lua'
import availabilitySource from './lua/seats/availability.lua'
import bestSource from './lua/seats/best.lua'
import changeSource from './lua/seats/change.lua'
import changesSource from './lua/seats/changes.lua'
import chooseSource from './lua/seats/choose.lua'
import confirmSource from './lua/seats/confirm.lua'
import countsSource from './lua/seats/counts.lua'
import extendSource from './lua/seats/extend.lua'
import freeSource from './lua/seats/free.lua'
import gapsSource from './lua/seats/gaps.lua'
import hallSource from './lua/seats/hall.lua'
import holdSource from './lua/seats/hold.lua'
import listSource from './lua/seats/list.lua'
import logSource from './lua/seats/log.lua'
import readSource from './lua/seats/read.lua'
import rebuildSource from './lua/seats/rebuild.lua'
import recordsSource from './lua/seats/records.lua'
import releaseSource from './lua/seats/release.lua'
import takeSource from './lua/seats/take.lua'
import {
  areaList,
  freshMaps,
  ordinalList,
  seatArguments,
  seatKeyList,
  type KnownSeats,
  type SeatScript,
} from './seat-arguments.ts'
import type { BaseMark, SeatMark, SeatState } from './seat-marks.ts'
import * as replies from './seat-replies.ts'

/** What every new hold is asked with, however its seats are found. */
export interface TakeRequest {
  /** `<performance>.<random>`, chosen by the server; a repeat with the same id finds the same hold. */
  readonly holdId: string
  /** Admission session that owns the hold. */
  readonly session: string
  readonly ttlMs: number
  /** Absolute life that extensions cannot pass. */
  readonly maxLifeMs: number
  /** Seats that the session may have in all its live holds of this performance, this one included; without it, any. */
  readonly sessionLimit?: number
  /** How often the visitor may extend it; without it, never. */
  readonly extensions?: number
  /**
   * Id of a live hold of the same session that ends in the step in which this one is made, and stays as it was where this
   * one cannot be had. Its seats are free to this one, which keeps the absolute end of the earlier where it keeps a seat.
   */
  readonly replaces?: string
  /** The room that refuses sessions that it has ended; sessions that it does not know are taken. */
  readonly room?: RoomId
  /** A digest of the request: the same id with another is `reused`. Letters, digits, "-", "_". */
  readonly asked?: string
}

export interface HoldRequest extends TakeRequest {
  /** Ordinals within the performance's hall, 0-based, no repeats. */
  readonly ordinals: readonly number[]
  /** Hold what is free, and name the rest. */
  readonly partial?: boolean
  /** The visitor says that they need accessible seats. */
  readonly accessible?: boolean
}

/** Seats for a party, chosen by the script (docs/seats.md): all of them or none. */
export interface HoldBestRequest extends TakeRequest {
  /** 1 to 100. */
  readonly quantity: number
  /** Id of the section, general areas included; without it, any with numbered seats. */
  readonly section?: string
  readonly tier?: string
  /** The visitor says that they need accessible seats. */
  readonly accessible?: boolean
  /** Decides among equals: any text. */
  readonly seed: string
}

/** Places in general areas, all of them or none. */
export interface HoldAreasRequest extends TakeRequest {
  readonly areas: readonly AreaQuantity[]
}

export interface AreaQuantity {
  readonly section: string
  /** Whole, 1 or more. */
  readonly quantity: number
}

/** Redis has no map of this performance: rebuild it from Postgres, with this version as `seenVersion`, and ask again. */
export interface Unloaded {
  readonly status: 'unloaded'
  readonly version: number
}

/** Times of a hold, and how often the visitor may still extend it. */
export interface HoldTimes {
  readonly expiresAtMs: number
  /** No extension passes it. */
  readonly lastsUntilMs: number
  readonly extensionsLeft: number
}

export interface SeatConflict {
  readonly ordinal: number
  /** `free` only in the answer to a repeat: it was not when the hold was made. */
  readonly state: SeatState
}

export type HoldOutcome =
  | ({
      readonly status: 'held'
      /** The seats of the hold, ascending; those of the first request where the id was used before. */
      readonly ordinals: readonly number[]
      /** Seats that a partial hold asked for and did not get. */
      readonly conflicts: readonly SeatConflict[]
    } & HoldTimes)
  | { readonly status: 'conflict'; readonly conflicts: readonly SeatConflict[] }
  /** The session holds `seatsHeld` seats already, too many for these to come on top. Nothing was held. */
  | { readonly status: 'limit'; readonly seatsHeld: number }
  /** The id's hold has ended: released, expired, sold or lost. It is not begun anew. */
  | { readonly status: 'gone' }
  /** The id's hold was asked for with other words. */
  | { readonly status: 'reused' }
  /** The room has ended the session. */
  | { readonly status: 'session_ended' }
  | Unloaded

type ChosenOutcome = Exclude<HoldOutcome, { status: 'conflict' }>

/** `none`: so many seats are free within the wish, fewer than asked for. */
export type HoldBestOutcome = ChosenOutcome | { readonly status: 'none'; readonly free: number }

/** `short`: the areas that have fewer places than asked for. */
export type HoldAreasOutcome =
  | ChosenOutcome
  | {
      readonly status: 'short'
      readonly areas: readonly { readonly section: string; readonly free: number }[]
    }

export interface HeldSeats extends HoldTimes {
  readonly holdId: string
  readonly session: string
  readonly ordinals: readonly number[]
}

export type HoldLookup =
  | { readonly status: 'live'; readonly hold: HeldSeats }
  /** Remembered for ten minutes. `lost`: Postgres had sold all its seats to others. */
  | {
      readonly status: 'ended'
      readonly session: string
      readonly how: 'released' | 'expired' | 'sold' | 'lost'
    }
  | { readonly status: 'unknown' }

export type ExtendOutcome =
  /** `at_limit`: the absolute life is reached. `none_left`: so are the visitor's extensions. Both lengthen nothing. */
  | ({ readonly status: 'extended' | 'at_limit' | 'none_left' } & HoldTimes)
  /** `owned`: it was the asker's and has ended; otherwise another's or unknown. */
  | { readonly status: 'gone'; readonly owned: boolean }

/** Which seats changed on the way to a version from the one before it. */
export interface SeatStep {
  readonly version: number
  readonly ordinals: readonly number[]
}

/** Versions are opaque, only ever grow, and fit a double exactly. */
export type Availability =
  | { readonly status: 'full'; readonly version: number; readonly map: string }
  /** `changes[ordinal] = mark` since the asked version; `steps` are the versions in between, each with its seats. */
  | {
      readonly status: 'delta'
      readonly version: number
      readonly changes: Readonly<Record<string, SeatMark>>
      readonly steps: readonly SeatStep[]
    }
  | Unloaded

export type SeatCounts =
  | {
      readonly status: 'counted'
      readonly version: number
      /** Seats; blocked ones are none of the four. `free` is for everybody. */
      readonly free: number
      readonly accessible: number
      readonly held: number
      readonly sold: number
      /** With a live hold. */
      readonly sessions: number
      /** More holds were due than one run ends: count again. */
      readonly moreDue: boolean
    }
  | Unloaded

export type SeatAudit =
  | {
      readonly status: 'audited'
      readonly version: number
      /** One mark a seat by ordinal. */
      readonly map: string
      /** The same of what each is while nobody has it. */
      readonly base: string
      /** Ordinals that were held by nobody, and are given back. */
      readonly heldByNobody: readonly number[]
      /** One for each id asked about, in order. */
      readonly holds: readonly AuditedHold[]
    }
  | Unloaded

export type AuditedHold = 'live' | 'released' | 'expired' | 'sold' | 'lost' | 'unknown'

export interface RebuildOutcome {
  /** `stale`: seats changed after `seenVersion` and nobody can say which. Nothing was written; read Postgres again. */
  readonly status: 'rebuilt' | 'stale'
  readonly version: number
}

export interface SeatStore {
  hold(performance: string, request: HoldRequest): Promise<HoldOutcome>
  /** Chooses seats for a party and holds them, in one step. */
  holdBest(performance: string, request: HoldBestRequest): Promise<HoldBestOutcome>
  /** Holds any places of general areas. */
  holdAreas(performance: string, request: HoldAreasRequest): Promise<HoldAreasOutcome>
  /**
   * Map and base for a comparison with Postgres, and what became of some holds (at most a thousand). Ends holds that are due
   * and gives back seats that are held by nobody; costs as much as reading the hall.
   */
  audit(performance: string, holdIds: readonly string[]): Promise<SeatAudit>
  /** The hold if it lives, whoever asks; ownership is the caller's check. */
  readHold(performance: string, holdId: string): Promise<HeldSeats | undefined>
  /** The same, telling one that has ended from one that never was. */
  findHold(performance: string, holdId: string): Promise<HoldLookup>
  /** Ids of the session's live holds. */
  listHolds(performance: string, session: string): Promise<readonly string[]>
  /**
   * To `ttlMs` from now where that is later, at most to the hold's absolute end. With `counts` it is one of the visitor's
   * extensions, and a repeat with the same `requestId` (letters, digits, "-", "_") neither counts nor moves anything; a
   * payment's does not count.
   */
  extend(
    performance: string,
    holdId: string,
    options: { session: string; ttlMs: number; requestId?: string; counts?: boolean },
  ): Promise<ExtendOutcome>
  /** True when the asker's hold holds nothing any more, however it ended; false when it is another's or unknown. */
  release(performance: string, holdId: string, options: { session: string }): Promise<boolean>
  /** Marks sold what Postgres has sold and ends the hold; the hold need not be known (any more). */
  confirm(performance: string, holdId: string, ordinals: readonly number[]): Promise<void>
  /**
   * Gives back seats that Postgres has freed (cancelled, refunded): they are what they were kept as. Whoever may call again after a lost reply gives
   * a `requestId`, such as the refund's: a late repeat must not free a seat that was sold anew.
   */
  free(performance: string, ordinals: readonly number[], options?: { requestId: string }): Promise<void>
  /**
   * What seats are while nobody has them, as an operator has set it in Postgres: free, kept for those who need them, or
   * blocked. Those that are held or sold follow when they are given back. The id is of the change, never used again.
   */
  change(
    performance: string,
    options: { requestId: string; ordinals: readonly number[]; mark: BaseMark },
  ): Promise<void>
  /** The changes since a version where the log covers it (about the last 500 changes), otherwise the whole map. */
  availability(performance: string, since?: number): Promise<Availability>
  /** Without reading the map, except once after it was written anew. */
  counts(performance: string): Promise<SeatCounts>
  /**
   * Writes the map from Postgres; live holds and seats that changed after `seenVersion` are kept. `seenVersion` is the
   * version answered before Postgres was read; without it, a store that never had a map.
   */
  rebuild(
    performance: string,
    options: KnownSeats & { layout?: string; seenVersion?: number },
  ): Promise<RebuildOutcome>
}

// One text, so that Redis runs it as one. The parts in front are shared because every script must end a hold that is due,
// and log what changed, in exactly the same way.
const seatScript = (source: string) =>
  createScript([changesSource, recordsSource, logSource, source].join('\n'))

const scripts = {
  hold: seatScript(`${takeSource}\n${holdSource}`),
  best: seatScript([takeSource, hallSource, chooseSource, gapsSource, apartSource, bestSource].join('\n')),
  areas: seatScript([takeSource, hallSource, areasSource].join('\n')),
  read: seatScript(readSource),
  extend: seatScript(extendSource),
  release: seatScript(releaseSource),
  confirm: seatScript(confirmSource),
  free: seatScript(freeSource),
  change: seatScript(changeSource),
  audit: seatScript(auditSource),
  availability: seatScript(availabilitySource),
  counts: seatScript(countsSource),
  list: seatScript(listSource),
  rebuild: seatScript(rebuildSource),
} satisfies Record<SeatScript, unknown>

/** The store over one Upstash client. Throws `StoreUnavailable` where Redis cannot be asked (timeouts: client.ts). */
export function createSeatStore(redis: Redis): SeatStore {
  async function run<Name extends SeatScript, Outcome>(
    script: Name,
    performance: string,
    values: Parameters<typeof seatArguments<Name>>[1],
    reply: z.ZodType<Outcome>,
    room?: RoomId,
  ): Promise<Outcome> {
    const keys = seatKeyList(performance, room)
    const answer = await scripts[script].run(redis, keys, seatArguments(script, values))
    return reply.parse(answer)
  }

  const findHold: SeatStore['findHold'] = (performance, holdId) =>
    run('read', performance, { hold_id: holdId }, replies.readReply(holdId))

  return {
    findHold,
    async readHold(performance, holdId) {
      const found = await findHold(performance, holdId)
      return found.status === 'live' ? found.hold : undefined
    },
    hold: (performance, { ordinals, partial = false, accessible = false, ...request }) =>
      run(
        'hold',
        performance,
        {
          ...takeValues(request),
          ordinals: ordinalList(ordinals),
          partial: partial ? 1 : 0,
          accessible: accessible ? 1 : 0,
        },
        replies.holdReply,
        request.room,
      ),
    holdBest: (performance, { quantity, section = '', tier = '', accessible = false, seed, ...request }) =>
      run(
        'best',
        performance,
        { ...takeValues(request), quantity, section, tier, accessible: accessible ? 1 : 0, seed },
        replies.holdBestReply,
        request.room,
      ),
    holdAreas: (performance, { areas, ...request }) =>
      run(
        'areas',
        performance,
        { ...takeValues(request), areas: areaList(areas) },
        replies.holdAreasReply,
        request.room,
      ),
    extend: (performance, holdId, { session, ttlMs, requestId = '', counts = false }) =>
      run(
        'extend',
        performance,
        { hold_id: holdId, session, ttl_ms: ttlMs, request_id: requestId, counts: counts ? 1 : 0 },
        replies.extendReply,
      ),
    release: (performance, holdId, { session }) =>
      run('release', performance, { hold_id: holdId, session }, replies.yesReply),
    async confirm(performance, holdId, ordinals) {
      const values = { hold_id: holdId, ordinals: ordinalList(ordinals) }
      await run('confirm', performance, values, replies.yesReply)
    },
    async free(performance, ordinals, { requestId } = { requestId: crypto.randomUUID() }) {
      const values = { request_id: `free:${requestId}`, ordinals: ordinalList(ordinals) }
      await run('free', performance, values, replies.yesReply)
    },
    async change(performance, { requestId, ordinals, mark }) {
      const values = { request_id: `change:${requestId}`, ordinals: ordinalList(ordinals), mark }
      await run('change', performance, values, replies.yesReply)
    },
    availability: (performance, since) =>
      run('availability', performance, { since: since ?? '' }, replies.availabilityReply),
    audit: (performance, holdIds) =>
      run('audit', performance, { hold_ids: holdIds.join(' ') }, replies.auditReply),
    listHolds: (performance, session) => run('list', performance, { session }, replies.listReply),
    counts: (performance) => run('counts', performance, {}, replies.countsReply),
    rebuild(performance, { seenVersion = 0, layout = '', ...known }) {
      const { fresh, base } = freshMaps(known)
      const values = { seen_version: seenVersion, fresh, fresh_base: base, fresh_layout: layout }
      return run('rebuild', performance, values, replies.rebuildReply)
    },
  }
}

/** What take.lua reads, by its names. */
const takeValues = (request: TakeRequest) => ({
  hold_id: request.holdId,
  session: request.session,
  ttl_ms: request.ttlMs,
  max_life_ms: request.maxLifeMs,
  session_limit: request.sessionLimit ?? '',
  extensions: request.extensions ?? 0,
  replaces: request.replaces ?? '',
  asked: request.asked ?? '-',
})
