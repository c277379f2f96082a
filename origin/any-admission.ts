// Admission to what belongs to several rooms: an event whose performances name different ones, the list of events.
// The token says which room it is for; it is then verified for exactly that room. Called by catalogue and pages.

import type { Context } from 'hono'
import { decodeJwt, errors } from 'jose'
import type { RoomId } from '../src/ids.ts'
import type { AdmissionClaims } from '../src/tokens/admission-token.ts'
import { Problem } from '../src/problem.ts'
import { requireAdmission } from './admission.ts'
import type { OriginEnv } from './env.ts'

/** Claims of a token for one of `rooms`; throws the Problem `admission_required` otherwise, `not_found` without rooms. */
export async function requireAnyAdmission(
  c: Context<OriginEnv>,
  rooms: readonly RoomId[],
): Promise<AdmissionClaims> {
  const named = audienceOf(c.req.header('Waiting-Room-Token'))
  const room = rooms.find((candidate) => candidate === named) ?? rooms[0]
  if (room === undefined) throw new Problem('not_found', { detail: 'Nothing is on sale here.' })
  return await requireAdmission(c, room)
}

/** What the token claims to be for, unverified; `undefined` where it is no token at all. */
function audienceOf(token: string | undefined): unknown {
  if (token === undefined) return undefined
  try {
    return decodeJwt(token).aud
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}
