// The edge Worker's entry: requests go through `app.ts`; once a minute every room moves even if nobody looks at it.

import { ConfigError } from '../src/config/fault.ts'
import { app } from './app.ts'
import { isolateFor } from './isolate.ts'

export default {
  fetch: app.fetch,

  async scheduled(_controller, env): Promise<void> {
    const isolate = await isolateFor(env)
    if (isolate instanceof ConfigError) throw isolate
    const failures: unknown[] = []
    // One after the other: a Worker has six connections at once, and a minute is long.
    for (const { snapshot } of isolate.queues.values()) {
      await snapshot.advance().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some rooms could not be moved')
  },
} satisfies ExportedHandler<EdgeBindings>
