// The cron floor of the stock: every performance on sale is reported to its room, and rooms forget those that are over or
// have moved to another room. Called by `scheduled`; a second run at once does no harm.

import { isDatabaseUnavailable } from '../src/db/client.ts'
import type { RoomId } from '../src/ids.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { StockReport } from '../src/redis/stock.ts'
import { MS_PER_MINUTE } from '../src/time.ts'
import { isOnSale, listPerformancesSince, type Performance } from './catalogue.ts'
import { countStock } from './count-stock.ts'
import { logError } from './log.ts'
import type { StockSources } from './stock.ts'

/** Rooms of performances that began earlier were cleared long ago. */
const LOOKED_BACK_MS = 7 * 24 * 60 * MS_PER_MINUTE
/** More take turns, a minute each: a Worker may send a thousand requests in one run. */
const PERFORMANCES_A_RUN = 200
/** Workers have 6 outgoing connections at once. */
const AT_ONCE = 4

/** Never throws: what failed is one line in the log, and the next run does it again. */
export async function reportAllStock(sources: StockSources): Promise<void> {
  const nowMs = Date.now()
  try {
    const recent = await listPerformancesSince(sources.db, nowMs - LOOKED_BACK_MS)
    const onSale = recent.filter((performance) => isOnSale(performance, nowMs))
    const reports = await countAll(sources, inTurn(onSale, { nowMs, atMost: PERFORMANCES_A_RUN }))
    for (const room of new Set(recent.map((performance) => performance.room))) {
      await reportRoom(sources, room, { onSale, reports })
    }
  } catch (error) {
    logError('the stock was not reported by cron', error)
  }
}

/** Those whose turn it is in this minute. */
export function inTurn(
  performances: readonly Performance[],
  { nowMs, atMost }: { nowMs: number; atMost: number },
): readonly Performance[] {
  if (performances.length <= atMost) return performances
  const first = (Math.floor(nowMs / MS_PER_MINUTE) * atMost) % performances.length
  return [...performances.slice(first), ...performances.slice(0, first)].slice(0, atMost)
}

async function countAll(sources: StockSources, performances: readonly Performance[]): Promise<StockReport[]> {
  const reports: StockReport[] = []
  const queue = performances.values()
  const worker = async () => {
    for (const performance of queue) {
      try {
        reports.push(await countStock(sources, performance))
      } catch (error) {
        // A store that is down is down for all; anything else must not stop the others.
        if (error instanceof StoreUnavailable || isDatabaseUnavailable(error)) throw error
        logError('the stock was not reported by cron', error, { performance: performance.id })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return reports
}

async function reportRoom(
  { stock }: StockSources,
  room: RoomId,
  { onSale, reports }: { onSale: readonly Performance[]; reports: readonly StockReport[] },
): Promise<void> {
  const listed = new Set(onSale.filter((performance) => performance.room === room).map(({ id }) => id))
  await stock.report(
    room,
    reports.filter(({ performance }) => listed.has(performance)),
  )
  const over = (await stock.reported(room)).filter((performance) => !listed.has(performance))
  await stock.withdraw(room, over)
}
