// The smallest stretch of a history that cannot be ordered, whatever came before it: what a person reads when the check has
// failed. Called by check.ts for one seat. Pure.

import type { Holds, Operation } from './operations.ts'
import { concerns } from './operations.ts'
import { order, place, placeUnanswered, type Placed } from './search.ts'
import { FREE_SEAT, type Holder, type Remembered, type SeatState } from './seat-state.ts'

/** Of a history that has no order for this seat. Its last operation is the first after which there is none. */
export function smallestWindow(history: readonly Operation[], seat: number, holds: Holds): Operation[] {
  const own = history.filter((one) => concerns(one, seat, holds))
  const answers = own
    .map(({ answered }) => answered)
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b)
  // A longer stretch has an order at most where the shorter has one.
  let [shortest, longest] = [0, answers.length - 1]
  while (shortest < longest) {
    const middle = Math.floor((shortest + longest) / 2)
    if (order(cut(own, { from: 0, to: answers[middle] ?? 0 }, seat, holds)) === 'ordered')
      shortest = middle + 1
    else longest = middle
  }
  const to = answers[longest] ?? 0
  const starts = own
    .map(({ called }) => called)
    .filter((called) => called < to)
    .toSorted((a, b) => b - a)
  for (const from of starts) {
    const stretch = cut(own, { from, to }, seat, holds)
    const before = anyState(own, from, holds)
    if (order(stretch, { from: before }) === 'none') return musts(withoutIdle(stretch, before))
  }
  return musts(cut(own, { from: 0, to }, seat, holds))
}

/** Operations that lie inside must be ordered; those that reach over an end may have happened inside, without a word. */
function cut(
  own: readonly Operation[],
  { from, to }: { from: number; to: number },
  seat: number,
  holds: Holds,
): Placed[] {
  return own
    .filter(({ called }) => called <= to)
    .flatMap((one) => {
      const copies = Array.from({ length: Math.min(one.copies, 2) }, () => placeUnanswered(one, seat, holds))
      if (one.called >= from && one.answered <= to) return [place(one, seat, holds), ...copies]
      if (one.kind === 'map' || one.kind === 'look') return []
      return one.answered >= from ? [placeUnanswered(one, seat, holds), ...copies] : copies
    })
}

/** Drops what only says how the seat is, where there is no order without it either. */
function withoutIdle(stretch: readonly Placed[], from: readonly SeatState[]): readonly Placed[] {
  let kept = stretch
  for (const one of stretch) {
    const fewer = kept.filter((other) => other !== one)
    if (one.must && onlyTells(one.execution.operation) && order(fewer, { from }) === 'none') kept = fewer
  }
  return kept
}

function onlyTells({ kind, answer }: Operation): boolean {
  if (kind === 'map' || kind === 'look') return true
  const refused = ['conflict', 'gone', 'unloaded', 'stale']
  return (
    answer === false || (typeof answer === 'object' && 'status' in answer && refused.includes(answer.status))
  )
}

/** Whatever a seat may be when a window begins. */
function anyState(own: readonly Operation[], from: number, holds: Holds): SeatState[] {
  const before = own.flatMap((one) => (one.kind === 'hold' && one.called < from ? [one.request.id] : []))
  const rest: SeatState = {
    ...FREE_SEAT,
    cut: true,
    remembered: new Map(before.map((id): [string, Remembered] => [id, 'any'])),
  }
  const anyTime = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  const held = [...before.filter((id) => holds.has(id)), 'another'].map((id): SeatState => {
    const holder: Holder = {
      id,
      expires: anyTime,
      lastsUntil: anyTime,
      extensions: undefined,
      requests: undefined,
    }
    return { ...rest, holder, remembered: new Map(rest.remembered).set(id, 'live') }
  })
  return [rest, { ...rest, sold: true }, { ...rest, loaded: false }, ...held]
}

const musts = (placed: readonly Placed[]): Operation[] =>
  placed.filter(({ must }) => must).map(({ execution }) => execution.operation)
