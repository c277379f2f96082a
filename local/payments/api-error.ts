// Refusals in Stripe's shape: `{ error: { type, code, message, … } }` with the status that Stripe gives each kind.
// Thrown by the operations, turned into a reply by the API and into a sentence by the hosted page.

import type { Charge, Intent, IntentStatus } from './records.ts'
import type { Decline } from './test-cards.ts'

interface ErrorFields {
  readonly type: 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error'
  readonly code?: string
  readonly decline_code?: string
  readonly message: string
  readonly param?: string
  readonly charge?: string
}

export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  readonly status: number
  readonly fields: ErrorFields
  /** The intent as the refusal left it; the reply shows it as `error.payment_intent`. */
  readonly intent: Intent | undefined

  constructor(status: number, fields: ErrorFields, intent?: Intent) {
    super(fields.message)
    this.status = status
    this.fields = fields
    this.intent = intent
  }
}

/** A parameter that cannot be used. Thrown before anything is changed, so no idempotency key remembers it. */
export class ParameterError extends ApiError {
  override readonly name = 'ParameterError'

  constructor(code: string | undefined, message: string, param?: string) {
    super(400, { type: 'invalid_request_error', ...(code && { code }), message, ...(param && { param }) })
  }
}

/** 404 where the id is in the path, 400 where it is a parameter. */
export function noSuch(kind: string, id: string, param: string, status: 400 | 404): ApiError {
  return new ApiError(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${kind}: '${id}'`,
    param,
  })
}

export function unexpectedState(message: string, intent: Intent): ApiError {
  return new ApiError(
    400,
    { type: 'invalid_request_error', code: 'payment_intent_unexpected_state', message },
    intent,
  )
}

/** Throws unless the intent is in one of the statuses in which the action is possible. */
export function requireStatus(intent: Intent, participle: string, allowed: readonly IntentStatus[]): void {
  if (allowed.includes(intent.status)) return
  throw unexpectedState(
    `This PaymentIntent could not be ${participle} because it has a status of ${intent.status}. ` +
      `Only a PaymentIntent with one of the following statuses may be ${participle}: ${allowed.join(', ')}.`,
    intent,
  )
}

export function cardError(refused: Decline, intent: Intent, charge: Charge): ApiError {
  return new ApiError(
    402,
    {
      type: 'card_error',
      code: refused.code,
      ...(refused.declineCode && { decline_code: refused.declineCode }),
      message: refused.message,
      charge: charge.id,
    },
    intent,
  )
}
