// A refusal with its rich reason: the wire shows one of few codes, the log says why. Also the edge's one error handler.
// Log lines carry no token, key, cookie or address, and of the address asked for only the route's pattern and the room:
// paths of the origin can be secrets, as an order's is.

import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { onError, Problem, problemResponse, type ProblemCode, type ProblemDetails } from '../src/problem.ts'
import { SaleReplaced, StoreUnavailable } from '../src/redis/client.ts'
import type { EdgeEnv } from './env.ts'

/** A `Problem` whose reason is for the log alone, such as `signature` or `audience` for a token. */
export class Refusal extends Problem {
  readonly reason: string
  /** `Set-Cookie` values that go with the refusal: tokens that are worth nothing any more. */
  readonly cookies: readonly string[]

  constructor(
    code: ProblemCode,
    details: ProblemDetails & { readonly reason: string; readonly cookies?: readonly string[] },
  ) {
    const { reason, cookies = [], ...shown } = details
    super(code, shown)
    this.reason = reason
    this.cookies = cookies
  }
}

/** Says what the store's failure means here: closed. The same request may be repeated; nobody loses a place. */
export function answerError(error: Error, c: Context<EdgeEnv>): Response {
  if (error instanceof SaleReplaced) {
    log(c, 'error', { event: 'sale_replaced', message: error.message })
    return problemResponse('store_unavailable', {
      detail: error.detail,
      retryAfterSeconds: 30,
    })
  }
  if (error instanceof StoreUnavailable) {
    log(c, 'error', { event: 'store_unavailable', message: error.message })
    return problemResponse('store_unavailable', {
      detail: 'The queue cannot be reached at this moment. Places are safe; repeat the same request.',
      retryAfterSeconds: 3,
    })
  }
  if (!(error instanceof Refusal)) {
    if (error instanceof Problem) log(c, 'info', { event: 'refused', code: error.code })
    return onError(error, c)
  }
  log(c, 'info', { event: 'refused', code: error.code, reason: error.reason })
  const response = problemResponse(error.code, error.details)
  for (const cookie of error.cookies) response.headers.append('set-cookie', cookie)
  return response
}

function log(c: Context<EdgeEnv>, level: 'info' | 'error', fields: Readonly<Record<string, string>>): void {
  const where = { method: c.req.method, route: routePath(c), room: c.req.param('room') }
  console[level](JSON.stringify({ level, ...fields, ...where, trace: c.var.trace.traceId }))
}
