// The Upstash client as both Workers use it, and the running of our scripts. Every call has a deadline, and a lost
// reply is retried once: each script is safe to repeat. Nothing here decides what an outage means; callers do.

import { Redis } from '@upstash/redis/cloudflare'

/** Redis could not be asked, or answered with a refusal (quota, 429, overload). Says nothing about what was executed. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/** The caller names a sale that the room has left behind: an old deployment, or a name that was used before. */
export class SaleReplaced extends StoreUnavailable {
  override readonly name = 'SaleReplaced'

  /** For visitors; the operator reads the same in the log and by `GET /healthz`. */
  get detail(): string {
    return `${this.message}. This Worker was deployed with the name of the replaced sale, whose places have ended.`
  }
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
    const message = withoutCommand(cause instanceof Error ? cause.message : String(cause))
    const [replaced] = SALE_REPLACED.exec(message) ?? []
    throw replaced === undefined ? new StoreUnavailable(message) : new SaleReplaced(replaced)
  }
}

/** As room.lua says it; the server may write the place in the script behind it. */
const SALE_REPLACED = /SALE "[^"]*" of this room was replaced by "[^"]*"/

// The Upstash client ends its messages with the command and its arguments: ids and tokens that no log may hold.
const withoutCommand = (message: string): string => message.replace(/,? command was: [\s\S]*$/, '')
