// What the benchmarks over HTTP run against: Redis, the Upstash gateway, and the Workers in one workerd. In memory and in a
// temporary folder, on free ports of loopback; `stop` leaves nothing behind.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis as Connection } from 'ioredis'
import { startRedis } from '../local/redis.ts'
import { startUpstashGateway } from '../local/upstash/gateway.ts'
import { parseRooms, type Room } from '../src/config/room.ts'
import { call } from './call.ts'
import { openDirectStore, type DirectStore } from './direct-store.ts'
import { startBenchWorkers, type BenchWorkers } from './workers.ts'

/**
 * `bench`: 6,000 calls a minute. `claims`: calls everyone, and a call lasts longer than a round. `gate`: what a request to
 * the Workers' own address passes; a token lasts longer than a round, so that none is renewed.
 */
const ROOMS = {
  bench: { hosts: ['bench.test'], new_users_per_minute: 6_000, total_active_users: 1_000_000 },
  claims: {
    hosts: ['claims.test'],
    new_users_per_minute: 10_000_000,
    burst: 1_000_000,
    total_active_users: 10_000_000,
    claim_window: 600,
  },
  gate: { hosts: ['127.0.0.1'], admission_token_ttl: 600 },
}

export interface BenchStack {
  readonly redis: Awaited<ReturnType<typeof startRedis>>
  /** For measuring: the server's own counters. */
  readonly connection: Connection
  readonly workers: BenchWorkers
  /** The same store, past workerd and the gateway: for preparing what is then measured. */
  readonly direct: DirectStore
  readonly folder: string
  readonly rooms: { readonly bench: Room; readonly claims: Room }
  stop(): Promise<void>
}

export async function startBenchStack(): Promise<BenchStack> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-bench-'))
  const redis = await startRedis({})
  const gateway = await startUpstashGateway({ redisUrl: redis.url, token: 'bench' })
  const direct = openDirectStore(redis.url)
  const connection = new Connection(redis.url)
  const [bench, claims, gate] = [...parseRooms(ROOMS).values()]
  if (bench === undefined || claims === undefined || gate === undefined) throw new Error('three rooms')
  for (const room of [bench, claims, gate]) await direct.store.arm(room)
  const workers = await startBenchWorkers({
    folder,
    rooms: ROOMS,
    redisRestUrl: gateway.url,
    redisRestToken: 'bench',
  })
  return {
    redis,
    connection,
    workers,
    direct,
    folder,
    rooms: { bench, claims },
    async stop() {
      await workers.stop()
      connection.disconnect()
      direct.close()
      await gateway.stop()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An admission token of the room `gate`, by walking in, where nobody ever waits, and coming back once. */
export async function admitOne({ workers }: BenchStack): Promise<string> {
  const entered = await call('GET', `${workers.edge}/`, { headers: { accept: 'text/html' } })
  const first = /^wr-pass-gate=([^;]+)/m.exec([entered.headers['set-cookie'] ?? []].flat().join('\n'))?.[1]
  if (first === undefined) throw new Error(`the gate let nobody in: it answered ${entered.status}`)
  // The first pass is a provisional one, and would be renewed by every request that shows it.
  const back = await call('GET', `${workers.edge}/`, { headers: { 'waiting-room-token': first } })
  const lasting = back.headers['waiting-room-token']
  if (typeof lasting !== 'string') throw new Error('the gate did not renew a provisional pass')
  return lasting
}
