// `POST /.waiting-room/{room}/join`: one visitor, one place, however often it is repeated. JSON for the page and for
// programs, a form for browsers without JavaScript. Newcomers pass the abuse limits; who has a token passes one of its own.

import { Hono, type Context } from 'hono'
import type { VisitorId } from '../../src/ids.ts'
import { readText } from '../../src/http/read-json.ts'
import { refuseCrossSite } from '../../src/http/same-site.ts'
import { Problem } from '../../src/problem.ts'
import { addressOf } from '../../src/http/address.ts'
import type { EdgeEnv } from '../env.ts'
import { joinQueue } from '../join-queue.ts'
import type { Work } from '../passes.ts'
import { presentedQueueToken } from '../presented.ts'
import { Refusal } from '../refusal.ts'
import { rejoin, requireAllowed } from '../rejoin.ts'
import type { RoomQueue } from '../room-queue.ts'
import { sameOriginPath } from '../same-origin-path.ts'
import { randomKey } from '../visitor.ts'
import { BODY_LIMIT_BYTES, queueOf, readBareCall, requireToken, workOf } from './room.ts'

/** At least 128 bits: 22 characters of base64url. Never logged. */
const IDEMPOTENCY_KEY = /^[A-Za-z0-9_-]{22,128}$/
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

export const joinRoutes = new Hono<EdgeEnv>().post('/.waiting-room/:room/join', async (c) => {
  const queue = queueOf(c)
  const work = workOf(c)
  // No form can send a key: a program that sends one with a form's type (as curl does by itself) must not get another place.
  const isForm =
    FORM.test(c.req.header('content-type') ?? '') && c.req.header('idempotency-key') === undefined
  return isForm ? await joinByForm(c, queue, work) : await joinByJson(c, queue, work)
})

async function joinByJson(c: Context<EdgeEnv>, queue: RoomQueue, work: Work) {
  await readBareCall(c.req.raw)
  const key = idempotencyKey(c.req.header('idempotency-key'))
  const { view, queueToken, cookie } = await join(c, { queue, work, key })
  return Response.json(
    { ...view, queueToken },
    { status: 201, headers: { 'cache-control': 'no-store', 'set-cookie': cookie } },
  )
}

/** Answers with the way back to the address first asked for, also to one whose call was missed: the page tells. */
async function joinByForm(c: Context<EdgeEnv>, queue: RoomQueue, work: Work) {
  refuseCrossSite(c.req.raw)
  const fields = new URLSearchParams(await readText(c.req.raw, { limitBytes: BODY_LIMIT_BYTES }))
  const back = new Response(undefined, {
    status: 303,
    headers: { location: sameOriginPath(fields.get('next'), c.req.url), 'cache-control': 'no-store' },
  })
  try {
    const { cookie } = await join(c, { queue, work, key: randomKey() })
    back.headers.append('set-cookie', cookie)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'call_missed') throw error
    for (const cookie of error.cookies) back.headers.append('set-cookie', cookie)
  }
  return back
}

async function join(
  c: Context<EdgeEnv>,
  { queue, work, key }: { queue: RoomQueue; work: Work; key: string | undefined },
) {
  const presented = await presentedQueueToken(c.req.raw, { ...work, room: queue.room })
  if (presented.status === 'valid') {
    // A reload, a second tab, or a place from before a loss: the same visitor, at the proven place.
    return rejoin(queue, presented.claims, work)
  }
  // A stale cookie is nobody's fault; a stale header is a program's, which must learn of it.
  if (presented.status === 'invalid' && presented.by === 'header') requireToken(presented)
  return joinQueue(queue, { visitor: await newcomer(c, { queue, work, key }) }, work)
}

async function newcomer(
  c: Context<EdgeEnv>,
  { queue, work, key }: { queue: RoomQueue; work: Work; key: string | undefined },
): Promise<VisitorId> {
  if (key === undefined) {
    throw new Problem('idempotency_key_missing', {
      detail: 'Send an Idempotency-Key of 22 to 128 random characters of A-Z, a-z, 0-9, "_" and "-".',
    })
  }
  requireAllowed(await work.isolate.joinLimit.check(addressOf(c.req.raw), work.nowMs))
  return await work.isolate.deriveVisitor(queue.room, key)
}

function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header
  throw new Problem('idempotency_key_invalid', {
    detail: `The Idempotency-Key has ${header.length} characters or others than accepted: 22 to 128 random characters of A-Z, a-z, 0-9, "_" and "-".`,
  })
}
