// The origin Worker's entry: requests go to the application, cron to the sweep and the reports of stock. Nothing else
// happens here.

import { app } from './app.ts'
import type { OriginEnv } from './env.ts'
import { sweep } from './orders/sweep.ts'
import { partsOf } from './parts.ts'
import { reportAllStock } from './report-all-stock.ts'

export default {
  fetch: app.fetch,
  async scheduled(
    _controller: unknown,
    env: OriginEnv['Bindings'],
    context: { waitUntil(work: Promise<unknown>): void },
  ): Promise<void> {
    const parts = { ...(await partsOf(env)), waitUntil: (work: Promise<void>) => context.waitUntil(work) }
    // The one must not wait for the other, nor fail with it.
    const [swept] = await Promise.allSettled([sweep(parts), reportAllStock(parts)])
    if (swept.status === 'rejected') throw swept.reason
  },
}
