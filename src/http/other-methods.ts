// 405 with `Allow` where an address exists and the method does not. Both Workers put it before their routes; it acts only
// on what no route answered, so a refusal of a route itself passes unchanged.

import type { Env, Hono, MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { problemResponse } from '../problem.ts'

/** `routes` are those whose methods count; they are read at the first request that none of them answered. */
export const refuseOtherMethods = <E extends Env>(routes: Hono<E>): MiddlewareHandler =>
  methodNotAllowed({
    app: routes,
    onMethodNotAllowed: (_c, methods) => {
      const allow = methods.join(', ')
      const response = problemResponse('method_not_allowed', { detail: `This address answers ${allow}.` })
      response.headers.set('allow', allow)
      return response
    },
  })
