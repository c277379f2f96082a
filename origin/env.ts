// What every handler of the origin finds in its context: the bindings as wrangler gives them, and what the first
// middleware of `app.ts` made of them. Types only.

// The generated declarations are global; the tests' project sees them only through this line.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./bindings.d.ts" />

import type { Redis } from '@upstash/redis/cloudflare'
import type { Stripe } from 'stripe'
import type { Database } from '../src/db/client.ts'
import type { SeatStore } from '../src/redis/seats.ts'
import type { StockStore } from '../src/redis/stock.ts'
import type { Streams } from '../src/redis/streams.ts'
import type { Catalogue } from './catalogue-cache.ts'
import type { OriginConfig } from './config.ts'
import type { Notifier } from './notify/notifier.ts'

/** One isolate's configuration and clients. The clients hold no connection, so requests may share them. */
export interface IsolateParts {
  readonly config: OriginConfig
  readonly db: Database
  readonly redis: Redis
  /** What is on sale, for whoever looks; not for orders. */
  readonly catalogue: Catalogue
  readonly seats: SeatStore
  readonly stock: StockStore
  readonly streams: Streams
  readonly payments: Stripe
  readonly notifier: Notifier
}

/** What one request, or one run of cron, works with. */
export interface Parts extends IsolateParts {
  /** For work that goes on beside the answer; it handles its own failures. */
  readonly waitUntil: (work: Promise<void>) => void
}

export interface OriginEnv {
  Bindings: OriginBindings
  Variables: Parts
}
