// Who calls the REST API: the merchant's server with the secret key, or a browser with the publishable key. Pure.

import { createHash, timingSafeEqual } from 'node:crypto'
import { ApiError } from './api-error.ts'

export interface ApiKeys {
  readonly secretKey: string
  readonly publishableKey: string | undefined
}

export type Caller = 'secret' | 'publishable'

/** Throws 401 without a key or with another's. */
export function callerOf(authorization: string | undefined, keys: ApiKeys): Caller {
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
  if (given === undefined) {
    throw unauthorised(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    )
  }
  if (sameSecret(given, keys.secretKey)) return 'secret'
  if (keys.publishableKey !== undefined && sameSecret(given, keys.publishableKey)) return 'publishable'
  throw unauthorised(`Invalid API Key provided: ${'*'.repeat(8)}${given.slice(-4)}`)
}

/** Compares in a time that does not depend on where the texts differ. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function unauthorised(message: string): ApiError {
  return new ApiError(401, { type: 'invalid_request_error', message })
}
