// Checks the operator's token. The right one always gets in, so that nobody on the operator's network can lock the operator
// out. Wrong guesses are counted by address with `@upstash/ratelimit`; an address that guessed too often is refused in this
// isolate until its window ends, at no Redis command. What makes guessing hopeless is the length of the token, at least 24
// characters; when Redis fails, a guess is still refused and only the counting is lost.

import { Ratelimit } from '@upstash/ratelimit'
import type { Redis } from '@upstash/redis/cloudflare'
import { sameSecret } from '../src/http/same-secret.ts'
import { msToSecondsUp } from '../src/time.ts'

const GUESSES_PER_MINUTE = 10
const TIMEOUT_MS = 1_000
const MAX_BLOCKED = 1_000

export type AdminVerdict =
  | { readonly status: 'admitted' }
  | { readonly status: 'refused'; readonly reason: 'missing' | 'wrong' }
  | { readonly status: 'blocked'; readonly retryAfterSeconds: number }

export interface AdminGuard {
  check(token: string | undefined, address: string, nowMs: number): Promise<AdminVerdict>
}

export function createAdminGuard(redis: Redis, adminToken: string): AdminGuard {
  const guesses = new Ratelimit({
    redis,
    limiter: Ratelimit.slidingWindow(GUESSES_PER_MINUTE, '60 s'),
    prefix: 'wr:limit:admin',
    ephemeralCache: new Map(),
    timeout: TIMEOUT_MS,
    analytics: false,
  })
  const blockedUntilMs = new Map<string, number>()

  return {
    async check(token, address, nowMs) {
      if (token !== undefined && (await sameSecret(token, adminToken))) return { status: 'admitted' }
      const untilMs = blockedUntilMs.get(address) ?? 0
      if (untilMs > nowMs) return { status: 'blocked', retryAfterSeconds: msToSecondsUp(untilMs - nowMs) }
      if (token === undefined) return { status: 'refused', reason: 'missing' }
      const resetMs = await countGuess(guesses, address)
      if (resetMs === undefined) return { status: 'refused', reason: 'wrong' }
      if (blockedUntilMs.size >= MAX_BLOCKED) blockedUntilMs.clear()
      blockedUntilMs.set(address, resetMs)
      return { status: 'blocked', retryAfterSeconds: Math.max(1, msToSecondsUp(resetMs - nowMs)) }
    },
  }
}

/** When the block ends (ms) once there were too many; `undefined` below that, and when Redis did not answer. */
async function countGuess(guesses: Ratelimit, address: string): Promise<number | undefined> {
  try {
    const { success, reset } = await guesses.limit(address)
    return success ? undefined : reset
  } catch (error) {
    console.error(
      JSON.stringify({ level: 'error', event: 'admin_limit_unavailable', message: String(error) }),
    )
    return undefined
  }
}
