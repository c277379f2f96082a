// The origin Worker's entry: requests go to the application, cron to everything that must go on by itself. Nothing else
// happens here.

import { app } from './app.ts'
import type { OriginEnv } from './env.ts'
import { logError } from './log.ts'
import { sweepRefunds } from './orders/refund-send.ts'
import { sweep } from './orders/sweep.ts'
import { pump } from './outbox/pump.ts'
import { partsOf } from './parts.ts'
import { carryOnImports } from './reconcile/imports.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { reportAllStock } from './report-all-stock.ts'

/** What runs every minute. Each is bounded, may run twice at once, and must neither wait for another nor fail with it. */
const EVERY_MINUTE = { sweep, sweepRefunds, pump, carryOnImports, reconcile, reportAllStock } as const

export default {
  fetch: app.fetch,
  async scheduled(
    _controller: unknown,
    env: OriginEnv['Bindings'],
    context: { waitUntil(work: Promise<unknown>): void },
  ): Promise<void> {
    const parts = { ...(await partsOf(env)), waitUntil: (work: Promise<void>) => context.waitUntil(work) }
    const names = Object.keys(EVERY_MINUTE)
    const outcomes = await Promise.allSettled(Object.values(EVERY_MINUTE).map((work) => work(parts)))
    const failures = outcomes.flatMap((outcome, at) => {
      if (outcome.status === 'fulfilled') return []
      logError('a part of cron failed', outcome.reason, { part: names[at] })
      return [outcome.reason as unknown]
    })
    // The platform counts the run as failed.
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} parts of cron failed`)
  },
}
