// The id of a session, as it follows from visitor and place. Called by the edge before claim and enter, and by tests;
// the scripts read visitor and place out of it again (`read_session` in slots.lua). Pure; nothing here is secret.

import { parseSessionId, type SessionId, type VisitorId } from '../ids.ts'

/** Stands for the place of one who entered a quiet room without a place. */
export const QUIET_PLACE = 0

/**
 * `<visitor>-<place>`: a repeated claim finds the same session, and the store finds a visitor's session at join.
 * Throws where the visitor id leaves no room for a place (longer than 47 characters).
 */
export function sessionIdFrom(visitor: VisitorId, place: number): SessionId {
  const session = parseSessionId(`${visitor}-${place}`)
  if (session === undefined) {
    throw new RangeError(`no session id from a visitor id of ${visitor.length} characters and place ${place}`)
  }
  return session
}
