// The seats of a performance in Redis, typed: one function a Lua script, each safe to repeat. Called by the origin alone.
// Redis decides who may try to buy a seat; whether it is sold, only Postgres decides.

import type { Redis } from '@upstash/redis/cloudflare'
import type { z } from 'zod'
import { createScript } from './client.ts'
import availabilitySource from './lua/seats/availability.lua'
import changesSource from './lua/seats/changes.lua'
import confirmSource from './lua/seats/confirm.lua'
import countsSource from './lua/seats/counts.lua'
import extendSource from './lua/seats/extend.lua'
import freeSource from './lua/seats/free.lua'
import holdSource from './lua/seats/hold.lua'
import listSource from './lua/seats/list.lua'
import logSource from './lua/seats/log.lua'
import readSource from './lua/seats/read.lua'
import rebuildSource from './lua/seats/rebuild.lua'
import releaseSource from './lua/seats/release.lua'
import { freshMap, ordinalList, seatArguments, seatKeyList, type SeatScript } from './seat-arguments.ts'
import type { SeatMark, SeatState } from './seat-marks.ts'
import * as replies from './seat-replies.ts'

export interface HoldRequest {
  /** `<performance>.<random>`, chosen by the server; a repeat with the same id finds the same hold. */
  readonly holdId: string
  /** Admission session that owns the hold. */
  readonly session: string
  /** Ordinals within the performance's hall, 0-based, no repeats. */
  readonly ordinals: readonly number[]
  readonly ttlMs: number
  /** Absolute life that extensions cannot pass. */
  readonly maxLifeMs: number
  /** Seats that the session may have in all its live holds of this performance, this one included; without it, any. */
  readonly sessionLimit?: number
}

/** Redis has no map of this performance: rebuild it from Postgres, with this version as `seenVersion`, and ask again. */
export interface Unloaded {
  readonly status: 'unloaded'
  readonly version: number
}

export type HoldOutcome =
  | {
      readonly status: 'held'
      readonly expiresAtMs: number
      readonly lastsUntilMs: number
      /** The seats of the hold, ascending; those of the first request where the id was used before. */
      readonly ordinals: readonly number[]
    }
  | {
      readonly status: 'conflict'
      readonly conflicts: readonly { readonly ordinal: number; readonly state: SeatState }[]
    }
  /** The session holds `seatsHeld` seats already, too many for these to come on top. Nothing was held. */
  | { readonly status: 'limit'; readonly seatsHeld: number }
  /** The id's hold has ended: released, expired, sold or lost. It is not begun anew. */
  | { readonly status: 'gone' }
  | Unloaded

export interface HeldSeats {
  readonly holdId: string
  readonly session: string
  readonly ordinals: readonly number[]
  readonly expiresAtMs: number
  readonly lastsUntilMs: number
}

export type HoldLookup =
  | { readonly status: 'live'; readonly hold: HeldSeats }
  /** Remembered for ten minutes. `lost`: Postgres had sold all its seats to others, or they were blocked. */
  | {
      readonly status: 'ended'
      readonly session: string
      readonly how: 'released' | 'expired' | 'sold' | 'lost'
    }
  | { readonly status: 'unknown' }

export type ExtendOutcome =
  | { readonly status: 'extended'; readonly expiresAtMs: number; readonly lastsUntilMs: number }
  /** `owned`: it was the asker's and has ended; otherwise another's or unknown. */
  | { readonly status: 'gone'; readonly owned: boolean }
  /** The absolute life is reached. */
  | { readonly status: 'at_limit'; readonly expiresAtMs: number }

/** Versions are opaque, only ever grow, and fit a double exactly. */
export type Availability =
  | { readonly status: 'full'; readonly version: number; readonly map: string }
  /** `changes[ordinal] = mark` since the asked version. */
  | {
      readonly status: 'delta'
      readonly version: number
      readonly changes: Readonly<Record<string, SeatMark>>
    }
  | Unloaded

export type SeatCounts =
  | {
      readonly status: 'counted'
      readonly version: number
      /** Seats; blocked ones are none of the three. */
      readonly free: number
      readonly held: number
      readonly sold: number
      /** With a live hold. */
      readonly sessions: number
      /** More holds were due than one run ends: count again. */
      readonly moreDue: boolean
    }
  | Unloaded

export interface RebuildOutcome {
  /** `stale`: seats changed after `seenVersion` and nobody can say which. Nothing was written; read Postgres again. */
  readonly status: 'rebuilt' | 'stale'
  readonly version: number
}

export interface SeatStore {
  hold(performance: string, request: HoldRequest): Promise<HoldOutcome>
  /** The hold if it lives, whoever asks; ownership is the caller's check. */
  readHold(performance: string, holdId: string): Promise<HeldSeats | undefined>
  /** The same, telling one that has ended from one that never was. */
  findHold(performance: string, holdId: string): Promise<HoldLookup>
  /** Ids of the session's live holds. */
  listHolds(performance: string, session: string): Promise<readonly string[]>
  /** To `ttlMs` from now where that is later, at most to the hold's absolute end. */
  extend(
    performance: string,
    holdId: string,
    options: { session: string; ttlMs: number },
  ): Promise<ExtendOutcome>
  /** True when the asker's hold holds nothing any more, however it ended; false when it is another's or unknown. */
  release(performance: string, holdId: string, options: { session: string }): Promise<boolean>
  /** Marks sold what Postgres has sold and ends the hold; the hold need not be known (any more). */
  confirm(performance: string, holdId: string, ordinals: readonly number[]): Promise<void>
  /**
   * Makes seats free again that Postgres has freed (cancelled, refunded). Whoever may call again after a lost reply gives
   * a `requestId`, such as the refund's: a late repeat must not free a seat that was sold anew.
   */
  free(performance: string, ordinals: readonly number[], options?: { requestId: string }): Promise<void>
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
    options: { seats: number; sold: readonly number[]; blocked: readonly number[]; seenVersion?: number },
  ): Promise<RebuildOutcome>
}

// One text, so that Redis runs it as one. The parts in front are shared because every script must end a hold that is due,
// and log what changed, in exactly the same way.
const seatScript = (source: string) => createScript([changesSource, logSource, source].join('\n'))

const scripts = {
  hold: seatScript(holdSource),
  read: seatScript(readSource),
  extend: seatScript(extendSource),
  release: seatScript(releaseSource),
  confirm: seatScript(confirmSource),
  free: seatScript(freeSource),
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
  ): Promise<Outcome> {
    const answer = await scripts[script].run(redis, seatKeyList(performance), seatArguments(script, values))
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
    hold: (performance, { holdId, session, ordinals, ttlMs, maxLifeMs, sessionLimit }) =>
      run(
        'hold',
        performance,
        {
          hold_id: holdId,
          session,
          ttl_ms: ttlMs,
          max_life_ms: maxLifeMs,
          ordinals: ordinalList(ordinals),
          session_limit: sessionLimit ?? '',
        },
        replies.holdReply,
      ),
    extend: (performance, holdId, { session, ttlMs }) =>
      run('extend', performance, { hold_id: holdId, session, ttl_ms: ttlMs }, replies.extendReply),
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
    availability: (performance, since) =>
      run('availability', performance, { since: since ?? '' }, replies.availabilityReply),
    listHolds: (performance, session) => run('list', performance, { session }, replies.listReply),
    counts: (performance) => run('counts', performance, {}, replies.countsReply),
    rebuild: (performance, { seenVersion = 0, ...seats }) =>
      run(
        'rebuild',
        performance,
        { seen_version: seenVersion, fresh: freshMap(seats) },
        replies.rebuildReply,
      ),
  }
}
