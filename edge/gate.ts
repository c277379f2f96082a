// Decides what happens to a request that is not one of the queue's own: plain facts in, one decision out. No I/O and no
// clock. `passage.ts` gathers the facts, carries the decision out, and asks again when Redis decided otherwise.

import type { RequestKind } from './request-kind.ts'

/** What only the snapshot tells. */
export interface QueueFacts {
  /** Everyone is let through, by the settings, live settings, or `on_store_failure`. */
  readonly open: false | 'suspended' | 'passthrough' | 'store_failure'
  /** The visitor's own place: called means that the front has passed it. */
  readonly place: 'none' | 'waiting' | 'called'
  /** Nobody waits and both limits have room, as far as the snapshot knows. */
  readonly quiet: boolean
  /** Why nobody new is let into the queue; `idle`: not yet. */
  readonly refuses: false | 'reject' | 'closed' | 'sold_out' | 'idle'
  readonly storeDown: boolean
}

export interface GateFacts {
  readonly kind: RequestKind
  readonly bypassed: boolean
  readonly pass: 'none' | 'alive' | 'renewable'
  /** `undefined` until it had to be looked up: an admitted visitor and a bypass need none of it. */
  readonly queue: QueueFacts | undefined
}

export type HoldReason = 'waiting' | 'reject' | 'closed' | 'sold_out' | 'idle' | 'store_down'

export type GateDecision =
  /** To the origin, with the visitor's pass if there is a living one. */
  | { readonly action: 'forward'; readonly because: 'bypass' | 'admitted' }
  /** Give the pass a new life, then forward; if its session has ended, the visitor is a newcomer. */
  | { readonly action: 'renew' }
  /** The facts of the queue are needed. */
  | { readonly action: 'look' }
  /** Sign a pass without Redis, then forward. */
  | { readonly action: 'admit'; readonly because: 'suspended' | 'passthrough' | 'store_failure' }
  /** Ask Redis to turn the call into a session, then forward. */
  | { readonly action: 'claim' }
  /** Ask Redis to let the visitor in unqueued, then forward. */
  | { readonly action: 'enter' }
  | { readonly action: 'hold'; readonly as: 'page' | 'problem'; readonly because: HoldReason }

export function decide({ kind, bypassed, pass, queue }: GateFacts): GateDecision {
  if (bypassed) return { action: 'forward', because: 'bypass' }
  if (pass === 'alive') return { action: 'forward', because: 'admitted' }
  if (pass === 'renewable') return { action: 'renew' }
  if (queue === undefined) return { action: 'look' }
  if (queue.open !== false) return { action: 'admit', because: queue.open }
  const as = kind.wantsHtml ? 'page' : 'problem'
  if (queue.storeDown) return { action: 'hold', as, because: 'store_down' }
  if (queue.place === 'called' && kind.navigation) return { action: 'claim' }
  if (queue.place === 'none') {
    if (queue.refuses !== false) return { action: 'hold', as, because: queue.refuses }
    if (queue.quiet && kind.navigation) return { action: 'enter' }
  }
  return { action: 'hold', as, because: 'waiting' }
}
