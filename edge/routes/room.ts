// What the routes of one room have in common: finding the room in the path, a body without fields, and the token checks.

import type { Context } from 'hono'
import { z } from 'zod'
import { readJson, readText } from '../../src/http/read-json.ts'
import { refuseCrossSite } from '../../src/http/same-site.ts'
import { parseRoomId } from '../../src/ids.ts'
import { Problem } from '../../src/problem.ts'
import type { EdgeEnv } from '../env.ts'
import type { Work } from '../passes.ts'
import type { Presented } from '../presented.ts'
import { Refusal } from '../refusal.ts'
import type { RoomQueue } from '../room-queue.ts'
import { sameOriginPath } from '../same-origin-path.ts'

export const BODY_LIMIT_BYTES = 4_096
const noFields = z.strictObject({})

/** The queue of the room in the path; throws `Problem` room_unknown. */
export function queueOf(c: Context<EdgeEnv>): RoomQueue {
  const name = c.req.param('room') ?? ''
  const id = parseRoomId(name)
  const queue = id === undefined ? undefined : c.var.isolate.queues.get(id)
  if (queue === undefined)
    throw new Problem('room_unknown', { detail: 'No room of this name is configured here.' })
  return queue
}

export function workOf(c: Context<EdgeEnv>): Work {
  return {
    isolate: c.var.isolate,
    nowMs: Date.now(),
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  }
}

/** Every call that changes something: from this site or from no browser, and with no field in its body. */
export async function readBareCall(request: Request): Promise<void> {
  refuseCrossSite(request)
  await readJson(request, noFields, { limitBytes: BODY_LIMIT_BYTES })
}

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/** A bare call that a form may make as well: then the address on this host that it leads back to. */
export async function readWayBack(request: Request): Promise<string | undefined> {
  if (!FORM.test(request.headers.get('content-type') ?? '')) {
    await readBareCall(request)
    return undefined
  }
  refuseCrossSite(request)
  const fields = new URLSearchParams(await readText(request, { limitBytes: BODY_LIMIT_BYTES }))
  if (fields.has('next')) return sameOriginPath(fields.get('next'), request.url)
  throw new Problem('unsupported_media_type', {
    detail: 'A form has to say in `next` which address it leads back to; a program sends application/json.',
  })
}

/** The token's claims; throws 401. All faults look alike on the wire, and the reason goes to the log. */
export function requireToken<Claims>(presented: Presented<Claims>): Presented<Claims> & { status: 'valid' } {
  if (presented.status === 'valid') return presented
  if (presented.status === 'none') {
    throw new Problem('token_missing', {
      detail:
        'Send the queue token as "Authorization: Bearer", or the admission token as "Waiting-Room-Token".',
    })
  }
  throw new Refusal('token_invalid', {
    detail: 'The token is not valid here; join the queue.',
    reason: presented.reason,
  })
}
