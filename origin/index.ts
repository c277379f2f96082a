// The origin Worker's entry: requests go to the application, cron to the sweep. Nothing else happens here.

import { app } from './app.ts'
import type { OriginEnv } from './env.ts'
import { sweep } from './orders/sweep.ts'
import { partsOf } from './parts.ts'

export default {
  fetch: app.fetch,
  async scheduled(_controller: unknown, env: OriginEnv['Bindings']): Promise<void> {
    await sweep(await partsOf(env))
  },
}
