// Limits behind the gate, counted in Redis for all locations together. Called by the routes of holds, orders, tickets and
// admin before they touch anything else. The first calls of a visitor in a minute are counted in the isolate alone, so that
// an honest one costs no request to Redis. What a limit does when Redis cannot be asked stands beside it.

import { Ratelimit } from '@upstash/ratelimit'
import type { Redis } from '@upstash/redis/cloudflare'
import type { Context } from 'hono'
import { Problem } from '../src/problem.ts'
import { MinuteCounter } from '../src/minute-counter.ts'
import { callStore, StoreUnavailable } from '../src/redis/client.ts'
import { msToSecondsUp } from '../src/time.ts'
import type { OriginConfig } from './config.ts'
import type { OriginEnv } from './env.ts'
import { logError } from './log.ts'

interface Limit {
  readonly perMinute: (config: OriginConfig) => number
  /** The part of `perMinute` that each isolate gives without asking Redis. */
  readonly localShare: number
  /** `refuse`: 503, for what needs Redis anyway. `allow`: for what another check protects and people must not lose. */
  readonly withoutRedis: 'refuse' | 'allow'
  readonly what: string
}

const LIMITS = {
  /** By admission session. */
  holds: {
    perMinute: (config) => config.holdsPerMinute,
    localShare: 1 / 3,
    withoutRedis: 'refuse',
    what: 'holds',
  },
  /** By admission session. */
  orders: {
    perMinute: (config) => config.ordersPerMinute,
    localShare: 1 / 3,
    withoutRedis: 'refuse',
    what: 'orders',
  },
  /** By address: a door scans some hundreds a minute. The signature decides, and the door must not close. */
  verify: { perMinute: () => 600, localShare: 0, withoutRedis: 'allow', what: 'ticket checks' },
  /** By address, counted on wrong tokens. The token cannot be guessed at any rate; the operator must get in. */
  admin: { perMinute: () => 20, localShare: 0, withoutRedis: 'allow', what: 'wrong admin tokens' },
} as const satisfies Record<string, Limit>
type LimitName = keyof typeof LIMITS

/** Callers known to be over their limit, answered without Redis; they leave when their window ends. */
const BLOCKED_KEPT = 10_000

interface Limiter {
  readonly local: MinuteCounter
  readonly localMost: number
  readonly ratelimit: Ratelimit
  readonly blocked: Map<string, number>
}
const limiters = new WeakMap<Redis, Map<LimitName, Limiter>>()

/** One call of an admission session, or for the last two of an address. Each throws the Problem `rate_limited`. */
type CountCall = (c: Context<OriginEnv>, caller: string) => Promise<void>
/** Throws `StoreUnavailable` as well. */
export const limitHolds: CountCall = (c, session) => enforceLimit(c, 'holds', session)
/** Throws `StoreUnavailable` as well. */
export const limitOrders: CountCall = (c, session) => enforceLimit(c, 'orders', session)
export const limitTicketChecks: CountCall = (c, address) => enforceLimit(c, 'verify', address)
export const limitAdmin: CountCall = (c, address) => enforceLimit(c, 'admin', address)

async function enforceLimit(c: Context<OriginEnv>, name: LimitName, caller: string): Promise<void> {
  const { withoutRedis, what }: Limit = LIMITS[name]
  const { ratelimit, blocked, local, localMost } = limiterOf(c, name)
  if (localMost > 0 && local.add(caller, Date.now()).count <= localMost) return
  if (blocked.size > BLOCKED_KEPT) blocked.clear()
  let resetMs: number
  try {
    const answer = await callStore(() => ratelimit.limit(caller))
    if (answer.success) return
    resetMs = answer.reset
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || withoutRedis === 'refuse') throw error
    logError('a limit was not counted', error, { limit: name })
    return
  }
  const retryAfterSeconds = Math.max(1, msToSecondsUp(resetMs - Date.now()))
  throw new Problem('rate_limited', {
    detail: `Too many ${what} in a minute: at most ${LIMITS[name].perMinute(c.var.config)}. Try again in ${retryAfterSeconds} s.`,
    retryAfterSeconds,
  })
}

function limiterOf(c: Context<OriginEnv>, name: LimitName): Limiter {
  const { config, redis } = c.var
  const byName = limiters.get(redis) ?? new Map<LimitName, Limiter>()
  limiters.set(redis, byName)
  const known = byName.get(name)
  if (known !== undefined) return known
  const { perMinute, localShare }: Limit = LIMITS[name]
  const most = perMinute(config)
  // One call at least is counted by all isolates together.
  const localMost = Math.min(Math.floor(most * localShare), most - 1)
  const blocked = new Map<string, number>()
  const limiter = {
    blocked,
    local: new MinuteCounter(),
    localMost,
    ratelimit: new Ratelimit({
      redis,
      limiter: Ratelimit.slidingWindow(most - localMost, '60 s'),
      prefix: `limit:${name}`,
      ephemeralCache: blocked,
      // None: on a timeout of its own the library allows. The Upstash client's deadline (client.ts) throws instead.
      timeout: 0,
    }),
  }
  byName.set(name, limiter)
  return limiter
}
