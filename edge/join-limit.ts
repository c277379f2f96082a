// Abuse limits for newcomers, who join or enter a quiet room; cheapest first: the platform's rate-limit binding, a bounded counter in the isolate, and only
// for an address past the local threshold a global check in Redis. An honest visitor costs no Redis command here.
// When Redis fails, the local counter alone decides: past the global limit in this one isolate is refused.

import { Ratelimit } from '@upstash/ratelimit'
import type { Redis } from '@upstash/redis/cloudflare'
import type { VisitorId } from '../src/ids.ts'
import { MinuteCounter } from '../src/minute-counter.ts'
import { msToSecondsUp } from '../src/time.ts'

export type JoinVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly by: 'location' | 'isolate' | 'global' | 'visitor'
      readonly retryAfterSeconds: number
    }

/** The platform's rate-limit binding. */
export interface LocationLimit {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>
}

/** A visitor in line has no need to join again; a page that was reloaded, or two tabs, stay far below. */
const RETURNS_PER_MINUTE = 10
const GLOBAL_TIMEOUT_MS = 1_000

export class JoinLimit {
  readonly #location: LocationLimit
  readonly #perMinute: { readonly local: number; readonly global: number }
  readonly #counter = new MinuteCounter()
  readonly #returns = new MinuteCounter()
  readonly #globalLimit: Ratelimit

  /** `location` is the platform's binding; it counts per location and only approximately. */
  constructor(
    redis: Redis,
    location: LocationLimit,
    perMinute: { readonly local: number; readonly global: number },
  ) {
    this.#location = location
    this.#perMinute = perMinute
    this.#globalLimit = new Ratelimit({
      redis,
      limiter: Ratelimit.slidingWindow(perMinute.global, '60 s'),
      prefix: 'wr:limit:join',
      // Lives with the isolate: a blocked address is refused again without a command.
      ephemeralCache: new Map(),
      timeout: GLOBAL_TIMEOUT_MS,
      analytics: false,
    })
  }

  /** Counts one newcomer. Without an address there is nothing to count by: such a deployment limits in its own proxy. */
  async check(address: string | undefined, nowMs: number): Promise<JoinVerdict> {
    if (address === undefined) return { allowed: true }
    const { success } = await this.#location.limit({ key: address })
    if (!success) return { allowed: false, by: 'location', retryAfterSeconds: 60 }
    const { count, endsAtMs } = this.#counter.add(address, nowMs)
    if (count <= this.#perMinute.local) return { allowed: true }
    const answer = await this.#askRedis(address)
    if (answer !== undefined) {
      return answer.success
        ? { allowed: true }
        : { allowed: false, by: 'global', retryAfterSeconds: secondsUntil(answer.resetMs, nowMs) }
    }
    return count <= this.#perMinute.global
      ? { allowed: true }
      : { allowed: false, by: 'isolate', retryAfterSeconds: secondsUntil(endsAtMs, nowMs) }
  }

  /** Counts one who joins again with a token, of whatever epoch: leaving and joining in a loop is work for nothing. */
  checkReturn(visitor: VisitorId, nowMs: number): JoinVerdict {
    const { count, endsAtMs } = this.#returns.add(visitor, nowMs)
    if (count <= RETURNS_PER_MINUTE) return { allowed: true }
    return { allowed: false, by: 'visitor', retryAfterSeconds: secondsUntil(endsAtMs, nowMs) }
  }

  /** `undefined` when Redis did not answer: the library itself would let such a request pass. */
  async #askRedis(address: string): Promise<{ success: boolean; resetMs: number } | undefined> {
    try {
      const { success, reset, reason } = await this.#globalLimit.limit(address)
      return reason === 'timeout' ? undefined : { success, resetMs: reset }
    } catch (error) {
      console.error(
        JSON.stringify({ level: 'error', event: 'join_limit_unavailable', message: String(error) }),
      )
      return undefined
    }
  }
}

const secondsUntil = (thenMs: number, nowMs: number): number => Math.max(1, msToSecondsUp(thenMs - nowMs))
