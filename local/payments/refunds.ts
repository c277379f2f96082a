// Refunds of captured money, whole or in parts, never more than was captured. Called by the REST routes; tests settle what
// a bank has taken its time over, or sent back.

import { ApiError, noSuch, ParameterError } from './api-error.ts'
import { mergeMetadata } from './metadata.ts'
import type { RefundParameters } from './parameters.ts'
import type { Processor, ProcessorParts } from './processor.ts'
import { newId, type Refund } from './records.ts'

/** As Stripe names a card that is no more. */
const CLOSED_CARD = 'lost_or_stolen_card'

type Parts = Pick<ProcessorParts, 'ledger' | 'events' | 'settings' | 'now'> & {
  readonly processor: Processor
}

/** `payment_intent` or `charge` names what to refund; without `amount` all that is left. */
export async function createRefund(parameters: RefundParameters, parts: Parts): Promise<Refund> {
  const { ledger, events, processor, settings, now } = parts
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
      status: settings.refundStatus,
      failureReason: settings.refundStatus === 'failed' ? CLOSED_CARD : null,
    })
    events.refundChanged('refund.created', refund)
    if (refund.status === 'failed') events.refundChanged('refund.failed', refund)
    else
      events.chargeRefunded(ledger.charges.put({ ...charge, amountRefunded: charge.amountRefunded + amount }))
    return refund
  })
}

/** What the bank does later: it pays a pending refund out, or sends one back, also one that had succeeded. */
export async function settleRefund(
  id: string,
  status: 'succeeded' | 'failed',
  { ledger, events, processor }: Pick<Parts, 'ledger' | 'events' | 'processor'>,
): Promise<Refund> {
  const found = ledger.refunds.get(id)
  if (found === undefined) throw noSuch('refund', id, 'id', 404)
  return processor.locked(found.intent, async (intent) => {
    const before = ledger.refunds.get(id) ?? found
    const failureReason = status === 'failed' ? CLOSED_CARD : null
    const refund = ledger.refunds.put({ ...before, status, failureReason })
    const charge = processor.chargeOf(intent)
    if (status === 'failed' && before.status !== 'failed') {
      ledger.charges.put({ ...charge, amountRefunded: charge.amountRefunded - refund.amount })
    }
    events.refundChanged(status === 'failed' ? 'refund.failed' : 'refund.updated', refund)
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
