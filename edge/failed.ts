// What went wrong while a request took the short way of `admitted.ts`. It is handed to the whole way here, so that one
// error handler answers and logs it; the request itself is not sent to the origin again.

import type { Trace } from '../src/http/traceparent.ts'

export interface Failure {
  readonly error: unknown
  /** The one that the origin has seen. */
  readonly trace: Trace
}

const failures = new WeakMap<Request, Failure>()

export const noteFailure = (request: Request, failure: Failure): void => void failures.set(request, failure)

export const failureOf = (request: Request): Failure | undefined => failures.get(request)
