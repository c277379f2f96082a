// Refunds of captured money, whole or in parts, never more than was captured. Called by the REST routes.

import { ApiError, noSuch, ParameterError } from './api-error.ts'
import { mergeMetadata } from './metadata.ts'
import type { RefundParameters } from './parameters.ts'
import type { Processor, ProcessorParts } from './processor.ts'
import { newId, type Refund } from './records.ts'

type Parts = Pick<ProcessorParts, 'ledger' | 'events' | 'now'> & { readonly processor: Processor }

/** `payment_intent` or `charge` names what to refund; without `amount` all that is left. */
export async function createRefund(parameters: RefundParameters, parts: Parts): Promise<Refund> {
  const { ledger, events, processor, now } = parts
  const intentId = parameters.payment_intent ?? intentOfCharge(parameters.charge, parts)
  return processor.locked(intentId, async (intent) => {
    if (intent.amountReceived === 0) {
      throw new ParameterError(
        undefined,
        `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
        'payment_intent',
      )
    }
    const charge = processor.chargeOf(intent)
    const left = charge.amountCaptured - charge.amountRefunded
    const amount = parameters.amount ?? left
    if (left === 0) {
      throw new ApiError(400, {
        type: 'invalid_request_error',
        code: 'charge_already_refunded',
        message: `Charge ${charge.id} has already been refunded.`,
      })
    }
    if (amount > left) {
      throw new ApiError(400, {
        type: 'invalid_request_error',
        param: 'amount',
        message: `Refund amount (${amount}) is greater than unrefunded amount on charge (${left}).`,
      })
    }
    const refund = ledger.refunds.put({
      id: newId('re'),
      created: Math.floor(now() / 1_000),
      intent: intent.id,
      charge: charge.id,
      amount,
      currency: charge.currency,
      reason: parameters.reason ?? null,
      metadata: mergeMetadata({}, parameters.metadata),
    })
    events.chargeRefunded(ledger.charges.put({ ...charge, amountRefunded: charge.amountRefunded + amount }))
    return refund
  })
}

function intentOfCharge(id: string | undefined, { ledger }: Parts): string {
  if (id === undefined) {
    throw new ParameterError(
      'parameter_missing',
      'One of the following params should be provided for this request: payment_intent or charge.',
    )
  }
  const charge = ledger.charges.get(id)
  if (charge === undefined) throw noSuch('charge', id, 'charge', 404)
  return charge.intent
}
