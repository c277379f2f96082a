// Records what the provider says of a refund of ours. Called by `refund-send.ts` with its answer and by `refund-sync.ts` with
// its list; asks the provider nothing.

import type { Stripe } from 'stripe'
import type { Parts } from '../env.ts'
import { completeRefund, noteRefusal, restRefund } from './refund-move.ts'
import type { Refund } from './refund.ts'

/** A bank may take days; the provider's event is quicker than this look. */
const PENDING_AGAIN_SECONDS = 3_600

/** For one that has not succeeded yet. */
export async function applyRefund({ db }: Parts, refund: Refund, made: Stripe.Refund): Promise<void> {
  switch (made.status) {
    case 'succeeded':
      await completeRefund(db, refund, { providerRefund: made.id })
      return
    case 'failed':
    case 'canceled':
      await noteRefusal(db, refund, made.failure_reason ?? made.status)
      return
    // Pending, or a status that the provider adds later.
    case null:
    default:
      await restRefund(db, refund, { providerRefund: made.id, seconds: PENDING_AGAIN_SECONDS })
  }
}
