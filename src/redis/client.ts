// The Upstash client as both Workers use it, and the running of our scripts. Every call has a deadline, and a lost
// reply is retried once: each script is safe to repeat. Nothing here decides what an outage means; callers do.

import { Redis } from '@upstash/redis/cloudflare'

/** Redis could not be asked, or answered with a refusal (quota, 429, overload). Says nothing about what was executed. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

export interface RedisSettings {
  readonly url: string
  readonly token: string
  /** Deadline of one HTTP request to Upstash. */
  readonly timeoutMs?: number
}

/** Values stay text: `"123"` is not turned into a number (places and ids must come back as they went in). */
export function createRedis({ url, token, timeoutMs = 2_000 }: RedisSettings): Redis {
  return new Redis({
    url,
    token,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    // Plain JSON: everything that is kept is text, and base64 would have to be undone value by value.
    responseEncoding: false,
    retry: { retries: 1, backoff: () => 50 },
    signal: () => AbortSignal.timeout(timeoutMs),
  })
}

export interface Script {
  run(redis: Redis, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

// Upstash takes a global lock for a script without this line; with it, only the declared keys (their documentation).
// Real Redis refuses the flag, and the local gateway strips it.
const KEY_LOCKING = '#!lua flags=allow-key-locking\n'

/** A Lua source as a callable: EVALSHA, and EVAL where the server does not know it yet. */
export function createScript(source: string): Script {
  const text = KEY_LOCKING + source
  // The value is kept, never the promise: a request must not wait for another request's promise.
  let sha: string | undefined
  return {
    async run(redis, keys, args) {
      sha ??= await sha1(text)
      const digest = sha
      return await callStore(async () => {
        try {
          return await redis.evalsha(digest, [...keys], [...args])
        } catch (error) {
          if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error
          return await redis.eval(text, [...keys], [...args])
        }
      })
    },
  }
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Runs one call and gives every failure of the store the same name. */
export async function callStore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw new StoreUnavailable(withoutCommand(cause instanceof Error ? cause.message : String(cause)))
  }
}

// The Upstash client ends its messages with the command and its arguments: ids and tokens that no log may hold.
const withoutCommand = (message: string): string => message.replace(/,? command was: [\s\S]*$/, '')
