// Gives passes a new life: for a while (renewal), and until a time that the site names (extension). Called by the gate, the
// routes claim and renew, and the commands of a site. Redis decides whether the session still lives.

import type { Room } from '../src/config/room.ts'
import { Problem } from '../src/problem.ts'
import { QUIET_PLACE, sessionIdFrom } from '../src/queue/session-id.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import { msToSecondsUp, secondsToMs } from '../src/time.ts'
import { LONGEST_EXTENSION_MS, sessionLimitMs, type AdmissionClaims } from '../src/tokens/admission-token.ts'
import { signPass, type Pass, type Work } from './passes.ts'
import type { RoomQueue } from './room-queue.ts'

/**
 * Whether the gate renews this pass: less than half of its life is left, or its session is still the provisional one of
 * a quiet entry, which lasts one claim window from its start unless the visitor comes back.
 */
export function isRenewalDue(claims: AdmissionClaims, room: Room, nowMs: number): boolean {
  if (claims.expiresAtMs - nowMs < room.admissionTokenTtlMs / 2) return true
  const startedAtMs = claims.sessionEndMs - room.sessionMaxMs
  const quiet = claims.session === sessionIdFrom(claims.visitor, QUIET_PLACE)
  return quiet && claims.expiresAtMs <= startedAtMs + room.claimWindowMs
}

/**
 * A pass with a new life; `undefined` when its session has ended. When Redis cannot be asked, a token that is still
 * alive is prolonged by one token's life without it (an outage throws nobody out of a checkout), a dead one is not:
 * throws `StoreUnavailable`, or the Problem `busy`.
 */
export async function renewPass(
  queue: RoomQueue,
  claims: AdmissionClaims,
  work: Work,
): Promise<Pass | undefined> {
  const { room, seen, snapshot } = queue
  const { session, sessionEndMs, expiresAtMs, extendedUntilMs } = claims
  // Until then Redis may know of an extension that this token was too early for.
  if (sessionEndMs + LONGEST_EXTENSION_MS <= work.nowMs || seen.ended.has(session)) return undefined
  if (snapshot.failing && expiresAtMs > work.nowMs) {
    // Known to be out: who is inside does not wait for it again. The refresh behind this finds out when it is back.
    work.waitUntil(snapshot.get(work.waitUntil).catch(() => undefined))
    return signPass(room, claims, sessionLimitMs(claims), work)
  }
  try {
    const entry = { session, sessionEndMs, tokenExpiresAtMs: expiresAtMs }
    const extension = extendedUntilMs === undefined ? {} : { extendedUntilMs }
    const outcome = await queue.renew.add({ ...entry, ...extension }, work.waitUntil)
    return outcome.status === 'ended' ? undefined : signPass(room, claims, outcome.expiresAtMs, work)
  } catch (error) {
    if (!isUnanswered(error) || expiresAtMs <= work.nowMs) throw error
    return signPass(room, claims, sessionLimitMs(claims), work)
  }
}

/**
 * A pass whose session lives until `untilMs` at least, also where its visitor sits still; no longer than
 * `LONGEST_EXTENSION_MS` after its end. `undefined` when the session has ended, or reaches as far already. Without Redis a
 * living token is extended all the same, since the hold or payment lives: the next renewal tells Redis, unless the visitor
 * sits still for longer than `session_duration` first. Throws as `renewPass` does.
 */
export async function extendPass(
  queue: RoomQueue,
  claims: AdmissionClaims,
  { untilMs, ...work }: Work & { readonly untilMs: number },
): Promise<Pass | undefined> {
  const wholeMs = secondsToMs(msToSecondsUp(untilMs))
  const extendedUntilMs = Math.min(wholeMs, claims.sessionEndMs + LONGEST_EXTENSION_MS)
  if (extendedUntilMs <= (claims.extendedUntilMs ?? 0)) return undefined
  return await renewPass(queue, { ...claims, extendedUntilMs }, work)
}

/** Redis could not be asked, or not in time. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof StoreUnavailable || (error instanceof Problem && error.code === 'busy')
