// Looks for an order of the operations on one seat that agrees with real time and is legal for the model: the search of Wing
// and Gong with Lowe's memory of what was tried. Called by check.ts and window.ts. Pure; bounded by `limit` states.

import { concerns, type Holds, type Operation } from './operations.ts'
import { step, type Execution } from './seat-model.ts'
import { forget, NO_MAP, returned, spellSeat, type SeatState } from './seat-state.ts'

/** One that must be in the order, or may be (a copy, a call without an answer). Places as in `Times`. */
export interface Placed {
  readonly execution: Execution
  readonly must: boolean
  readonly called: number
  readonly answered: number
}

export type Verdict = 'ordered' | 'none' | 'undecided'

/** Far above what a legal history needs: about one for each operation. */
const LIMIT = 300_000
/** Clocks of client and server are read on one machine, to the millisecond. */
const CLOCK_GRAIN_MS = 1

/** Every operation that concerns the seat, as the search places it. Copies only where they could do something. */
export function placeAll(history: readonly Operation[], seat: number, holds: Holds): Placed[] {
  return history
    .filter((operation) => concerns(operation, seat, holds))
    .flatMap((operation) => {
      const answered = operation.answer !== undefined
      const written = operation.kind !== 'map' && operation.kind !== 'look'
      const copies = written ? Math.min(operation.copies, 2) + (answered ? 0 : 1) : 0
      return [
        ...(answered ? [place(operation, seat, holds)] : []),
        ...Array.from({ length: copies }, () => placeUnanswered(operation, seat, holds)),
      ]
    })
}

export function place(operation: Operation, seat: number, holds: Holds): Placed {
  const { called, answered, calledMs, answeredMs } = operation
  const moment = { from: calledMs - CLOCK_GRAIN_MS, to: answeredMs + CLOCK_GRAIN_MS }
  return {
    execution: { ...about(operation, seat, holds), answered: true, moment },
    must: true,
    called,
    answered,
  }
}

/** The same with what it does alone, from its call on until it is over. */
export function placeUnanswered(operation: Operation, seat: number, holds: Holds): Placed {
  const moment = { from: operation.calledMs - CLOCK_GRAIN_MS, to: operation.overMs + CLOCK_GRAIN_MS }
  const execution = { ...about(operation, seat, holds), answered: false, moment }
  return { execution, must: false, called: operation.called, answered: Number.POSITIVE_INFINITY }
}

function about(operation: Operation, seat: number, holds: Holds) {
  const of = 'id' in operation.request ? holds.get(operation.request.id) : undefined
  return { operation, seat, single: of?.ordinals.length === 1, owner: of?.session ?? '' }
}

interface Search {
  /** Where it begins; any of these will do. */
  readonly from?: readonly SeatState[]
  readonly limit?: number
}

export const order = (placed: readonly Placed[], search: Search = {}): Verdict =>
  findOrder(placed, search).verdict

/** `happened`: of what need not have happened, what the order that was found makes use of. */
export function findOrder(
  placed: readonly Placed[],
  { from = [NO_MAP], limit = LIMIT }: Search = {},
): { readonly verdict: Verdict; readonly happened: readonly Placed[] } {
  const byCall = (a: Placed, b: Placed) => a.called - b.called
  const musts = placed.filter(({ must }) => must).toSorted(byCall)
  const mays = placed.filter(({ must }) => !must).toSorted(byCall)
  const done = musts.map(() => false)
  const used = mays.map(() => false)
  const isOver = endOfNames(musts, mays)
  // With the earliest clock: a later one allows nothing more.
  const tried = new Map<string, number>()
  let first = 0
  let steps = 0
  let happened: readonly Placed[] = []

  // Nothing that was called after another has answered can come before it.
  const open = (): number[] => {
    let least = Number.POSITIVE_INFINITY
    const ready: number[] = []
    for (let at = first; at < musts.length; at += 1) {
      const one = musts[at]
      if (one === undefined || one.called > least) break
      if (done[at]) continue
      least = Math.min(least, one.answered)
      ready.push(at)
    }
    return ready
  }

  const search = (after: SeatState): Verdict => {
    const began = first
    while (done[first]) first += 1
    const complete = first === musts.length
    if (complete) happened = mays.filter((_, at) => used[at])
    const verdict = complete ? 'ordered' : branch(forget(after, (name) => isOver(name, first, after.clock)))
    first = began
    return verdict
  }

  const branch = (state: SeatState): Verdict => {
    const ready = open()
    const usable = mays.flatMap((one, at) => (one.execution.moment.to >= state.clock && used[at] ? [at] : []))
    const seat = spellSeat(state)
    const key = `${ready.join()} ${usable.join()} ${seat}`
    if ((tried.get(key) ?? Number.POSITIVE_INFINITY) <= state.clock) return 'none'
    steps += 1
    if (steps > limit) return 'undecided'
    tried.set(key, state.clock)

    const choices: { list: boolean[]; at: number; next: SeatState[] }[] = []
    let until = Number.POSITIVE_INFINITY
    for (const at of ready) {
      const one = musts[at]
      if (one === undefined) continue
      until = Math.min(until, one.answered)
      const next = step(state, one.execution)
      const [only] = next
      // Legal now and changes nothing: whatever order there is, this may come first in it.
      if (only !== undefined && next.length === 1 && only.clock === state.clock && spellSeat(only) === seat) {
        return attempt(done, at, only)
      }
      choices.push({ list: done, at, next })
    }
    for (const [at, one] of mays.entries()) {
      if (one.called > until) break
      // Copies of one call are alike: they are used in turn.
      if (used[at] || (!used[at - 1] && mays[at - 1]?.execution.operation === one.execution.operation))
        continue
      const next = step(state, one.execution).filter((after) => spellSeat(after) !== seat)
      choices.push({ list: used, at, next })
    }
    for (const { list, at, next } of choices) {
      for (const after of next) {
        const verdict = attempt(list, at, after)
        if (verdict !== 'none') return verdict
      }
    }
    return 'none'
  }

  const attempt = (list: boolean[], at: number, after: SeatState): Verdict => {
    list[at] = true
    const verdict = search(after)
    list[at] = false
    return verdict
  }

  const verdicts = from.map((state) => search(state))
  const worse = verdicts.includes('undecided') ? 'undecided' : 'none'
  return { verdict: verdicts.includes('ordered') ? 'ordered' : worse, happened }
}

/** Whether nothing more can come that asks for a name: a hold, a request, a rebuild. What was remembered of it is forgotten. */
function endOfNames(musts: readonly Placed[], mays: readonly Placed[]) {
  const lastMust = new Map<string, number>()
  const lastMay = new Map<string, number>()
  for (const [at, { execution }] of musts.entries()) lastMust.set(nameOf(execution.operation), at)
  for (const { execution } of mays) {
    const name = nameOf(execution.operation)
    lastMay.set(name, Math.max(lastMay.get(name) ?? execution.moment.to, execution.moment.to))
  }
  return (name: string, first: number, clock: number) =>
    (lastMust.get(name) ?? -1) < first && (lastMay.get(name) ?? Number.NEGATIVE_INFINITY) < clock
}

function nameOf({ request }: Operation): string {
  if ('id' in request) return request.id
  if ('rebuild' in request) return request.rebuild ?? ''
  return 'requestId' in request ? returned(request.requestId) : ''
}
