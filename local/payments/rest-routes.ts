// The REST calls: method and path → what the call accepts and what it does. Called by `rest.ts`, which has already
// looked at the API key. Each route parses its parameters before it touches anything.

import type { z } from 'zod'
import { noSuch } from './api-error.ts'
import { type Caller, sameSecret } from './api-key.ts'
import { expanded } from './expand.ts'
import { decodeForm } from './form.ts'
import { listOf } from './listing.ts'
import {
  cancelSchema,
  captureSchema,
  confirmSchema,
  createSchema,
  type ListIntentsParameters,
  listIntentsSchema,
  listRefundsSchema,
  parseParameters,
  refundSchema,
  retrieveSchema,
  updateSchema,
} from './parameters.ts'
import type { Processor, ProcessorParts } from './processor.ts'
import type { Intent } from './records.ts'
import { createRefund } from './refunds.ts'
import type { Wire } from './wire.ts'

export interface RestParts extends Pick<ProcessorParts, 'ledger' | 'events' | 'settings' | 'now'> {
  readonly processor: Processor
  readonly wire: Wire
}

export interface Call {
  /** The undecoded query or body. */
  readonly form: string
  /** From the path; '' where the path has none. */
  readonly id: string
  readonly caller: Caller
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  /** Whether a browser may call it with the publishable key and the intent's client secret. */
  readonly publishable: boolean
  readonly run: (parts: RestParts, call: Call) => Promise<object>
}

interface RouteOptions<S extends z.ZodType> {
  readonly schema: S
  readonly publishable?: boolean
  readonly run: (parts: RestParts, parameters: z.output<S>, id: string) => object | Promise<object>
}

/** `:id` in the pattern is the id of the object. */
function route<S extends z.ZodType<{ expand?: string[] | undefined }>>(
  method: 'GET' | 'POST',
  pattern: string,
  { publishable = false, schema, run }: RouteOptions<S>,
): Route {
  return {
    method,
    path: new RegExp(`^${pattern.replace(':id', String.raw`(\w+)`)}$`),
    publishable,
    run: async (parts, { form, id, caller }) => {
      const parameters = parseParameters(schema, decodeForm(form))
      if (caller === 'publishable') requireClientSecret(parts.ledger.intents.get(id), id, parameters)
      return expanded(await run(parts, parameters, id), parameters.expand ?? [], parts)
    },
  }
}

const INTENTS = '/v1/payment_intents'
const REFUNDS = '/v1/refunds'
const shown = async ({ wire }: RestParts, intent: Promise<Intent>) => wire.intent(await intent)

export const ROUTES: readonly Route[] = [
  route('POST', INTENTS, {
    schema: createSchema,
    run: (parts, parameters) => shown(parts, parts.processor.create(parameters)),
  }),
  route('GET', INTENTS, {
    schema: listIntentsSchema,
    run: ({ ledger, wire }, parameters) =>
      listOf(
        INTENTS,
        ledger.intents.all().filter((intent) => matches(intent, parameters)),
        { ...parameters, show: (intent) => wire.intent(intent) },
      ),
  }),
  route('GET', `${INTENTS}/:id`, {
    publishable: true,
    schema: retrieveSchema,
    run: ({ ledger, wire }, _, id) =>
      wire.intent(found(ledger.intents.get(id), 'payment_intent', id, 'intent')),
  }),
  route('POST', `${INTENTS}/:id`, {
    schema: updateSchema,
    run: (parts, parameters, id) => shown(parts, parts.processor.update(id, parameters)),
  }),
  route('POST', `${INTENTS}/:id/confirm`, {
    publishable: true,
    schema: confirmSchema,
    run: (parts, parameters, id) => shown(parts, parts.processor.confirm(id, parameters)),
  }),
  route('POST', `${INTENTS}/:id/capture`, {
    schema: captureSchema,
    run: (parts, parameters, id) => shown(parts, parts.processor.capture(id, parameters)),
  }),
  route('POST', `${INTENTS}/:id/cancel`, {
    schema: cancelSchema,
    run: (parts, parameters, id) => shown(parts, parts.processor.cancel(id, parameters)),
  }),
  route('GET', '/v1/charges/:id', {
    schema: retrieveSchema,
    run: ({ ledger, wire }, _, id) => wire.charge(found(ledger.charges.get(id), 'charge', id, 'id')),
  }),
  route('POST', REFUNDS, {
    schema: refundSchema,
    run: async (parts, parameters) => parts.wire.refund(await createRefund(parameters, parts)),
  }),
  route('GET', REFUNDS, {
    schema: listRefundsSchema,
    run: ({ ledger, wire }, parameters) =>
      listOf(
        REFUNDS,
        ledger.refunds
          .all()
          .filter(
            ({ intent, charge }) =>
              intent === (parameters.payment_intent ?? intent) && charge === (parameters.charge ?? charge),
          ),
        { ...parameters, show: (refund) => wire.refund(refund) },
      ),
  }),
  route('GET', `${REFUNDS}/:id`, {
    schema: retrieveSchema,
    run: ({ ledger, wire }, _, id) => wire.refund(found(ledger.refunds.get(id), 'refund', id, 'id')),
  }),
  route('GET', '/v1/payment_methods/:id', {
    schema: retrieveSchema,
    run: ({ ledger, wire }, _, id) =>
      wire.paymentMethod(found(ledger.paymentMethods.get(id), 'PaymentMethod', id, 'payment_method')),
  }),
]

function matches({ created: at, customer }: Intent, parameters: ListIntentsParameters): boolean {
  const { gt = -1, gte = 0, lt = Infinity, lte = Infinity } = parameters.created ?? {}
  const inTime = at > gt && at >= gte && at < lt && at <= lte
  return inTime && (parameters.customer === undefined || customer === parameters.customer)
}

function found<T>(row: T | undefined, kind: string, id: string, param: string): T {
  if (row === undefined) throw noSuch(kind, id, param, 404)
  return row
}

/** A wrong secret and an unknown intent look alike. */
function requireClientSecret(intent: Intent | undefined, id: string, parameters: object): void {
  const given = 'client_secret' in parameters ? parameters.client_secret : undefined
  if (intent === undefined || typeof given !== 'string' || !sameSecret(given, intent.clientSecret))
    throw noSuch('payment_intent', id, 'intent', 404)
}
