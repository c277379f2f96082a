// Tells a room what can still be sold after every change of seats, so that its queue calls no more visitors than seats can
// serve: at most once a second for each performance and isolate. Whoever changes seats says so with `seatsChanged` and
// goes on: a report runs beside its request, is tried again where it fails, and fails nothing but itself.

import type { StockReport, StockStore } from '../src/redis/stock.ts'
import { MS_PER_SECOND } from '../src/time.ts'
import { findPerformance, isOnSale } from './catalogue.ts'
import { countStock } from './count-stock.ts'
import type { Parts } from './env.ts'
import { logError } from './log.ts'

const PACE_MS = MS_PER_SECOND
const TRIES = 3
/** A report that waits for its turn longer than this after it was cancelled with its request. */
const ABANDONED_MS = MS_PER_SECOND

export type StockSources = Pick<Parts, 'db' | 'seats' | 'stock' | 'waitUntil'>

interface Pace {
  /** When the latest report began to read the seats. */
  beganAtMs: number
  /** When the next one will begin; `undefined` where none waits for its turn. */
  plannedAtMs: number | undefined
  /** Reports in a row that failed. */
  failures: number
}

// Per isolate: by store, then by performance. Three numbers each.
const paces = new WeakMap<StockStore, Map<string, Pace>>()

/** Returns at once. Call it after the change: the report that follows reads the seats anew. */
export function seatsChanged(sources: StockSources, performanceId: string): void {
  const pace = paceOf(sources.stock, performanceId)
  const nowMs = Date.now()
  // One that waits for its turn has not read the seats yet, so it will tell this change too.
  if (pace.plannedAtMs !== undefined && nowMs < pace.plannedAtMs + ABANDONED_MS) return
  pace.plannedAtMs = Math.max(nowMs, pace.beganAtMs + PACE_MS)
  sources.waitUntil(reportInTurn(sources, performanceId, pace))
}

function paceOf(store: StockStore, performanceId: string): Pace {
  const known = paces.get(store) ?? new Map<string, Pace>()
  paces.set(store, known)
  const pace = known.get(performanceId) ?? { beganAtMs: 0, plannedAtMs: undefined, failures: 0 }
  known.set(performanceId, pace)
  return pace
}

async function reportInTurn(sources: StockSources, performanceId: string, pace: Pace): Promise<void> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, (pace.plannedAtMs ?? 0) - Date.now())))
    pace.plannedAtMs = undefined
    pace.beganAtMs = Date.now()
    try {
      await report(sources, performanceId)
      pace.failures = 0
      return
    } catch (error) {
      pace.failures += 1
      // One line for an outage, however long it lasts.
      if (pace.failures === 1) logError('the stock was not reported', error, { performance: performanceId })
      // A later change waits for its turn and will tell this one too.
      if (pace.plannedAtMs !== undefined) return
      if (tries < TRIES) pace.plannedAtMs = Date.now() + PACE_MS
    }
  }
}

async function report(sources: StockSources, performanceId: string): Promise<void> {
  const performance = await findPerformance(sources.db, performanceId)
  if (performance === undefined || !isOnSale(performance, Date.now())) return
  const counted: StockReport = await countStock(sources, performance)
  await sources.stock.report(performance.room, [counted])
}
