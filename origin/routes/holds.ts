// Holds: take seats for some minutes, look, extend, give back. For the admitted alone, and each hold for its owner alone.

import { Hono, type Context } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { refuseCrossSite } from '../../src/http/same-site.ts'
import { Problem } from '../../src/problem.ts'
import { admittedToHold, holdEnded, noSuchHold, ownedHold, requireAdmission } from '../admission.ts'
import { describeSeats, findPerformance, seatOrdinals, type Performance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { holdBody, newHoldId, showHold, showTimes } from '../holds.ts'
import { limitHolds } from '../limits.ts'
import { withSeatsLoaded } from '../load-seats.ts'
import { cancelOrderOfHold } from '../orders/cancel.ts'
import { seatsChanged } from '../stock.ts'

const BODY_LIMIT_BYTES = 16 * 1024
const NO_STORE = { 'cache-control': 'private, no-store' }

export const holdRoutes = new Hono<OriginEnv>()
  .post('/api/performances/:id/holds', async (c) => {
    const performance = await findPerformance(c.var.db, c.req.param('id'))
    if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
    const { session } = await requireAdmission(c, performance.room)
    refuseCrossSite(c.req.raw)
    const { holdMs, holdMaxMs, seatsPerHold } = c.var.config
    const body = await readJson(c.req.raw, holdBody(seatsPerHold), { limitBytes: BODY_LIMIT_BYTES })
    const idempotencyKey = c.req.header('Idempotency-Key')
    const holdId = await newHoldId(performance, { session, idempotencyKey })
    await limitHolds(c, session)
    const asked = await findSeats(c, performance, body.seats)

    const request = {
      holdId,
      session,
      ordinals: asked.map(({ ordinal }) => ordinal),
      ttlMs: holdMs,
      maxLifeMs: holdMaxMs,
      sessionLimit: seatsPerHold,
    }
    const outcome = await withSeatsLoaded(c.var, performance, () => c.var.seats.hold(performance.id, request))
    switch (outcome.status) {
      case 'conflict':
        throw seatsTaken(
          outcome.conflicts.map(({ ordinal, state }) => ({ seat: seatId(asked, ordinal), state })),
        )
      case 'limit':
        throw tooManySeats(outcome.seatsHeld, { asked: asked.length, limit: seatsPerHold })
      case 'gone':
        throw holdEnded()
      case 'held':
        seatsChanged(c.var, performance.id)
        if (outcome.ordinals.join() !== request.ordinals.join()) throw keyReused()
        return c.json(showHold({ holdId, ...outcome }, performance, asked), 201, {
          ...NO_STORE,
          location: `/api/holds/${holdId}`,
        })
    }
  })
  .get('/api/holds/:id', async (c) => {
    const holdId = c.req.param('id')
    const { performance } = await admittedToHold(c, holdId)
    const hold = await ownedHold(c, holdId)
    const seats = await describeSeats(c.var.db, performance.id, hold.ordinals)
    return c.json(showHold(hold, performance, seats), 200, NO_STORE)
  })
  .post('/api/holds/:id/extend', async (c) => {
    const holdId = c.req.param('id')
    const { performance, session } = await admittedToHold(c, holdId)
    refuseCrossSite(c.req.raw)
    const outcome = await c.var.seats.extend(performance.id, holdId, {
      session,
      ttlMs: c.var.config.holdMs,
    })
    if (outcome.status === 'gone') throw outcome.owned ? holdEnded() : noSuchHold()
    // At its absolute end the hold is as long as it can be, which is what was asked for.
    const { expiresAtMs } = outcome
    const lastsUntilMs = outcome.status === 'extended' ? outcome.lastsUntilMs : expiresAtMs
    return c.json({ holdId, ...showTimes({ expiresAtMs, lastsUntilMs }) }, 200, NO_STORE)
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

/** The asked seats by ordinal, with what they cost. Throws `validation_failed` naming each seat that the hall lacks. */
async function findSeats(c: Context<OriginEnv>, performance: Performance, ids: readonly string[]) {
  const { ordinals, unknown } = await seatOrdinals(c.var.db, performance.id, ids)
  if (unknown.length > 0) {
    throw new Problem('validation_failed', {
      detail: `The hall has no seat ${unknown.join(', ')}.`,
      errors: unknown.map((id) => ({
        field: `/seats/${ids.indexOf(id)}`,
        message: `"${id}" is not a seat of this hall`,
      })),
    })
  }
  return await describeSeats(c.var.db, performance.id, ordinals)
}

function seatId(seats: Awaited<ReturnType<typeof findSeats>>, ordinal: number): string {
  const seat = seats.find((candidate) => candidate.ordinal === ordinal)
  if (seat === undefined) throw new Error(`a conflict names seat ${ordinal}, which was not asked for`)
  return seat.id
}

const seatsTaken = (conflicts: readonly { seat: string; state: string }[]): Problem =>
  new Problem('seats_taken', {
    detail: `${conflicts.length === 1 ? 'One of these seats is' : `${conflicts.length} of these seats are`} not free; none was held.`,
    extensions: { conflicts },
  })

const tooManySeats = (held: number, { asked, limit }: { asked: number; limit: number }): Problem =>
  new Problem('validation_failed', {
    detail: `One visitor may hold ${limit} seats of this performance at a time; this one holds ${held} and asked for ${asked} more. None was held: give some back first.`,
    errors: [{ field: '/seats', message: `would exceed ${limit} seats held at a time` }],
    extensions: { held, limit },
  })

const keyReused = (): Problem =>
  new Problem('idempotency_key_reused', {
    detail: 'This Idempotency-Key was used for other seats; use a new one for another hold.',
  })
