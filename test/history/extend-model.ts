// What an extension may do to one of the seats of its hold, and answer. Gives the states that the seat can be in afterwards,
// none where the answer is not legal. Called by seat-model.ts. Pure.

import { isLive, once } from './hold-model.ts'
import type { Execution } from './seat-model.ts'
import { arrive, exactly, type Bounds, type SeatState } from './seat-state.ts'

export function extend(state: SeatState, execution: Execution<'extend'>): SeatState[] {
  const { operation, answered, moment, single, owner } = execution
  const { id, session, ttlMs, requestId } = operation.request
  const { answer } = operation
  const as = state.remembered.get(id)
  const gone = (owned: boolean, ways: SeatState[]) =>
    !answered || (answer?.status === 'gone' && answer.owned === owned) ? ways : []

  if (session !== owner) return gone(false, arrive(state, moment))
  if (as === undefined || as === 'nobody') return gone(false, arrive(state, moment))
  if (as === 'any' || (as === 'lost' && !single)) return arrive(state, moment)
  if (!answered) {
    return arrive(state, moment).flatMap((at) => {
      const { holder } = at
      if (holder?.id !== id || (requestId !== undefined && holder.requests?.includes(requestId))) return []
      if (requestId !== undefined && holder.extensions === 0) return []
      const from = Math.min(Math.max(holder.expires.from, at.clock + ttlMs), holder.lastsUntil.from)
      return [lengthen(at, { from, to: holder.lastsUntil.to }, requestId)]
    })
  }
  if (answer?.status === 'gone')
    return gone(
      true,
      arrive(state, moment).filter((at) => at.holder?.id !== id),
    )
  if (answer === undefined) return []
  const { expiresAtMs, lastsUntilMs, extensionsLeft, status } = answer
  // The hold is as it was: a repeat, or nothing left to give.
  const unmoved = isLive(state, id, moment, answer).filter(({ holder }) => {
    if (status === 'none_left') return requestId !== undefined && extensionsLeft === 0
    if (status === 'at_limit') return expiresAtMs === lastsUntilMs
    return requestId !== undefined && (holder?.requests?.includes(requestId) ?? true)
  })
  if (status !== 'extended') return unmoved
  const until = expiresAtMs - ttlMs
  const fresh = (at: SeatState): SeatState[] => {
    const { holder } = at
    if (holder?.id !== id || expiresAtMs > lastsUntilMs) return []
    if (requestId !== undefined && holder.requests?.includes(requestId)) return []
    const lastsUntil = exactly(holder.lastsUntil, lastsUntilMs)
    const counted = requestId === undefined ? 0 : 1
    if (
      lastsUntil === undefined ||
      (holder.extensions ?? extensionsLeft + counted) !== extensionsLeft + counted
    )
      return []
    return [lengthen({ ...at, holder: { ...holder, lastsUntil } }, once(expiresAtMs), requestId)]
  }
  const capped = expiresAtMs === lastsUntilMs
  const moved = arrive(state, {
    from: Math.max(until, moment.from),
    to: capped ? moment.to : Math.min(until, moment.to),
  })
    .filter(({ holder }) => holder !== undefined && holder.expires.from <= expiresAtMs)
    .flatMap(fresh)
  // It was as long already: neither shortened nor moved, but counted.
  const early = { from: moment.from, to: Math.min(moment.to, until) }
  const kept = capped ? [] : isLive(state, id, early, { expiresAtMs, lastsUntilMs }).flatMap(fresh)
  return [...unmoved, ...moved, ...kept]
}

function lengthen(state: SeatState, expires: Bounds, requestId: string | undefined): SeatState {
  const { holder } = state
  if (holder === undefined) return state
  const { extensions, requests } = holder
  const counted =
    requestId === undefined ? {} : { extensions: extensions === undefined ? undefined : extensions - 1 }
  const noted = requestId === undefined ? {} : { requests: requests?.concat(requestId) }
  return { ...state, holder: { ...holder, expires, ...counted, ...noted } }
}
