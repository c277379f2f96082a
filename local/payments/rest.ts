// Stripe's REST API over plain requests and replies: key, route, idempotency, error shape. Called by the simulator's
// server for every path under /v1. It never logs a request.

import { randomBytes } from 'node:crypto'
import { ApiError, ParameterError } from './api-error.ts'
import { type ApiKeys, type Caller, callerOf } from './api-key.ts'
import { API_VERSION } from './events.ts'
import type { HttpReply, HttpRequest } from './http.ts'
import { Idempotency, type Reply } from './idempotency.ts'
import { type RestParts, type Route, ROUTES } from './rest-routes.ts'

export interface RestOptions extends RestParts {
  readonly keys: ApiKeys
}

export function createRest(options: RestOptions): (request: HttpRequest) => Promise<HttpReply> {
  const idempotency = new Idempotency(options.ledger, options.now)

  return async function rest(request) {
    const requestId = `req_${randomBytes(7).toString('hex')}`
    const key = request.headers['idempotency-key']?.toString()
    const headers = {
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-store',
      'request-id': requestId,
      'stripe-version': request.headers['stripe-version']?.toString() ?? API_VERSION,
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    try {
      const caller = callerOf(request.headers.authorization, options.keys)
      const { route, id } = routeOf(request, caller)
      const execute = async (): Promise<Reply> => {
        const form = request.method === 'POST' ? request.body : request.url.search
        return replyOf(requestId, () => route.run(options, { form, id, caller }))
      }
      if (request.method !== 'POST' || key === undefined) {
        const { status, body } = await execute()
        return { status, headers, body }
      }
      const endpoint = `${request.method} ${request.url.pathname}`
      const outcome = await idempotency.run({ key, endpoint, rawBody: request.body }, execute)
      if ('fresh' in outcome) return { status: outcome.fresh.status, headers, body: outcome.fresh.body }
      const { status, body, requestId: original } = outcome.replay
      return {
        status,
        headers: { ...headers, 'idempotent-replayed': 'true', 'original-request': original },
        body,
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { status: error.status, headers, body: errorBody(error) }
    }
  }

  /** Refusals are replies too, and an idempotency key remembers them unless nothing was changed yet. */
  async function replyOf(requestId: string, run: () => Promise<object>): Promise<Reply> {
    try {
      return { requestId, status: 200, body: JSON.stringify(await run(), undefined, 2), executed: true }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const executed = !(error instanceof ParameterError)
      return { requestId, status: error.status, body: errorBody(error), executed }
    }
  }

  function errorBody({ fields, intent }: ApiError): string {
    return JSON.stringify({
      error: { ...fields, ...(intent && { payment_intent: options.wire.intent(intent) }) },
    })
  }
}

function routeOf({ method, url }: HttpRequest, caller: Caller): { route: Route; id: string } {
  for (const route of ROUTES) {
    const match = route.method === method ? route.path.exec(url.pathname) : null
    if (match === null) continue
    if (caller === 'publishable' && !route.publishable) {
      throw new ApiError(403, {
        type: 'invalid_request_error',
        code: 'secret_key_required',
        message: 'This API call cannot be made with a publishable API key. Please use a secret API key.',
      })
    }
    return { route, id: match[1] ?? '' }
  }
  throw new ApiError(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${url.pathname}).`,
  })
}
