// Turns what a handler threw into the answer. A refused request is a Problem; Redis, Postgres or the provider out of
// reach is a 502 or 503 with Retry-After, logged; a broken configuration names its faults; the rest is a bug.
// No log line carries a path or a statement's parameters: an order's id is the key to it.

import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import { ConfigError } from '../src/config/fault.ts'
import { isDatabaseUnavailable, isUnstorableText } from '../src/db/client.ts'
import { onError as onExpected, Problem, problemResponse, type ProblemCode } from '../src/problem.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import { logError } from './log.ts'
import { isProviderUnavailable } from './payments.ts'

const RETRY_SECONDS = 2

export function onError(error: Error, c: Context): Response {
  if (error instanceof Problem || (error instanceof HTTPException && error.status < 500)) {
    return onExpected(error, c)
  }
  // A net below the schemas, which refuse such a character and name the field.
  if (isUnstorableText(error)) {
    return problemResponse('validation_failed', {
      detail: 'The request has a character that cannot be stored; send text without control characters.',
    })
  }
  logError('a request failed', error, { method: c.req.method, route: routePath(c) })
  if (error instanceof ConfigError) {
    return problemResponse('configuration_invalid', {
      detail: 'The origin Worker is not configured correctly.',
      // Names and what is accepted; `parseConfig` keeps the values of secrets out.
      extensions: { faults: error.faults },
    })
  }
  const unavailable = dependencyOf(error)
  if (unavailable === undefined) {
    return problemResponse('internal', { detail: 'The request was not completed. It is safe to try again.' })
  }
  const [code, detail] = unavailable
  return problemResponse(code, { detail, retryAfterSeconds: RETRY_SECONDS })
}

function dependencyOf(error: Error): readonly [ProblemCode, string] | undefined {
  if (error instanceof StoreUnavailable) {
    return ['store_unavailable', 'The state of the seats cannot be asked right now. Try again.']
  }
  if (isDatabaseUnavailable(error)) {
    return ['database_unavailable', 'The database did not answer. Try again.']
  }
  if (isProviderUnavailable(error)) {
    return ['payment_provider_unavailable', 'The payment provider did not answer. Try again.']
  }
  return undefined
}
