// What the calls about one hold may do to one of its seats, and answer: hold, release, look. Each function gives the
// states that the seat can be in afterwards, none where the answer is not legal. Called by seat-model.ts. Pure.

import type { Execution } from './seat-model.ts'
import { arrive, change, end, exactly, remember, type Bounds, type SeatState } from './seat-state.ts'

const FOR_EVER = Number.POSITIVE_INFINITY

export function hold(
  state: SeatState,
  { operation, answered, moment, seat }: Execution<'hold'>,
): SeatState[] {
  const { id, ttlMs, maxLifeMs, extensions, ordinals } = operation.request
  const earlier = state.remembered.get(id)
  const take = (at: SeatState, expires: Bounds, lastsUntil: Bounds): SeatState =>
    remember(
      change(at, { sold: false, holder: { id, expires, lastsUntil, extensions, requests: [] } }),
      id,
      'live',
    )

  if (!answered) {
    if (!state.loaded || earlier !== undefined) return []
    return arrive(state, moment).flatMap((at) =>
      isFree(at)
        ? [take(at, { from: at.clock + ttlMs, to: FOR_EVER }, { from: at.clock + maxLifeMs, to: FOR_EVER })]
        : [],
    )
  }
  const { answer } = operation
  switch (answer?.status) {
    case 'held': {
      const { expiresAtMs, lastsUntilMs, extensionsLeft } = answer
      if (!state.loaded) return []
      const shown = earlier === undefined ? [] : isShown(state, id, moment, answer, seat)
      if (earlier !== undefined && earlier !== 'any') return shown
      // Only a repeat may be answered with fewer seats than were asked for.
      const madeMs = lastsUntilMs - maxLifeMs
      if (answer.ordinals.join() !== ordinals.join() || extensionsLeft !== extensions) return shown
      if (expiresAtMs !== Math.min(madeMs + ttlMs, lastsUntilMs)) return shown
      const instant = { from: Math.max(moment.from, madeMs), to: Math.min(moment.to, madeMs) }
      const made = arrive(state, instant)
        .filter(isFree)
        .map((at) => take(at, once(expiresAtMs), once(lastsUntilMs)))
      return [...shown, ...made]
    }
    case 'conflict': {
      if (!state.loaded || (earlier !== undefined && earlier !== 'any')) return []
      const said = answer.conflicts.find(({ ordinal }) => ordinal === seat)?.state ?? 'free'
      return arrive(state, moment).filter((at) => said === nameOf(at))
    }
    case 'gone':
      if (earlier === undefined) return []
      return arrive(state, moment).filter((at) => at.holder?.id !== id)
    case 'unloaded':
      return state.loaded ? [] : arrive(state, moment)
    // The crowd never earns these.
    case 'limit':
    case 'reused':
    case 'session_ended':
    case undefined:
      return []
  }
}

export function release(
  state: SeatState,
  { operation, answered, moment, owner }: Execution<'release'>,
): SeatState[] {
  const { id, session } = operation.request
  const as = state.remembered.get(id)
  const mine = session === owner && as !== undefined && as !== 'nobody'
  if (answered && as !== 'any' && operation.answer !== mine) return []
  return arrive(state, moment).map((at) => (mine && at.holder?.id === id ? end(at, 'released') : at))
}

export function look(state: SeatState, { operation, moment, seat, single }: Execution<'look'>): SeatState[] {
  const { id } = operation.request
  const { answer } = operation
  const as = state.remembered.get(id)
  if (answer?.status === 'live') return isShown(state, id, moment, answer.hold, seat)
  if (answer?.status === 'unknown') return as === undefined || as === 'nobody' ? arrive(state, moment) : []
  return arrive(state, moment).filter((at) => {
    const now = at.remembered.get(id)
    return now === 'any' || (now === 'lost' && !single) || now === answer?.how
  })
}

interface Shown {
  readonly expiresAtMs: number
  readonly lastsUntilMs: number
  readonly extensionsLeft?: number
}

/** States in which the hold is shown as alive: with the seat, or without one that it has lost. */
function isShown(
  state: SeatState,
  id: string,
  moment: Bounds,
  shown: Shown & { ordinals: readonly number[] },
  seat: number,
): SeatState[] {
  if (shown.ordinals.includes(seat)) return isLive(state, id, moment, shown)
  const as = state.remembered.get(id)
  return as === 'lost' || as === 'any' ? arrive(state, moment) : []
}

/** States in which the hold has the seat, with the times that were answered. */
export function isLive(state: SeatState, id: string, moment: Bounds, shown: Shown): SeatState[] {
  return arrive(state, moment).flatMap((at) => {
    const { holder } = at
    if (holder?.id !== id) return []
    const expires = exactly(holder.expires, shown.expiresAtMs)
    const lastsUntil = exactly(holder.lastsUntil, shown.lastsUntilMs)
    const counted = shown.extensionsLeft ?? holder.extensions
    if (expires === undefined || lastsUntil === undefined) return []
    if (holder.extensions !== undefined && counted !== holder.extensions) return []
    return [{ ...at, holder: { ...holder, expires, lastsUntil } }]
  })
}

export const once = (ms: number): Bounds => ({ from: ms, to: ms })
const isFree = (state: SeatState) => !state.sold && state.holder === undefined
const nameOf = (state: SeatState) => (state.sold ? 'sold' : state.holder === undefined ? 'free' : 'held')
