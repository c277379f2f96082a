// Holds: take seats for some minutes, look, extend, give back. For the admitted alone, and each hold for its owner alone.

import { Hono, type Context } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { refuseCrossSite } from '../../src/http/same-site.ts'
import { Problem } from '../../src/problem.ts'
import {
  admittedToHold,
  holdEnded,
  noSuchHold,
  notAdmitted,
  ownedHold,
  requireAdmission,
} from '../admission.ts'
import { findPerformance, type Performance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { findSeatsByOrdinal } from '../hall-seats.ts'
import { digestOfBody, holdBody, newHoldId, requestId, showHold, showTimes, type HoldBody } from '../holds.ts'
import { keepSession } from '../keep-session.ts'
import { limitHolds } from '../limits.ts'
import { cancelOrderOfHold } from '../orders/cancel.ts'
import { cancelReplaced, checkReplaces, refuseWhilePaid } from '../replace-hold.ts'
import { seatsChanged } from '../stock.ts'
import { takeHold } from '../take-hold.ts'

const BODY_LIMIT_BYTES = 16 * 1024
const NO_STORE = { 'cache-control': 'private, no-store' }

export const holdRoutes = new Hono<OriginEnv>()
  .post('/api/performances/:id/holds', async (c) => {
    const performance = await findPerformance(c.var.db, c.req.param('id'))
    if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
    const claims = await requireAdmission(c, performance.room)
    refuseCrossSite(c.req.raw)
    // An extended session keeps what it has; whoever wants more queues again.
    if (claims.sessionEndMs <= Date.now()) throw notAdmitted(performance.room)
    const body = await readJson(c.req.raw, holdBody(c.var.config.seatsPerHold), {
      limitBytes: BODY_LIMIT_BYTES,
    })
    const { session } = claims
    const holdId = await newHoldId(performance, { session, idempotencyKey: c.req.header('Idempotency-Key') })
    await limitHolds(c, session)
    const { held, seats, conflicts } = await takeAnew(c, performance, { body, holdId, session })
    seatsChanged(c.var, performance.id)
    keepSession(c, claims, held.expiresAtMs)
    const shown = showHold({ holdId, ...held }, performance, seats)
    return c.json({ ...shown, ...(conflicts && { conflicts }) }, 201, {
      ...NO_STORE,
      location: `/api/holds/${holdId}`,
    })
  })
  .get('/api/holds/:id', async (c) => {
    const holdId = c.req.param('id')
    const { performance } = await admittedToHold(c, holdId)
    const hold = await ownedHold(c, holdId)
    const seats = await findSeatsByOrdinal(c.var, performance, hold.ordinals)
    return c.json(showHold(hold, performance, seats), 200, NO_STORE)
  })
  .post('/api/holds/:id/extend', async (c) => {
    const holdId = c.req.param('id')
    const { performance, session, claims } = await admittedToHold(c, holdId)
    refuseCrossSite(c.req.raw)
    const outcome = await c.var.seats.extend(performance.id, holdId, {
      session,
      ttlMs: c.var.config.holdMs,
      requestId: await requestId([holdId], c.req.header('Idempotency-Key')),
      counts: true,
    })
    if (outcome.status === 'gone') throw outcome.owned ? holdEnded() : noSuchHold()
    keepSession(c, claims, outcome.expiresAtMs)
    if (outcome.status === 'none_left') throw extendedOften(showTimes(outcome))
    // At its absolute end the hold is as long as it can be, which is what was asked for.
    return c.json({ holdId, ...showTimes(outcome) }, 200, NO_STORE)
  })
  .delete('/api/holds/:id', async (c) => {
    const holdId = c.req.param('id')
    const { performance, session } = await admittedToHold(c, holdId)
    refuseCrossSite(c.req.raw)
    // Whoever gives the seats back gives up the order for them: it must not be paid when they are another's.
    await cancelOrderOfHold(c.var, { holdId, session })
    const released = await c.var.seats.release(performance.id, holdId, { session })
    if (!released) throw noSuchHold()
    seatsChanged(c.var, performance.id)
    return c.body(null, 204)
  })

/** Takes the seats, where the body says so in place of an earlier hold and the order for it. */
async function takeAnew(
  c: Context<OriginEnv>,
  performance: Performance,
  { body, holdId, session }: { body: HoldBody; holdId: string; session: string },
) {
  const { replaces } = body
  if (replaces !== undefined) {
    checkReplaces(performance.id, replaces)
    await refuseWhilePaid(c.var.db, { holdId: replaces, session })
  }
  const { holdMs, holdMaxMs, holdExtensions, seatsPerHold } = c.var.config
  const asked = {
    holdId,
    session,
    ttlMs: holdMs,
    maxLifeMs: holdMaxMs,
    sessionLimit: seatsPerHold,
    extensions: holdExtensions,
    room: performance.room,
    asked: await digestOfBody(body),
    ...(replaces !== undefined && { replaces }),
  }
  const taken = await takeHold(c.var, performance, { body, asked })
  if (replaces !== undefined) await cancelReplaced(c.var, { holdId: replaces, session })
  return taken
}

const extendedOften = (times: ReturnType<typeof showTimes>): Problem =>
  new Problem('hold_extension_limit', {
    detail: `This hold was extended as often as it can be; it ends at ${times.expiresAt}.`,
    extensions: times,
  })
