// What a request carries through Hono at the edge: the bindings as wrangler generates them, and what `app.ts` adds.

import type { Trace } from '../src/http/traceparent.ts'
import type { Isolate } from './isolate.ts'

export interface EdgeEnv {
  Bindings: EdgeBindings
  Variables: {
    readonly isolate: Isolate
    readonly trace: Trace
  }
}
