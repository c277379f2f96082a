// The sequential model of one seat: free, held by one hold until a time, sold; and a map that is lost and written anew. Given a
// state and one operation, the states that may follow; none where the answer is not legal. Called by search.ts. Pure.

import { extend } from './extend-model.ts'
import { hold, look, release } from './hold-model.ts'
import type { Operation, OperationOf } from './operations.ts'
import {
  arrive,
  change,
  end,
  FREE_SEAT,
  remember,
  returned,
  type Bounds,
  type SeatState,
} from './seat-state.ts'

export interface Execution<Kind extends Operation['kind'] = Operation['kind']> {
  readonly operation: OperationOf<Kind>
  /** False for one of which nobody got an answer: only what it does counts. */
  readonly answered: boolean
  /** When the server may have done it, by its clock. */
  readonly moment: Bounds
  readonly seat: number
  /** The hold that it is about asked for this seat alone, and whose it is. */
  readonly single: boolean
  readonly owner: string
}

const MODELS: {
  readonly [Kind in Operation['kind']]: (state: SeatState, one: Execution<Kind>) => SeatState[]
} = {
  hold,
  extend,
  release,
  look,
  confirm,
  free,
  map,
  wipe,
  rebuild,
}

export function step(state: SeatState, execution: Execution): SeatState[] {
  // The table gives each kind its own model, which the compiler cannot follow.
  const model = MODELS[execution.operation.kind] as (state: SeatState, one: Execution) => SeatState[]
  return model(state, execution)
}

/** A seat that Postgres has sold is sold, whoever holds it. A repeat does nothing. */
function confirm(state: SeatState, { operation, moment }: Execution<'confirm'>): SeatState[] {
  const { id } = operation.request
  return arrive(state, moment).flatMap((at) => {
    if (!at.loaded) return [touch(at)]
    const as = at.remembered.get(id)
    if (as === 'sold' || as === 'nobody') return [at]
    const own = at.holder?.id === id
    const taken = own || at.sold ? at : end(at, 'lost')
    const after = at.sold ? taken : change(taken, { sold: true })
    const sold = remember(after, id, as === undefined ? 'nobody' : 'sold')
    return as === 'any' ? [at, sold] : [sold]
  })
}

/** Only a sold seat is given back. A repeat does nothing. */
function free(state: SeatState, { operation, moment }: Execution<'free'>): SeatState[] {
  const id = returned(operation.request.requestId)
  return arrive(state, moment).map((at) => {
    if (!at.loaded) return touch(at)
    if (at.remembered.has(id)) return at
    return remember(at.sold ? change(at, { sold: false }) : at, id, 'freed')
  })
}

function map(state: SeatState, { operation, moment, seat, answered }: Execution<'map'>): SeatState[] {
  const { answer, request } = operation
  if (!answered || answer === undefined) return [state]
  const { rebuild } = request
  return arrive(state, moment).flatMap((at) => {
    if (at.loaded !== (answer.status === 'full')) return []
    if (answer.status === 'full' && answer.map[seat] !== markOf(at)) return []
    if (rebuild === undefined) return [at]
    return [{ ...at, watching: new Map(at.watching).set(rebuild, { touched: false, loaded: at.loaded }) }]
  })
}

function wipe(state: SeatState, { moment }: Execution<'wipe'>): SeatState[] {
  return arrive(state, moment).map((at) => ({
    ...FREE_SEAT,
    clock: at.clock,
    loaded: false,
    cut: at.cut,
    // A version of before is never seen again; that there was none is.
    watching: new Map([...at.watching].filter(([, watch]) => !watch.loaded)),
  }))
}

/** What has changed since the look stays; the rest becomes what Postgres said, but for holds of seats that it has not sold. */
function rebuild(state: SeatState, { operation, moment, seat, answered }: Execution<'rebuild'>): SeatState[] {
  const { rebuild: id, sold } = operation.request
  if (answered && operation.answer?.status === 'stale') return arrive(state, moment)
  const write = (at: SeatState): SeatState => {
    const lost = sold.includes(seat)
    if (at.loaded && at.sold === lost && !(lost && at.holder)) return at
    // Whatever was read before is older than this.
    return {
      ...(at.holder === undefined ? at : end(at, 'lost')),
      loaded: true,
      sold: lost,
      watching: new Map(),
    }
  }
  return arrive(state, moment).flatMap((at) => {
    const watch = at.watching.get(id)
    if (watch === undefined) return at.cut ? [at, write(at)] : []
    if (watch.loaded !== at.loaded || (watch.touched && !at.loaded)) return []
    return [watch.touched ? at : write(at)]
  })
}

/** Without a map, a sale and a return only see to it that what was read before is not written. */
const touch = (state: SeatState): SeatState => ({
  ...state,
  watching: new Map([...state.watching].map(([id, watch]) => [id, { ...watch, touched: true }])),
})

const markOf = (state: SeatState) => (state.sold ? 's' : state.holder === undefined ? 'f' : 'h')
