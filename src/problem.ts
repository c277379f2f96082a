// Errors as RFC 9457 `application/problem+json`: one table of codes, one builder, one thrown class, one `onError`.
// Routes throw `Problem` for what a client did wrong; anything else that is thrown is a bug or a broken dependency.

import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'

/** Stable codes → status and title. A client switches on `code`; titles may be reworded. */
export const PROBLEMS = {
  bad_request: [400, 'The request cannot be understood'],
  invalid_json: [400, 'The body is not valid JSON'],
  idempotency_key_missing: [400, 'An Idempotency-Key header is required'],
  idempotency_key_invalid: [400, 'The Idempotency-Key header is not usable'],
  token_missing: [401, 'A token is required'],
  token_invalid: [401, 'The token is not valid here'],
  admission_required: [401, 'Admission by the waiting room is required'],
  admin_required: [401, 'The admin token is required'],
  cross_site: [403, 'Requests from another site may not change anything here'],
  room_unknown: [404, 'There is no such room'],
  not_in_queue: [404, 'This visitor is not in the queue'],
  not_found: [404, 'There is nothing here'],
  draw_none: [404, 'There is no draw in this room'],
  method_not_allowed: [405, 'This method is not allowed here'],
  seats_taken: [409, 'Some of these seats are not free'],
  hold_expired: [409, 'The hold has ended'],
  hold_extension_limit: [409, 'The hold cannot be extended again'],
  order_conflict: [409, 'The order is not in a state that allows this'],
  tickets_used: [409, 'Some of these tickets have been used'],
  import_conflict: [409, 'The import is not in a state that allows this'],
  idempotency_in_progress: [409, 'The first request with this Idempotency-Key is still being answered'],
  draw_not_closed: [409, 'The entries of the draw are still open'],
  draw_entries_lost: [410, 'The list of entries was lost'],
  call_missed: [410, 'The call was missed and its late return is over'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body must be JSON'],
  validation_failed: [422, 'Some fields are not acceptable'],
  idempotency_key_reused: [422, 'This Idempotency-Key belongs to another request'],
  waiting_room: [429, 'The waiting room holds this request'],
  rate_limited: [429, 'Too many requests'],
  internal: [500, 'Something went wrong on our side'],
  payment_refused: [502, 'The payment provider refused to begin this payment'],
  payment_provider_unavailable: [502, 'The payment provider cannot be reached'],
  origin_unreachable: [502, 'The site behind the waiting room cannot be reached'],
  configuration_invalid: [500, 'This Worker is not configured correctly'],
  room_closed: [503, 'The room is not open'],
  sold_out: [503, 'Everything is sold'],
  store_unavailable: [503, 'The queue cannot be reached right now'],
  database_unavailable: [503, 'The database cannot be reached right now'],
  busy: [503, 'Too many requests at once'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof PROBLEMS

export interface FieldError {
  /** JSON Pointer into the body, or the name of a header, query or path parameter. */
  readonly field: string
  /** What was wrong, with the current value where it is harmless, and what is accepted. */
  readonly message: string
}

export interface ProblemDetails {
  /** One sentence for this occurrence: the action, the current value, the required value. Never a secret. */
  readonly detail: string
  readonly errors?: readonly FieldError[]
  /** Whole seconds; becomes the `Retry-After` header. */
  readonly retryAfterSeconds?: number
  /** Further members of the problem object, as RFC 9457 section 3.2 allows. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Thrown by a route for an expected refusal; `onError` turns it into the response. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly details: ProblemDetails

  constructor(code: ProblemCode, details: ProblemDetails) {
    super(details.detail)
    this.code = code
    this.details = details
  }

  get status(): number {
    return PROBLEMS[this.code][0]
  }
}

/** Builds the response: `type` is `about:blank` like every code here, and `code` is what programs read. */
export function problemResponse(code: ProblemCode, details: ProblemDetails): Response {
  const [status, title] = PROBLEMS[code]
  const body = {
    // First, so that none of them takes the place of a member that RFC 9457 defines.
    ...details.extensions,
    type: 'about:blank',
    title,
    status,
    code,
    detail: details.detail,
    ...(details.errors && { errors: details.errors }),
  }
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  // RFC 9110 section 15.5.2 demands it, and some HTTP stacks of phones fail on a 401 without.
  if (status === 401) headers.set('www-authenticate', 'Bearer')
  if (details.retryAfterSeconds !== undefined) headers.set('retry-after', String(details.retryAfterSeconds))
  return Response.json(body, { status, headers })
}

/**
 * The one error handler of both Workers. Unexpected errors are logged in full and answered without detail. The log has the
 * pattern of the route, not the path: an order's path is the key to it.
 */
export function onError(error: Error, c: Context): Response {
  if (error instanceof Problem) return problemResponse(error.code, error.details)
  if (error instanceof HTTPException && error.status < 500) {
    return problemResponse('bad_request', { detail: error.message || 'The request cannot be understood.' })
  }
  console.error(
    JSON.stringify({
      level: 'error',
      message: error.message,
      stack: error.stack,
      method: c.req.method,
      route: routePath(c),
    }),
  )
  return problemResponse('internal', { detail: 'The request was not completed. It is safe to try again.' })
}
