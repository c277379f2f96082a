// The edge Worker's entry: requests go through `app.ts`; once a minute every room moves even if nobody looks at it.

import { ConfigError } from '../src/config/fault.ts'
import { passAdmitted } from './admitted.ts'
import { app } from './app.ts'
import { isolateFor } from './isolate.ts'
import { pollFromMemory } from './routes/now.ts'

/** A million entries take about a minute of steps: cron does a good part of it even if nobody looks at the room. */
const DRAW_MS = 20_000

export default {
  fetch(request, env, context) {
    const wholeWay = () => app.fetch(request, env, context)
    return pollFromMemory(request, env) ?? passAdmitted(request, { env, context, wholeWay }) ?? wholeWay()
  },

  async scheduled(_controller, env): Promise<void> {
    const isolate = await isolateFor(env)
    if (isolate instanceof ConfigError) throw isolate
    const failures: unknown[] = []
    // One after the other: a Worker has six connections at once, and a minute is long.
    for (const { snapshot, draw } of isolate.queues.values()) {
      try {
        const document = await snapshot.advance()
        await draw?.run(document, { forMs: DRAW_MS })
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some rooms could not be moved')
  },
} satisfies ExportedHandler<EdgeBindings>
