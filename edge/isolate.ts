// What one isolate keeps between requests: the parsed configuration, a client, one `RoomQueue` a room, verified tokens and
// limiters. Values only, never a promise of another request. Made at the first request; a faulty configuration is kept
// as its fault, so that it is reported once in the log and on every request.

import { ConfigError } from '../src/config/fault.ts'
import { StreamSlots } from '../src/http/stream-slots.ts'
import type { RoomId } from '../src/ids.ts'
import { createRedis } from '../src/redis/client.ts'
import { createQueueStore } from '../src/redis/queue.ts'
import { VerifiedTokens } from '../src/tokens/verified.ts'
import { createAdminGuard, type AdminGuard } from './admin-guard.ts'
import { readEdgeConfig, type EdgeConfig } from './config.ts'
import { cookieName } from './cookies.ts'
import { drawKeysOf, type DrawKeys } from './draw.ts'
import { JoinLimit } from './join-limit.ts'
import { findRoomWarnings } from './room-overlap.ts'
import { openRoomQueue, type RoomQueue } from './room-queue.ts'
import { createVisitorIds, type DeriveVisitor } from './visitor.ts'

export interface Isolate {
  readonly config: EdgeConfig
  readonly queues: ReadonlyMap<RoomId, RoomQueue>
  readonly deriveVisitor: DeriveVisitor
  readonly joinLimit: JoinLimit
  readonly adminGuard: AdminGuard
  readonly verified: VerifiedTokens
  readonly streamSlots: StreamSlots
  /** Names of every cookie of ours, to be stripped before forwarding. */
  readonly cookieNames: ReadonlySet<string>
  /** Rooms and bypass rules that can hardly be meant, in sentences that anybody may read. */
  readonly warnings: readonly string[]
}

const isolates = new WeakMap<object, Isolate | ConfigError>()

/** The isolate's parts where an earlier request has made them. */
export function knownIsolate(env: EdgeBindings): Isolate | undefined {
  const known = isolates.get(env)
  return known instanceof ConfigError ? undefined : known
}

/** The isolate's parts, or every fault of its configuration. */
export async function isolateFor(env: EdgeBindings): Promise<Isolate | ConfigError> {
  const known = isolates.get(env)
  if (known !== undefined) return known
  const made = await createIsolate(env)
  // Another request may have been first: all share the parts that it made.
  const first = isolates.get(env) ?? made
  isolates.set(env, first)
  return first
}

async function createIsolate(env: EdgeBindings): Promise<Isolate | ConfigError> {
  try {
    const config = await readEdgeConfig(env)
    const redis = createRedis(config.redis)
    const rooms = [...config.rooms.values()]
    const drawKeys = await drawKeysByRoom(config)
    const commitments = new Map([...drawKeys].map(([id, { commitment }]) => [id, commitment]))
    const store = createQueueStore(redis, { commitments })
    const warnings = findRoomWarnings(rooms, { nowMs: Date.now() })
    if (warnings.length > 0) {
      console.warn(JSON.stringify({ level: 'warn', event: 'rooms_overlap', warnings }))
    }
    return {
      config,
      warnings,
      queues: new Map(
        rooms.map((room) => [
          room.id,
          openRoomQueue(room, store, { ...config, drawKeys: drawKeys.get(room.id) }),
        ]),
      ),
      deriveVisitor: await createVisitorIds(config.visitorSecret),
      joinLimit: new JoinLimit(redis, env.JOIN_LIMITER, config.joinsPerMinute),
      adminGuard: createAdminGuard(redis, config.adminToken),
      verified: new VerifiedTokens(),
      streamSlots: new StreamSlots(config.streamsPerIsolate),
      cookieNames: new Set(
        rooms.flatMap(({ id }) => [
          cookieName('queue', id, config.cookies),
          cookieName('pass', id, config.cookies),
        ]),
      ),
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(JSON.stringify({ level: 'error', event: 'configuration_invalid', faults: error.faults }))
    return error
  }
}

async function drawKeysByRoom({ rooms, drawSecret }: EdgeConfig): Promise<ReadonlyMap<RoomId, DrawKeys>> {
  const keys = new Map<RoomId, DrawKeys>()
  for (const room of rooms.values()) {
    if (room.queueing_method === 'lottery' && drawSecret !== undefined) {
      keys.set(room.id, await drawKeysOf(room, drawSecret))
    }
  }
  return keys
}
