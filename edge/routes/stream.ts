// `GET /.waiting-room/{room}/stream`: server-sent events for programs that wait with a queue token. Refuses as `status`
// does, and beyond the slots of the isolate or the address; what is sent and when is in `event-stream.ts`.

import { Hono } from 'hono'
import { addressOf } from '../../src/http/address.ts'
import { EVENT_STREAM_HEADERS } from '../../src/http/event-body.ts'
import { Problem } from '../../src/problem.ts'
import type { EdgeEnv } from '../env.ts'
import { openEventStream } from '../event-stream.ts'
import { findOwnPlace } from '../own-place.ts'
import { readEventId } from '../stream-turn.ts'
import { queueOf, workOf } from './room.ts'

/** Up to twice as long, so that those who were refused together do not come back together. */
const BUSY_SECONDS = 5

export const streamRoutes = new Hono<EdgeEnv>().get('/.waiting-room/:room/stream', async (c) => {
  const queue = queueOf(c)
  const work = workOf(c)
  const place = await findOwnPlace(c.req.raw, queue, work)
  // A body that nobody reads would hold a slot.
  if (c.req.method === 'HEAD') return c.body(null, 200, EVENT_STREAM_HEADERS)
  const slots = work.isolate.streamSlots
  const slot = slots.take({ visitor: place.claims.visitor, address: addressOf(c.req.raw) }, work.nowMs)
  if (slot === undefined) {
    throw new Problem('busy', {
      detail:
        'Too many streams are open here, or at your address, at this moment; come again, or poll status.',
      retryAfterSeconds: Math.ceil(BUSY_SECONDS * (1 + Math.random())),
    })
  }
  const told = readEventId(c.req.header('last-event-id'))
  return c.body(openEventStream(queue, work, { ...place, told, slots, slot }), 200, EVENT_STREAM_HEADERS)
})
