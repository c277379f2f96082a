// Tickets for whoever has the order's link, entry for the door, public keys for anyone who checks codes offline.

import { Hono } from 'hono'
import { z } from 'zod'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { callerAddress, requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { limitTicketChecks } from '../limits.ts'
import { requireOrder } from '../orders/order.ts'
import { admitTicket, readTickets } from '../tickets/tickets.ts'

const LIMIT_BYTES = 8 * 1_024
export const verifyRequest = z.strictObject({ code: z.string().min(1).max(2_000) })

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
    // The door carries the operators' token until doors have tokens of their own.
    await requireAdmin(c)
    await limitTicketChecks(c, callerAddress(c))
    const { code } = await readJson(c.req.raw, verifyRequest, { limitBytes: LIMIT_BYTES })
    const entry = await admitTicket(c.var.db, code, c.var.config)
    const usedAt = 'usedAt' in entry ? msToRfc3339(entry.usedAt.getTime()) : undefined
    return c.json({ ...entry, usedAt }, 200, { 'cache-control': 'no-store' })
  })
  .get('/api/tickets/jwks.json', (c) =>
    c.json(c.var.config.ticketKeys.publicSet, 200, { 'cache-control': 'public, max-age=300' }),
  )
