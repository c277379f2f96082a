// What the site can do to the session of the visitor whose request it answers: end it or extend it. Made by the gate for
// every forwarded request with a pass, carried out by `forward.ts` when the response says so; changes no response itself.

import type { AdmissionClaims } from '../src/tokens/admission-token.ts'
import { admissionCookies, endSession, type Pass, type Work } from './passes.ts'
import { extendPass } from './renewal.ts'
import type { RoomQueue } from './room-queue.ts'

/** A pass on its way to the visitor: `Set-Cookie` values, or a token for the header of a client that sends it by header. */
export interface PassDelivery {
  readonly cookies?: readonly string[]
  readonly token?: string
}

/** As the client sends its own. */
export const deliverPass = (
  pass: Pass,
  by: 'cookie' | 'header',
  work: Pick<Work, 'isolate' | 'nowMs'>,
): PassDelivery => (by === 'header' ? { token: pass.token } : { cookies: admissionCookies(pass, work) })

export interface SessionCommands {
  /** Answers the `Set-Cookie` values that clear what is over. */
  end(): readonly string[]
  /** Answers the extended pass; `undefined` where there is none to give. Never throws: the site's answer is worth more. */
  extend(untilMs: number): Promise<PassDelivery | undefined>
}

export function sessionCommands(
  queue: RoomQueue,
  { claims, by }: { readonly claims: AdmissionClaims; readonly by: 'cookie' | 'header' },
  work: Work,
): SessionCommands {
  return {
    end: () => endSession(queue, claims, work),
    async extend(untilMs) {
      // By the clock of now: the site may have taken its time.
      const later = { ...work, nowMs: Date.now() }
      try {
        const extended = await extendPass(queue, claims, { ...later, untilMs })
        return extended && deliverPass(extended, by, later)
      } catch (error) {
        const fields = { event: 'session_extension_failed', room: queue.room.id, message: String(error) }
        console.error(JSON.stringify({ level: 'error', ...fields }))
        return undefined
      }
    },
  }
}
