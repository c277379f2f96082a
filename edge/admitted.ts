// The short way through the gate, for who is inside already, as nearly all of a sale's requests to the site are. Called by
// `index.ts` before Hono. What it forwards is what `passage.ts` would forward; whatever else it meets goes the whole way.
// Asks nobody, verifies nothing and renews nothing.

import { traceFrom } from '../src/http/traceparent.ts'
import { noteFailure } from './failed.ts'
import { forward } from './forward.ts'
import { knownIsolate } from './isolate.ts'
import { originOf } from './passage.ts'
import { rememberedPass } from './presented.ts'
import { isRenewalDue } from './renewal.ts'
import { matchRoom } from './room-match.ts'
import { sessionCommands } from './session-commands.ts'

/**
 * An address whose path every reader takes for the same: no escapes, no empty or dot segments, and so nothing of the
 * waiting room's own (`/.waiting-room`).
 */
const PLAIN = /^https?:\/\/[^/?#\\]+(?:\/[\w~@-][\w.~@,:;=+!-]*)*\/?(?:\?|$)/
const HEALTH = '/healthz'

/** `undefined` where the whole way is needed, which also answers what goes wrong with the origin. */
export function passAdmitted(
  request: Request,
  options: { env: EdgeBindings; context: ExecutionContext; wholeWay: () => Response | Promise<Response> },
): Promise<Response> | undefined {
  const { env, context, wholeWay } = options
  const isolate = knownIsolate(env)
  if (isolate === undefined || !PLAIN.test(request.url)) return undefined
  const url = new URL(request.url)
  const room = matchRoom(isolate.config.rooms.values(), url)
  const queue = room === undefined ? undefined : isolate.queues.get(room.id)
  if (queue === undefined || url.pathname.startsWith(HEALTH)) return undefined
  const work = {
    isolate,
    nowMs: Date.now(),
    waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise),
  }
  const pass = rememberedPass(request, { ...work, room: queue.room })
  if (pass === undefined || isRenewalDue(pass.claims, queue.room, work.nowMs)) return undefined
  const trace = traceFrom(request.headers.get('traceparent'))
  return forward(request, {
    origin: originOf(queue.room, env),
    trace,
    cookieNames: isolate.cookieNames,
    token: pass.token,
    session: sessionCommands(queue, pass, work),
  }).catch((error: unknown) => {
    noteFailure(request, { error, trace })
    return wholeWay()
  })
}
