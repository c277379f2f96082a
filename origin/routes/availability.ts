// Which seats of a performance are free: the whole map, what changed since a version, or a stream of both. For the admitted
// alone. The shapes are those of `openapi-schemas.ts`; how the seats are followed is in `availability.ts`.

import { Hono, type Context } from 'hono'
import { acceptsGzip } from '../../src/http/accepts-gzip.ts'
import { hasEtag } from '../../src/http/etag.ts'
import { EVENT_STREAM_HEADERS } from '../../src/http/event-body.ts'
import { StreamSlots } from '../../src/http/stream-slots.ts'
import { Problem } from '../../src/problem.ts'
import { requireAdmission } from '../admission.ts'
import { seatsNow } from '../availability.ts'
import type { SeatAnswer } from '../availability-answer.ts'
import { openSeatStream } from '../availability-stream.ts'
import type { OriginConfig } from '../config.ts'
import type { OriginEnv } from '../env.ts'
import { seatsChanged } from '../stock.ts'

const VERSION = /^\d{1,15}$/

/** Each has one timer and a line of state. */
const STREAMS_PER_ISOLATE = 1_000
/** Up to twice as long, so that those who were refused together do not come back together. */
const BUSY_SECONDS = 5

// One isolate's streams, by its configuration.
const streamSlots = new WeakMap<OriginConfig, StreamSlots>()

export const availabilityRoutes = new Hono<OriginEnv>()
  .get('/api/performances/:id/availability', async (c) => {
    const { look } = await watcherOf(c, c.req.param('id'))
    return sendSeats(c, await look(readSince(c)))
  })
  .get('/api/performances/:id/availability/stream', async (c) => {
    const { look, visitor } = await watcherOf(c, c.req.param('id'))
    const since = readSince(c)
    // A body that nobody reads would hold a slot.
    if (c.req.method === 'HEAD') return c.body(null, 200, EVENT_STREAM_HEADERS)
    const slots = streamSlots.get(c.var.config) ?? new StreamSlots(STREAMS_PER_ISOLATE)
    streamSlots.set(c.var.config, slots)
    // Whoever is here was admitted: an address may have many.
    const slot = slots.take({ visitor, address: undefined }, Date.now())
    if (slot === undefined) throw noSlot()
    try {
      // What the client heard last goes before what it began with.
      const lastEventId = c.req.header('last-event-id') ?? ''
      const first = await look(VERSION.test(lastEventId) ? Number(lastEventId) : since)
      return c.body(openSeatStream({ look, first, slots, slot }), 200, EVENT_STREAM_HEADERS)
    } catch (error) {
      slots.release(slot)
      throw error
    }
  })

/** Who asks, and what their look at the seats is. Throws the Problems `not_found` and `admission_required`. */
async function watcherOf(c: Context<OriginEnv>, performanceId: string) {
  const performance = await c.var.catalogue.performance(performanceId)
  if (performance === undefined) throw new Problem('not_found', { detail: 'There is no such performance.' })
  const { visitor } = await requireAdmission(c, performance.room)
  const { db, seats } = c.var
  const sources = { db, seats, seatsReturned: () => seatsChanged(c.var, performance.id) }
  return { visitor, look: (since?: number) => seatsNow(sources, performance, since) }
}

function readSince(c: Context<OriginEnv>): number | undefined {
  const since = c.req.query('since')
  if (since === undefined || VERSION.test(since)) return since === undefined ? undefined : Number(since)
  const message = 'must be a version that an earlier answer gave'
  throw new Problem('validation_failed', {
    detail: `since ${message}.`,
    errors: [{ field: 'since', message }],
  })
}

function sendSeats(c: Context<OriginEnv>, { json, gzip, etag }: SeatAnswer): Response {
  // Given to an admitted visitor, and old within the second: a browser may keep it and asks whether it still holds.
  const headers = { etag, 'cache-control': 'private, no-cache', vary: 'accept-encoding' }
  if (hasEtag(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  const typed = { ...headers, 'content-type': 'application/json' }
  if (gzip === undefined || !acceptsGzip(c.req.raw)) return c.body(json, 200, typed)
  // `manual`: these bytes are compressed already, which the runtime would otherwise do to them.
  const compressed = {
    status: 200,
    headers: { ...typed, 'content-encoding': 'gzip' },
    encodeBody: 'manual' as const,
  }
  return new Response(gzip, compressed)
}

const noSlot = (): Problem =>
  new Problem('busy', {
    detail: 'Too many streams are open here at this moment; come again, or ask for the seats now and then.',
    retryAfterSeconds: Math.ceil(BUSY_SECONDS * (1 + Math.random())),
  })
