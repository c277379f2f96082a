// Tickets for whoever has the order's link, entry for the door, public keys for anyone who checks codes offline.

import { Hono } from 'hono'
import { z } from 'zod'
import { hasEtag } from '../../src/http/etag.ts'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { callerAddress, requireDoor } from '../admin-token.ts'
import { findPerformance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { limitTicketChecks } from '../limits.ts'
import { requireOrder } from '../orders/order.ts'
import { line } from '../plain-text.ts'
import { admitTicket } from '../tickets/entry.ts'
import { readRevoked, signRevocations } from '../tickets/revocations.ts'
import { readTickets } from '../tickets/tickets.ts'

const LIMIT_BYTES = 8 * 1_024
/** A door asks for its list again after a minute at the latest. */
const LIST_SECONDS = 60
const SCAN_KEY = /^[\x21-\x7e]{16,255}$/

export const verifyRequest = z.strictObject({
  code: z.string().min(1).max(2_000),
  performance: z.string().min(1).max(127).optional(),
  door: line.min(1).max(60).optional(),
})

export const ticketRoutes = new Hono<OriginEnv>()
  .get('/api/orders/:id/tickets', async (c) => {
    const order = await requireOrder(c.var.db, c.req.param('id'))
    if (order.status !== 'paid') {
      throw new Problem('order_conflict', {
        detail: `The order is ${order.status}; its tickets can be read once it is paid.`,
        extensions: { orderStatus: order.status },
      })
    }
    const tickets = await readTickets(c.var.db, order, c.var.config)
    return c.json({ tickets }, 200, { 'cache-control': 'private, no-store' })
  })
  .post('/api/tickets/verify', async (c) => {
    await requireDoor(c)
    await limitTicketChecks(c, callerAddress(c))
    const key = scanKey(c.req.header('idempotency-key'))
    const scan = await readJson(c.req.raw, verifyRequest, { limitBytes: LIMIT_BYTES })
    const entry = await admitTicket(c.var.db, { ...scan, key }, c.var.config)
    const usedAt = 'usedAt' in entry ? msToRfc3339(entry.usedAt.getTime()) : undefined
    return c.json({ ...entry, usedAt }, 200, { 'cache-control': 'no-store' })
  })
  .get('/api/tickets/revoked', async (c) => {
    await requireDoor(c)
    await limitTicketChecks(c, callerAddress(c))
    const performance = await findPerformance(c.var.db, c.req.query('performance') ?? '')
    if (performance === undefined) {
      throw new Problem('not_found', { detail: 'Name a performance that exists, as "?performance=".' })
    }
    const revoked = await readRevoked(c.var.db, performance.id)
    const version = revoked.length
    // The key too: after a rotation the list is signed anew.
    const etag = `"${performance.id}.${version}.${c.var.config.ticketKeys.kid}"`
    const headers = { etag, 'cache-control': `private, max-age=${LIST_SECONDS}` }
    if (hasEtag(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
    const nowMs = Date.now()
    const revocations = await signRevocations({ performance: performance.id, revoked }, c.var.config, {
      nowMs,
    })
    const at = msToRfc3339(nowMs)
    return c.json({ performance: performance.id, version, at, revocations }, 200, headers)
  })
  .get('/api/tickets/jwks.json', (c) =>
    c.json(c.var.config.ticketKeys.publicSet, 200, { 'cache-control': 'public, max-age=300' }),
  )

/** Throws the Problem `idempotency_key_invalid`. */
function scanKey(key: string | undefined): string | undefined {
  if (key === undefined || SCAN_KEY.test(key)) return key
  throw new Problem('idempotency_key_invalid', {
    detail: 'The Idempotency-Key must be 16 to 255 visible ASCII characters.',
  })
}
