// What a snapshot means to one visitor: plain data in, one outlook out. Called by `waiting.ts`, which acts on it.

import { positionFrom } from '../../src/queue/position.ts'
import type { Held, Snapshot } from './room-data.ts'
import type { Stage } from './stage.ts'

export type Outlook =
  /** The room is off: in, without a claim. */
  | { readonly is: 'free' }
  /** Ask `claim`, which decides. */
  | { readonly is: 'called' }
  /** The store began anew, or the draw is done: the token has to be presented again. */
  | { readonly is: 'return'; readonly after: 'loss' | 'draw'; readonly mine: Held }
  /** Holds a place or an entry. */
  | { readonly is: 'wait'; readonly mine: Held; readonly stage: Stage; readonly position: number | null }
  /** Holds nothing, and the room takes people. */
  | { readonly is: 'join' }
  /** Nobody may join. */
  | { readonly is: 'shut'; readonly stage: 'idle' | 'sold_out' | 'closed' }

/** Without a place: may one be asked for? A state that is no snapshot's (`store_down`) is worth a try. */
export function isShut(state: string): state is 'idle' | 'sold_out' | 'closed' {
  return state === 'idle' || state === 'sold_out' || state === 'closed'
}

/** Before anybody was asked. */
export function firstStage(held: Held | undefined, state: string): Stage {
  if (held !== undefined) return held.entry === undefined ? 'waiting' : 'entered'
  return isShut(state) ? state : 'joining'
}

export function outlook(held: Held | undefined, snapshot: Snapshot): Outlook {
  const { state } = snapshot
  if (state === 'suspended') return { is: 'free' }
  if (held === undefined) return isShut(state) ? { is: 'shut', stage: state } : { is: 'join' }
  if (snapshot.epoch > held.epoch) {
    const drawn = held.entry !== undefined && state !== 'recovering'
    return { is: 'return', after: drawn ? 'draw' : 'loss', mine: held }
  }
  if (held.entry !== undefined) {
    if (state === 'closed') return { is: 'shut', stage: state }
    return { is: 'wait', mine: held, stage: entrantStage(state), position: null }
  }
  const { position, called } = positionFrom(held, snapshot)
  // Also where nothing is left or the sale is over: who has been called is not turned away here.
  if (called) return { is: 'called' }
  if (state === 'closed') return { is: 'shut', stage: state }
  return { is: 'wait', mine: held, stage: standingStage(state), position }
}

/** Of one who holds a place. Before the opening too: it was moved, and the place stays one. */
export function standingStage(state: Snapshot['state']): Stage {
  return state === 'open' || state === 'idle' || state === 'closed' || state === 'suspended'
    ? 'waiting'
    : state
}

function entrantStage(state: Snapshot['state']): Stage {
  if (state === 'idle' || state === 'prequeue') return 'entered'
  // Open in the same epoch: the end of the draw is on its way here.
  return state === 'open' || state === 'suspended' ? 'drawing' : state
}
