// The calls of a visitor in the queue: `status`, which costs no Redis command, `claim` and `leave`.

import { Hono } from 'hono'
import { msToRfc3339, msToSecondsUp } from '../../src/time.ts'
import { sessionLimitMs } from '../../src/tokens/admission-token.ts'
import type { EdgeEnv } from '../env.ts'
import { currentView } from '../join-queue.ts'
import { findOwnPlace } from '../own-place.ts'
import { admissionCookies, claimPass, clearedCookies, type Pass } from '../passes.ts'
import type { QueueView } from '../queue-view.ts'
import { presentedPass, presentedQueueToken } from '../presented.ts'
import { Refusal } from '../refusal.ts'
import { rejoin } from '../rejoin.ts'
import { renewPass } from '../renewal.ts'
import { queueOf, readBareCall, readWayBack, requireToken, workOf } from './room.ts'

export const queueRoutes = new Hono<EdgeEnv>()
  .get('/.waiting-room/:room/status', async (c) => {
    const queue = queueOf(c)
    const work = workOf(c)
    const { claims, document } = await findOwnPlace(c.req.raw, queue, work)
    c.header('cache-control', 'no-store')
    return c.json(currentView(queue, claims, document), 200)
  })
  .post('/.waiting-room/:room/claim', async (c) => {
    const queue = queueOf(c)
    await readBareCall(c.req.raw)
    const work = workOf(c)
    const place = { ...work, room: queue.room }
    const presented = await presentedQueueToken(c.req.raw, place)
    // Another tab has claimed: its cookie is this tab's as well.
    const pass =
      presented.status === 'none' ? await presentedPass(c.req.raw, place, { allowExpired: true }) : undefined
    if (pass?.status === 'valid') {
      const renewed = await renewPass(queue, pass.claims, work)
      if (renewed === undefined) throw sessionEnded(clearedCookies(queue.room, work.isolate.config.cookies))
      return admitted(renewed, admissionCookies(renewed, work))
    }
    const { claims } = requireToken(presented)
    const claimed = await claimPass(queue, claims, work)
    switch (claimed.status) {
      case 'admitted':
        return admitted(claimed.pass, admissionCookies(claimed.pass, work))
      case 'waiting':
        return waiting(currentView(queue, claims, await queue.snapshot.get(work.waitUntil), 'waiting'))
      case 'unknown': {
        // Forgotten by the store: put back by what the token proves, or told that the late return is over.
        const { view, cookie, queueToken } = await rejoin(queue, claims, work)
        return waiting({ ...view, queueToken }, cookie)
      }
      case 'missed':
        throw new Refusal('call_missed', {
          detail:
            'The call was missed and the late return is over; join again without this token for a new place.',
          reason: 'missed',
          cookies: clearedCookies(queue.room, work.isolate.config.cookies, ['queue']),
        })
      case 'ended':
        throw sessionEnded(clearedCookies(queue.room, work.isolate.config.cookies))
    }
  })
  .post('/.waiting-room/:room/leave', async (c) => {
    const queue = queueOf(c)
    const back = await readWayBack(c.req.raw)
    const work = workOf(c)
    const place = { ...work, room: queue.room }
    const queueToken = await presentedQueueToken(c.req.raw, place)
    const pass = await presentedPass(c.req.raw, place, { allowExpired: true })
    // A stale cookie is cleared and that is all; a stale header is a program's, which must learn of it.
    if (queueToken.status === 'invalid' && queueToken.by === 'header') requireToken(queueToken)
    if (pass.status === 'invalid' && pass.by === 'header') requireToken(pass)
    const visitors = new Set(
      [queueToken, pass].flatMap((token) => (token.status === 'valid' ? [token.claims.visitor] : [])),
    )
    if (pass.status === 'valid') queue.seen.ended.note(pass.claims.session)
    if (visitors.size > 0) {
      await queue.store.leave(
        queue.room,
        [...visitors].map((visitor) => ({ visitor })),
        queue.seen.value,
      )
    }
    for (const cookie of clearedCookies(queue.room, work.isolate.config.cookies)) {
      c.header('set-cookie', cookie, { append: true })
    }
    return back === undefined ? c.body(null, 204) : c.redirect(back, 303)
  })

export function admitted({ token, claims }: Pass, cookies: readonly string[]): Response {
  const response = Response.json(
    {
      admissionToken: token,
      expiresAt: msToRfc3339(claims.expiresAtMs),
      sessionEndsAt: msToRfc3339(sessionLimitMs(claims)),
    },
    { status: 200, headers: { 'cache-control': 'no-store' } },
  )
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

function waiting(view: QueueView & { readonly queueToken?: string }, cookie?: string): Response {
  const response = Response.json(view, {
    status: 202,
    headers: { 'cache-control': 'no-store', 'retry-after': String(msToSecondsUp(view.pollAfterMs)) },
  })
  if (cookie !== undefined) response.headers.append('set-cookie', cookie)
  return response
}

export function sessionEnded(cookies: readonly string[]): Refusal {
  return new Refusal('admission_required', {
    detail: 'The session has ended; join the queue without these tokens for another.',
    reason: 'session_ended',
    cookies,
  })
}
