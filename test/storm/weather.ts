// The weather of a storm: replies of Redis and Postgres that are lost after the work was done, and requests that a network
// carries twice. Which requests are hit follows from the seed, as far as their order does.
import type { Shop } from './shop.ts'

interface Weather {
  /** Shares of all requests at a gateway, 0 to 1. */
  readonly lostReplies: number
  readonly repeated: number
}

export function letItRain(
  { upstash, neon }: Shop,
  { lostReplies, repeated }: Weather,
  random: () => number,
): void {
  upstash.set({ kind: 'drop-reply' }, () => random() < lostReplies)
  upstash.set({ kind: 'duplicate' }, () => random() < repeated)
  // A lost reply of Postgres is told to the buyer, who tries again: nothing is repeated on the way.
  neon.set({ kind: 'drop-reply' }, () => random() < lostReplies)
  neon.set({ kind: 'duplicate' }, () => random() < repeated)
}

export function letItStop({ upstash, neon }: Shop): void {
  upstash.clear()
  neon.clear()
}
