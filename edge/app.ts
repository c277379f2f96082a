// The journey of a request: configuration, trace, the waiting room's own routes, and for everything else the gate.

import { Hono } from 'hono'
import { ConfigError } from '../src/config/fault.ts'
import { refuseOtherMethods } from '../src/http/other-methods.ts'
import { traceFrom } from '../src/http/traceparent.ts'
import { problemResponse } from '../src/problem.ts'
import type { EdgeEnv } from './env.ts'
import { isolateFor } from './isolate.ts'
import { openapiRoutes } from './openapi.ts'
import { passGate } from './passage.ts'
import { answerError } from './refusal.ts'
import { adminRoutes } from './routes/admin.ts'
import { drawRoutes } from './routes/draw.ts'
import { healthRoutes } from './routes/health.ts'
import { joinRoutes } from './routes/join.ts'
import { nowRoutes } from './routes/now.ts'
import { passRoutes } from './routes/passes.ts'
import { queueRoutes } from './routes/queue.ts'
import { streamRoutes } from './routes/stream.ts'

/** The routes that the API description must describe, all of them. */
export const routes = new Hono<EdgeEnv>()
  .route('/', healthRoutes)
  .route('/', nowRoutes)
  .route('/', queueRoutes)
  .route('/', streamRoutes)
  .route('/', joinRoutes)
  .route('/', passRoutes)
  .route('/', drawRoutes)
  .route('/', adminRoutes)
  .route('/', openapiRoutes)

export const app = new Hono<EdgeEnv>()

app.use(async (c, next) => {
  c.set('trace', traceFrom(c.req.header('traceparent')))
  const isolate = await isolateFor(c.env)
  if (isolate instanceof ConfigError) return misconfigured(isolate, c.req.path)
  c.set('isolate', isolate)
  return next()
})
app.route('/', routes)
// Behind the routes: what one of them answers does not pass through it.
const otherMethods = refuseOtherMethods(routes)
const nothingHere = () => problemResponse('not_found', { detail: 'The waiting room has no such address.' })
app.all('/.waiting-room/*', otherMethods, nothingHere)
app.all('/healthz', otherMethods, nothingHere)
app.all('*', passGate)
app.onError(answerError)

/** Names every fault in words; values of secrets are never in them. A health check gets the status that it looks at. */
function misconfigured({ faults }: ConfigError, path: string): Response {
  if (path === '/healthz') {
    const levels = { config: 'invalid', redis: 'unknown' }
    return Response.json({ status: 'failing', levels, faults }, { status: 503 })
  }
  return problemResponse('configuration_invalid', {
    detail: `This Worker's configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}.`,
    extensions: { faults },
  })
}
