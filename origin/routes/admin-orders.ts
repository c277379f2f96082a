// What operators do with orders: find them, look at one with all that is known, let a stuck one go on, decide not to sell
// one, give money back. Every route asks for the admin token before anything else; what may be done is decided in `orders/`.

import { Hono } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { listOrders, listQuery } from '../orders/admin-list.ts'
import { showAdminOrder } from '../orders/admin-order.ts'
import { claimKey, orReleaseKey, readIdempotencyKey } from '../orders/idempotency.ts'
import { requireOrderByNumber } from '../orders/order.ts'
import { refundRequest, requestRefund } from '../orders/refund-request.ts'
import { carryOnRefund } from '../orders/refund-send.ts'
import { showRefund } from '../orders/refund.ts'
import { resumeOrder, voidOrder, voidRequest } from '../orders/resolve.ts'
import { tellOthers } from '../orders/tell-others.ts'

const LIMIT_BYTES = 16 * 1_024
const NO_STORE = { 'cache-control': 'private, no-store' }
/** Of the Idempotency-Keys of operators, who share one token. */
const SCOPE = 'admin'

export const adminOrderRoutes = new Hono<OriginEnv>()
  .get('/api/admin/orders', async (c) => {
    await requireAdmin(c)
    const query = listQuery.safeParse(c.req.query())
    if (!query.success) {
      throw new Problem('validation_failed', {
        detail: 'Some parameters of the query are not acceptable.',
        errors: query.error.issues.flatMap((issue) =>
          issue.code === 'unrecognized_keys'
            ? issue.keys.map((field) => ({ field, message: 'is not a known parameter' }))
            : [{ field: issue.path.join('.'), message: issue.message }],
        ),
      })
    }
    return c.json(await listOrders(c.var.db, query.data), 200, NO_STORE)
  })
  .get('/api/admin/orders/:id', async (c) => {
    await requireAdmin(c)
    const order = await requireOrderByNumber(c.var.db, c.req.param('id'))
    return c.json(await showAdminOrder(c.var, order), 200, NO_STORE)
  })
  .post('/api/admin/orders/:id/resume', async (c) => {
    await requireAdmin(c)
    const order = await requireOrderByNumber(c.var.db, c.req.param('id'))
    await resumeOrder(c.var, order)
    const after = await requireOrderByNumber(c.var.db, order.number)
    return c.json(await showAdminOrder(c.var, after), 200, NO_STORE)
  })
  .post('/api/admin/orders/:id/void', async (c) => {
    await requireAdmin(c)
    const { reason } = await readJson(c.req.raw, voidRequest, { limitBytes: LIMIT_BYTES })
    const order = await requireOrderByNumber(c.var.db, c.req.param('id'))
    await voidOrder(c.var, order, reason)
    const after = await requireOrderByNumber(c.var.db, order.number)
    return c.json(await showAdminOrder(c.var, after), 200, NO_STORE)
  })
  .post('/api/admin/orders/:id/refunds', async (c) => {
    await requireAdmin(c)
    const key = readIdempotencyKey(c.req.header('idempotency-key'))
    const request = await readJson(c.req.raw, refundRequest, { limitBytes: LIMIT_BYTES })
    const { db } = c.var
    const order = await requireOrderByNumber(db, c.req.param('id'))
    const asked = { refundOf: order.number, ...request }
    const outcome = await claimKey(db, { scope: SCOPE, key, request: asked })
    const refundId =
      outcome.status === 'answered'
        ? String(outcome.response['refundId'])
        : await orReleaseKey(db, outcome.claim, () =>
            requestRefund(c.var, order, { request, claim: outcome.claim }),
          )
    tellOthers(c.var)
    const refund = await carryOnRefund(c.var, refundId)
    if (refund === undefined) throw new Error('a refund that was written is missing')
    return c.json(showRefund(refund, order), 201, NO_STORE)
  })
