// What operators see and do about the outbox: messages that were given up, and the totals that its consumer keeps. Every route
// asks for the admin token first. Redriving has a message delivered again; it never handles one itself.

import { Hono } from 'hono'
import { z } from 'zod'
import { Problem } from '../../src/problem.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { listDead, redrive, type DeadLetter } from '../outbox/dead-letters.ts'
import { nudge } from '../outbox/pump.ts'
import { readTotals } from '../outbox/totals.ts'

const NO_STORE = { 'cache-control': 'private, no-store' }
const LIMIT_MOST = 500

const name = z.string().regex(/^[a-z][a-z0-9-]{0,49}$/, 'must be the name of a stream or of a consumer')
const listQuery = z.strictObject({
  stream: name.optional(),
  consumer: name.optional(),
  state: z.enum(['open', 'redriven'], 'must be "open" or "redriven"').default('open'),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `must be a whole number from 1 to ${LIMIT_MOST}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT_MOST, `must be a whole number from 1 to ${LIMIT_MOST}`)
    .default(100),
  before: z.iso
    .datetime('must be a time in RFC 3339, such as the deadAt of the last one listed')
    .transform((text) => new Date(text))
    .optional(),
})

export const adminOutboxRoutes = new Hono<OriginEnv>()
  .get('/api/admin/dead-letters', async (c) => {
    await requireAdmin(c)
    const parsed = listQuery.safeParse(c.req.query())
    if (!parsed.success) throw unacceptable(parsed.error)
    const letters = await listDead(c.var.db, parsed.data)
    return c.json({ deadLetters: letters.map(showLetter) }, 200, NO_STORE)
  })
  .post('/api/admin/dead-letters/:id/redrive', async (c) => {
    await requireAdmin(c)
    const id = z.uuid().safeParse(c.req.param('id'))
    const letter = id.success ? await redrive(c.var, id.data) : undefined
    if (letter === undefined) throw new Problem('not_found', { detail: 'There is no such dead letter.' })
    nudge(c.var)
    return c.json(showLetter(letter), 202, NO_STORE)
  })
  .get('/api/admin/totals', async (c) => {
    await requireAdmin(c)
    return c.json({ totals: await readTotals(c.var.db) }, 200, NO_STORE)
  })

/** Without the order's id, which opens the order: its number is in the payload where the topic has one. */
function showLetter({ id, stream, consumer, message, payload, ...letter }: DeadLetter) {
  const { order: _key, ...fields } = payload
  return {
    id,
    stream,
    consumer,
    message,
    fields,
    reason: letter.reason,
    attempts: letter.attempts,
    deadAt: msToRfc3339(letter.deadAt.getTime()),
    redrivenAt: letter.redrivenAt === null ? null : msToRfc3339(letter.redrivenAt.getTime()),
  }
}

const unacceptable = (error: z.ZodError): Problem =>
  new Problem('validation_failed', {
    detail: 'Some parameters are not acceptable.',
    errors: error.issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  })
