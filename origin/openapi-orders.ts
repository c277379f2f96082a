// The shapes of orders and refunds as operators see them, for `openapi.ts` and for the tests that hold answers against them.

import { z } from 'zod'
import { ORDER_STATUSES, REFUND_STATUSES } from '../src/db/orders.ts'
import { order } from './openapi-schemas.ts'

const instant = z.iso.datetime().describe('RFC 3339, UTC')
const minor = z.int().min(0).describe('whole minor units of the currency')

export const refund = z.object({
  refundId: z.uuid(),
  number: z.string().describe('of the order'),
  amount: minor,
  currency: z.string(),
  seats: z.array(z.string()).describe('ids of the seats that it gives up'),
  reason: z.string(),
  status: z.enum(REFUND_STATUSES),
  failure: z.string().nullable().describe('what the provider said against it last'),
  attempts: z.int(),
  providerRefund: z.string().nullable(),
  createdAt: instant,
  updatedAt: instant,
})

const provider = z.union([
  z.object({ reachable: z.literal(false) }),
  z.object({
    reachable: z.literal(true),
    status: z.string(),
    amount: minor,
    capturable: minor,
    received: minor,
    currency: z.string(),
    failure: z.string().nullable(),
    refunds: z.array(
      z.object({
        id: z.string(),
        amount: minor,
        status: z.string().nullable(),
        refundId: z.string().nullable().describe('null: not ours'),
        createdAt: instant,
      }),
    ),
  }),
])

export const adminOrder = order.extend({
  buyer: z.object({ name: z.string(), email: z.string() }),
  captured: minor,
  nextStatus: z.enum(ORDER_STATUSES).nullable().describe('where `voiding` leads, or where `stuck` goes on'),
  reason: z.string().nullable().describe('why it ends without a sale'),
  attempts: z.int(),
  retryAt: instant,
  holdId: z.string(),
  paymentIntent: z.string().nullable(),
  authorisedAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
  sold: z.array(z.object({ seat: z.string(), price: minor, fee: minor, live: z.boolean() })),
  tickets: z.array(
    z.object({ id: z.uuid(), seat: z.string(), usedAt: instant.nullable(), voidedAt: instant.nullable() }),
  ),
  refunds: z.array(refund),
  provider: provider.nullable().describe('asked at this moment'),
})

export const adminOrders = z.object({
  orders: z.array(
    z.object({
      number: z.string(),
      status: z.enum(ORDER_STATUSES),
      performance: z.string(),
      seats: z.int(),
      total: minor,
      refunded: minor,
      currency: z.string(),
      attempts: z.int(),
      failure: z.string().nullable(),
      reason: z.string().nullable(),
      nextStatus: z.enum(ORDER_STATUSES).nullable(),
      refundsUnderWay: z.int(),
      refundsStuck: z.int(),
      createdAt: instant,
      updatedAt: instant,
    }),
  ),
  next: z.string().nullable().describe('send it as `before` for the next page'),
})
