// What can still be sold, as the queue of a room reads it: the reports of the origin, typed. Called by the origin alone;
// a room of an origin that has no seats of ours never gets one. Decides nothing: calls stop or go on in the queue scripts.

import type { Redis } from '@upstash/redis/cloudflare'
import type { RoomId } from '../ids.ts'
import { callStore, createScript } from './client.ts'
import { roomKeys } from './keys.ts'
import stockSource from './lua/stock.lua'

/** `KEYS` and `ARGV` of the script, in order; the arguments repeat with every performance. */
export const STOCK_KEYS = ['state'] as const
export const STOCK_ARGUMENTS = ['performance', 'version', 'left', 'held', 'holders', 'taken'] as const

const FIELD = 'stock:'
/** Lua's `unpack` holds about 8,000 values. */
const REPORTS_AT_ONCE = 500

export interface StockReport {
  readonly performance: string
  /** Version of the seats when they were counted: an older report never replaces a newer one. */
  readonly version: number
  /** Seats that are free. */
  readonly left: number
  /** Seats in live holds, those being paid among them. */
  readonly held: number
  /** Admission sessions with a live hold. */
  readonly holders: number
  /** Seats that are held or sold. */
  readonly taken: number
}

export interface StockStore {
  /** Performances that the room has a report of. */
  reported(room: RoomId): Promise<string[]>
  report(room: RoomId, reports: readonly StockReport[]): Promise<void>
  /** These are no longer on sale in this room: it forgets what was reported of them. */
  withdraw(room: RoomId, performances: readonly string[]): Promise<void>
}

const script = createScript(stockSource)

/** The store over one Upstash client. Throws `StoreUnavailable` where Redis cannot be asked (timeouts: client.ts). */
export function createStockStore(redis: Redis): StockStore {
  async function run(room: RoomId, entries: readonly (readonly string[])[]): Promise<void> {
    const keys = roomKeys(room)
    for (let from = 0; from < entries.length; from += REPORTS_AT_ONCE) {
      const args = entries.slice(from, from + REPORTS_AT_ONCE).flat()
      await script.run(
        redis,
        STOCK_KEYS.map((name) => keys[name]),
        args,
      )
    }
  }
  return {
    async reported(room) {
      const fields = await callStore(() => redis.hkeys(roomKeys(room).state))
      return fields.flatMap((field) => (field.startsWith(FIELD) ? field.slice(FIELD.length) : []))
    },
    report: (room, reports) =>
      run(
        room,
        reports.map((report) => STOCK_ARGUMENTS.map((name) => String(report[name]))),
      ),
    withdraw: (room, performances) =>
      run(
        room,
        performances.map((performance) =>
          STOCK_ARGUMENTS.map((name) => (name === 'performance' ? performance : '')),
        ),
      ),
  }
}
