// Proves that a history of seats is one that the sequential model could have had: seat by seat, since seats share nothing but
// their holds, and then that no hold whose answer was lost took some of its seats alone. Called by the tests. Pure.

import { holdsOf, type Holds, type Operation } from './operations.ts'
import { printHistory } from './print.ts'
import { findOrder, order, placeAll, type Placed } from './search.ts'
import { smallestWindow } from './window.ts'

export interface Fault {
  readonly seat: number
  /** For people: what is wrong, and the operations that show it. */
  readonly message: string
}

/** The first fault of a history, seats counted from 0; undefined where every seat has a legal order. */
export function findFault(history: readonly Operation[], seats: number): Fault | undefined {
  const holds = holdsOf(history)
  const placed = Array.from({ length: seats }, (_, seat) => placeAll(history, seat, holds))
  const happened: (readonly Placed[])[] = []
  for (const [seat, own] of placed.entries()) {
    const found = findOrder(own)
    if (found.verdict === 'undecided') {
      return { seat, message: `seat ${seat}: no order found before the search gave up` }
    }
    if (found.verdict === 'none') return noOrder(history, seat, holds)
    happened.push(found.happened)
  }
  return findPart(history, { placed, happened, holds })
}

function noOrder(history: readonly Operation[], seat: number, holds: Holds): Fault {
  const window = smallestWindow(history, seat, holds)
  return {
    seat,
    message: `seat ${seat}: these ${window.length} operations have no legal order\n${printHistory(window)}`,
  }
}

interface Found {
  /** By seat, as is what the orders that were found make use of. */
  readonly placed: readonly (readonly Placed[])[]
  readonly happened: readonly (readonly Placed[])[]
  readonly holds: Holds
}

/**
 * A hold of several seats that nobody was told about has taken all of them or none: it is refused where one seat cannot be
 * explained unless it was taken, and another only if it was not. One hold at a time is supposed; the others are free.
 */
function findPart(history: readonly Operation[], { placed, happened, holds }: Found): Fault | undefined {
  for (const [id, { ordinals }] of holds) {
    const taken = ordinals.filter((seat) => happened[seat]?.some((one) => isHold(one, id)))
    if (taken.length === 0 || taken.length === ordinals.length) continue
    const about = history.filter((one) => 'id' in one.request && one.request.id === id)
    // An answer that names the seats is checked seat by seat.
    if (about.some((one) => one.kind === 'hold' && one.answer?.status === 'held')) continue
    const needs = taken.find((seat) => order(without(placed[seat] ?? [], id)) === 'none')
    if (needs === undefined) continue
    const refuses = ordinals.find((seat) => order(withOne(placed[seat] ?? [], id)) === 'none')
    if (refuses === undefined) continue
    return {
      seat: needs,
      message: `hold ${id} has taken seat ${needs} and not seat ${refuses}\n${printHistory(about)}`,
    }
  }
  return undefined
}

const isHold = ({ must, execution: { operation } }: Placed, id: string) =>
  !must && operation.kind === 'hold' && operation.request.id === id

const without = (own: readonly Placed[], id: string): Placed[] => own.filter((one) => !isHold(one, id))

function withOne(own: readonly Placed[], id: string): Placed[] {
  const at = own.findIndex((one) => isHold(one, id))
  return own.map((one, place) => (place === at ? { ...one, must: true } : one))
}
