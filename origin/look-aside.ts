// One answer of the catalogue through its layers: the isolate's memory for some seconds, Redis, then Postgres (the replica,
// where there is one, before the primary). Called by `catalogue-cache.ts` alone. Never asked for what must be exact: the
// prices of an order, sold and blocked seats.
//
// The race with an import: a value in Redis carries the generation that its reader saw BEFORE it read Postgres, and counts
// only while that is the generation of now. Whoever read Postgres before a change and writes after it writes under a
// generation that has ended, so no old value comes back. Redis failing, or answering nonsense, is a miss.

import type { Redis } from '@upstash/redis/cloudflare'
import { z } from 'zod'
import type { Database } from '../src/db/client.ts'
import { callStore } from '../src/redis/client.ts'
import { catalogueKey } from '../src/redis/keys.ts'
import { MS_PER_MINUTE, MS_PER_SECOND } from '../src/time.ts'
import { logError } from './log.ts'
import { Outage } from './outage.ts'
import { ShortCache } from './short-cache.ts'

/** Every isolate keeps its own copy: an import is seen everywhere within this time. */
const MEMORY_MS = 10 * MS_PER_SECOND
/** Raised with a change that the shapes below would not notice. Values of another number are not read. */
const FORMAT = 1
/** A replica is taken to have caught up with an import after this time; until then the primary is read. */
const REPLICA_LAG_MS = MS_PER_MINUTE
/** A request that was cancelled never says so: after this time its reading is taken over. */
const ABANDONED_MS = 3_000
const LOOK_AGAIN_MS = 25
/** A larger value is read from Postgres each time that the isolate's memory of it ends. */
const STORED_MOST_CHARACTERS = 2_000_000
const GENERATION = catalogueKey('generation')

export interface LookAsideSources {
  readonly db: Database
  readonly replica: Database | undefined
  /** With a short deadline: Postgres is the substitute. */
  readonly redis: Redis
  /** 0: Redis is not asked. */
  readonly cacheSeconds: number
}

export interface Kind<T> {
  /** First part of the key. */
  readonly name: string
  /** What a value from Redis must be; any other is a miss. */
  readonly shape: z.ZodType<T>
  /** Values kept in the isolate. */
  readonly keep: number
  /** Reads one database; `undefined` where there is no such thing. */
  load(db: Database, id: string): Promise<T | undefined>
}

/** The state of Redis and of the replica as this isolate knows it, shared by all kinds. */
export interface Outages {
  readonly redis: Outage
  readonly replica: Outage
}

export interface LookAside<T> {
  /** `undefined` where Postgres has no such thing, which the isolate remembers too, and Redis never does. */
  read(id: string): Promise<T | undefined>
  /** Forgets what the isolate remembers. */
  clear(): void
}

/** A reading under way or done; others look at it on timers of their own. */
interface Reading<T> {
  readonly sinceMs: number
  outcome?: { readonly value: T | undefined } | { readonly error: unknown }
}

const envelope = z.object({ format: z.literal(FORMAT), generation: z.string(), value: z.unknown() })

export function createLookAside<T>(sources: LookAsideSources, kind: Kind<T>, outages: Outages): LookAside<T> {
  const memory = new ShortCache<{ readonly value: T | undefined }>({ ttlMs: MEMORY_MS, limit: kind.keep })
  const readings = new Map<string, Reading<T>>()

  /** One request of the isolate reads, and those that want the same meanwhile wait for it. */
  async function read(id: string): Promise<T | undefined> {
    for (;;) {
      const nowMs = Date.now()
      const known = memory.get(memory, id, nowMs)
      if (known !== undefined) return known.value
      const reading = readings.get(id)
      if (reading === undefined || reading.sinceMs + ABANDONED_MS <= nowMs) return await lead(id, nowMs)
      const outcome = await outcomeOf(reading)
      if (outcome === undefined) continue
      if ('error' in outcome) throw outcome.error
      return outcome.value
    }
  }

  async function lead(id: string, nowMs: number): Promise<T | undefined> {
    const reading: Reading<T> = { sinceMs: nowMs }
    readings.set(id, reading)
    try {
      const value = await readThrough(id, nowMs)
      reading.outcome = { value }
      return value
    } catch (error) {
      reading.outcome = { error }
      throw error
    } finally {
      if (readings.get(id) === reading) readings.delete(id)
    }
  }

  async function readThrough(id: string, nowMs: number): Promise<T | undefined> {
    const key = catalogueKey(`${kind.name}:${id}`)
    const seen = await askRedis(key)
    const stored = seen === undefined ? undefined : fromText(seen.text, seen.generation)
    const value = stored ?? (await fromPostgres(id, seen?.generation))
    memory.set(memory, id, { value }, nowMs)
    if (seen !== undefined && stored === undefined && value !== undefined) {
      await tellRedis(key, JSON.stringify({ format: FORMAT, generation: seen.generation, value }))
    }
    return value
  }

  /** What Redis has and the generation of now, `''` before the first change; `undefined` where it cannot be asked. */
  async function askRedis(key: string) {
    return await withRedis(async () => {
      const [generation, text] = await sources.redis.mget<(string | null)[]>(GENERATION, key)
      return { generation: generation ?? '', text: text ?? '' }
    })
  }

  async function tellRedis(key: string, text: string): Promise<void> {
    if (text.length > STORED_MOST_CHARACTERS) return
    // Jitter, so that what was stored together does not end together.
    const ttlMs = Math.round(sources.cacheSeconds * MS_PER_SECOND * (0.9 + 0.2 * Math.random()))
    await withRedis(() => sources.redis.set(key, text, { px: ttlMs }))
  }

  async function withRedis<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
    if (sources.cacheSeconds === 0 || !outages.redis.mayAsk(Date.now())) return undefined
    try {
      const answer = await callStore(ask)
      outages.redis.recovered()
      return answer
    } catch (error) {
      if (outages.redis.failed(Date.now())) logError('the catalogue goes on without Redis', error)
      return undefined
    }
  }

  function fromText(text: string, generation: string): T | undefined {
    if (text === '') return undefined
    try {
      const kept = envelope.safeParse(JSON.parse(text))
      if (!kept.success || kept.data.generation !== generation) return undefined
      const parsed = kind.shape.safeParse(kept.data.value)
      return parsed.success ? parsed.data : undefined
    } catch {
      // Not JSON: somebody else's value under our key.
      return undefined
    }
  }

  /** What the replica does not know the primary may: nothing is missing before the primary says so. */
  async function fromPostgres(id: string, generation: string | undefined): Promise<T | undefined> {
    const { db, replica } = sources
    if (replica !== undefined && !isRecent(generation) && outages.replica.mayAsk(Date.now())) {
      try {
        const found = await kind.load(replica, id)
        outages.replica.recovered()
        if (found !== undefined) return found
      } catch (error) {
        if (outages.replica.failed(Date.now())) logError('the catalogue goes on without the replica', error)
      }
    }
    return await kind.load(db, id)
  }

  return { read, clear: () => memory.clear(memory) }
}

/** The outcome once there is one; `undefined` where the reading was abandoned. */
async function outcomeOf<T>(reading: Reading<T>): Promise<Reading<T>['outcome']> {
  while (reading.outcome === undefined && reading.sinceMs + ABANDONED_MS > Date.now()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
  return reading.outcome
}

/** Begins a generation. Throws `StoreUnavailable`: then old values count until they expire. */
export async function beginGeneration(redis: Redis): Promise<void> {
  // Random as well, so that none ever comes back: not after a loss of Redis, nor with two changes at one moment.
  await callStore(() => redis.set(GENERATION, `${Date.now()}.${crypto.randomUUID()}`))
}

/** Whether the change that began this generation may not have reached a replica. */
function isRecent(generation: string | undefined): boolean {
  const beganAtMs = Number(generation?.split('.')[0])
  return Number.isFinite(beganAtMs) && Date.now() - beganAtMs < REPLICA_LAG_MS
}
