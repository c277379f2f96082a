// What each call accepts. A parameter that Stripe knows and the simulator does not is refused as unknown, so that
// nobody believes it had an effect. Pure.

import { z } from 'zod'
import { ParameterError } from './api-error.ts'
import { type Form, parameterName } from './form.ts'
import {
  amount,
  boolean,
  choice,
  currency,
  expand,
  integer,
  metadata,
  MOST_AMOUNT,
  text,
  webAddress,
} from './parameter-kinds.ts'

const id = text(100).optional()
const description = text(1_000).optional()
const receipt_email = text(512).optional()
const page = { limit: integer(1, 100).optional(), starting_after: id, ending_before: id, expand }
const moment = integer(0, Number.MAX_SAFE_INTEGER)

export const createSchema = z.strictObject({
  amount,
  currency,
  capture_method: choice('manual', 'automatic', 'automatic_async').default('automatic_async'),
  confirm: boolean.default(false),
  payment_method: id,
  return_url: webAddress.optional(),
  customer: id,
  description,
  metadata: metadata.optional(),
  receipt_email,
  statement_descriptor: text(22).optional(),
  statement_descriptor_suffix: text(22).optional(),
  transfer_group: id,
  automatic_payment_methods: z
    .strictObject({ enabled: boolean, allow_redirects: choice('always', 'never').optional() })
    .optional(),
  payment_method_types: z.record(z.string(), choice('card')).optional(),
  expand,
})
export const updateSchema = z.strictObject({
  amount: amount.optional(),
  payment_method: id,
  description,
  receipt_email,
  metadata: metadata.optional(),
  expand,
})
export const confirmSchema = z.strictObject({
  payment_method: id,
  return_url: webAddress.optional(),
  client_secret: text(200).optional(),
  expand,
})
export const captureSchema = z.strictObject({
  amount_to_capture: integer(1, MOST_AMOUNT).optional(),
  metadata: metadata.optional(),
  expand,
})
export const cancelSchema = z.strictObject({
  cancellation_reason: choice('abandoned', 'duplicate', 'fraudulent', 'requested_by_customer').optional(),
  expand,
})
export const refundSchema = z.strictObject({
  payment_intent: id,
  charge: id,
  amount: integer(1, MOST_AMOUNT).optional(),
  reason: choice('duplicate', 'fraudulent', 'requested_by_customer').optional(),
  metadata: metadata.optional(),
  expand,
})
export const retrieveSchema = z.strictObject({ client_secret: text(200).optional(), expand })
export const listIntentsSchema = z.strictObject({
  ...page,
  customer: id,
  /** Unix seconds: one moment, or a range. */
  created: z
    .union([
      moment.transform((at) => ({ gt: undefined, gte: at, lt: undefined, lte: at })),
      z.strictObject({
        gt: moment.optional(),
        gte: moment.optional(),
        lt: moment.optional(),
        lte: moment.optional(),
      }),
    ])
    .optional(),
})
export const listRefundsSchema = z.strictObject({ ...page, payment_intent: id, charge: id })

export type CreateParameters = z.output<typeof createSchema>
export type UpdateParameters = z.output<typeof updateSchema>
export type ConfirmParameters = z.output<typeof confirmSchema>
export type CaptureParameters = z.output<typeof captureSchema>
export type CancelParameters = z.output<typeof cancelSchema>
export type RefundParameters = z.output<typeof refundSchema>
export type ListIntentsParameters = z.output<typeof listIntentsSchema>
export type ListRefundsParameters = z.output<typeof listRefundsSchema>
export type PageParameters = Pick<ListRefundsParameters, 'limit' | 'starting_after' | 'ending_before'>

/** Throws the first fault as Stripe words it. */
export function parseParameters<S extends z.ZodType>(schema: S, form: Form): z.output<S> {
  const parsed = schema.safeParse(form)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue === undefined) throw new Error('A failed parse without an issue')
  if (issue.code === 'unrecognized_keys') {
    const name = parameterName([...issue.path, issue.keys[0] ?? ''])
    throw new ParameterError('parameter_unknown', `Received unknown parameter: ${name}`, name)
  }
  const name = parameterName(issue.path)
  if (issue.path.length === 1 && !(name in form))
    throw new ParameterError('parameter_missing', `Missing required param: ${name}.`, name)
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined
  throw new ParameterError(typeof code === 'string' ? code : undefined, issue.message, name)
}
