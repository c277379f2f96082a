// Other designs of a waiting room beside ours, on the same Redis: our own writing of what such systems are described to do,
// as cheap as each can be made. A visitor joins, polls every five seconds for ten minutes, and goes in.
// What each does not offer is printed with it: a price is only worth comparing for the same goods.

import type { Redis as Connection } from 'ioredis'
import { positionFrom, type PlaceProof } from '../src/queue/position.ts'
import { roomKeys } from '../src/redis/keys.ts'
import type { BatchCost } from './command-costs.ts'
import type { DirectStore } from './direct-store.ts'
import { fillRoom, makeBenchRoom, randomVisitor } from './full-room.ts'
import { meter } from './meter.ts'
import { quantile } from './quantile.ts'
import { SIZES } from './script-costs.ts'

const WAIT_MINUTES = 10
const POLL_SECONDS = 5
const POLLS = (WAIT_MINUTES * 60) / POLL_SECONDS
const LINE = 'peer:line'
const LIST = 'peer:list'
const NUMBERS = 'peer:numbers'
const CURSOR = 'peer:cursor'
const ADMITTED = 'peer:admitted'
const FILL_BATCH = 2_000

interface Peer {
  readonly name: string
  /** Polls measured at a size; fewer where one reads the whole line. */
  readonly samples: (size: number) => number
  readonly join: (redis: Connection, visitor: string, order: number) => Promise<unknown>
  readonly poll: (redis: Connection, visitor: string) => Promise<unknown>
  readonly enter: (redis: Connection, visitor: string) => Promise<unknown>
  readonly lacks: string
}

const few = (size: number) => Math.max(5, Math.min(100, 2_000_000 / size))
const many = () => 500

const PEERS: readonly Peer[] = [
  {
    name: 'rank by reading the set',
    samples: few,
    join: (redis, visitor, order) => redis.zadd(LINE, order, visitor),
    poll: async (redis, visitor) => (await redis.zrange(LINE, 0, -1)).indexOf(visitor),
    enter: (redis, visitor) => redis.zrem(LINE, visitor),
    lacks: 'a price that does not grow with the crowd; the whole line travels with every poll',
  },
  {
    name: 'rank by scanning a list',
    samples: few,
    join: (redis, visitor) => redis.rpush(LIST, visitor),
    poll: (redis, visitor) => redis.lpos(LIST, visitor),
    enter: (redis, visitor) => redis.lrem(LIST, 1, visitor),
    lacks: 'a price that does not grow with the crowd; one place for a visitor who joins twice',
  },
  {
    name: 'ZRANK on every poll',
    samples: many,
    join: (redis, visitor, order) => redis.zadd(LINE, 'NX', order, visitor),
    poll: (redis, visitor) => redis.zrank(LINE, visitor),
    enter: (redis, visitor) => redis.zrem(LINE, visitor),
    lacks: 'free polls; a line that survives the loss of its store; a limit on those inside',
  },
  {
    name: 'number and cursor, read on every poll',
    samples: many,
    join: (redis) => redis.incr(NUMBERS),
    poll: (redis) => redis.get(CURSOR),
    enter: (redis, visitor) => redis.sadd(ADMITTED, visitor),
    lacks:
      'positions that fall when others leave (who goes away still counts), refunds for no-shows, one number for a visitor who joins twice, numbers that a failover cannot repeat',
  },
]

interface PollCost {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly serverUs: number
}

export async function benchPeers(direct: DirectStore, ours: readonly BatchCost[]): Promise<void> {
  console.log(
    `Beside it, other designs: a visitor joins, polls every ${POLL_SECONDS} s for ${WAIT_MINUTES} minutes (${POLLS} polls) and goes in\n`,
  )
  console.log(
    'design                                  commands     waiting      a poll: p50 ms   p99 ms   server us   servers for all polls',
  )
  const costs = new Map<string, { commands: number; bySize: PollCost[] }>()
  for (const size of SIZES) {
    const visitors = await fillPeers(direct.connection, size)
    for (const peer of PEERS) {
      const known = costs.get(peer.name) ?? {
        commands: await commandsOf(direct.connection, peer),
        bySize: [],
      }
      known.bySize.push(await measurePolls(direct.connection, peer, visitors))
      costs.set(peer.name, known)
    }
    await direct.connection.flushall()
  }
  for (const [name, { commands, bySize }] of costs) {
    for (const [i, cost] of bySize.entries())
      print(name, i === 0 ? commands.toFixed(0) : '', SIZES[i] ?? 0, cost)
  }
  await benchOurs(direct, ours)
  console.log(
    '\n"Servers for all polls": single threads of Redis that would be busy if everyone who waits polled in turn.\n' +
      'Ours, by batches of 100 and of one, and the snapshots of the table above, shared by all. A cursor cached for everyone saves\n' +
      'its polls as well: two or three commands a visitor, less than ours where batches are below eight, with the same lacks.',
  )
  for (const { name, lacks } of PEERS) console.log(`- ${name} does not offer: ${lacks}.`)
  console.log()
}

async function fillPeers(redis: Connection, size: number): Promise<readonly string[]> {
  const visitors: string[] = Array.from({ length: size }, randomVisitor)
  for (let from = 0; from < size; from += FILL_BATCH) {
    const batch = visitors.slice(from, from + FILL_BATCH)
    const pipeline = redis.pipeline()
    pipeline.zadd(LINE, ...batch.flatMap((visitor, i) => [from + i, visitor]))
    pipeline.rpush(LIST, ...batch)
    await pipeline.exec()
  }
  await redis.mset(NUMBERS, size, CURSOR, 0)
  return visitors
}

/** One visitor's whole way, counted. */
async function commandsOf(redis: Connection, peer: Peer): Promise<number> {
  const visitor = randomVisitor()
  const { commands } = await meter(redis, async () => {
    await peer.join(redis, visitor, Number.MAX_SAFE_INTEGER)
    for (let i = 0; i < POLLS; i += 1) await peer.poll(redis, visitor)
    await peer.enter(redis, visitor)
  })
  return commands
}

/** Polls of visitors all along the line. */
async function measurePolls(redis: Connection, peer: Peer, visitors: readonly string[]): Promise<PollCost> {
  const count = Math.floor(peer.samples(visitors.length))
  const times: number[] = []
  const { serverUs } = await meter(redis, async () => {
    for (let i = 0; i < count; i += 1) {
      const visitor = visitors[Math.floor(((i + 0.5) / count) * visitors.length)] ?? ''
      const startedAtMs = performance.now()
      await peer.poll(redis, visitor)
      times.push(performance.now() - startedAtMs)
    }
  })
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), serverUs: serverUs / count }
}

/** A poll of ours is arithmetic on a document that everyone shares; what the store does is one refresh a second. */
async function benchOurs({ store, connection }: DirectStore, batches: readonly BatchCost[]): Promise<void> {
  const perVisitor = batches.map(({ size, join, claim }) => (join + claim) / size)
  const commands = `${Math.min(...perVisitor).toFixed(2)}-${Math.max(...perVisitor).toFixed(0)}`
  for (const [at, size] of SIZES.entries()) {
    const proofs: PlaceProof[] = []
    const { room, seen } = await fillRoom(store, makeBenchRoom({ paused: true }), size, (_, outcomes) => {
      for (const outcome of outcomes) {
        if (outcome.status === 'waiting' && proofs.length < size) proofs.push(outcome)
      }
    })
    await connection.hset(roomKeys(room.id).state, 'advanced', '0')
    const { snapshot } = await store.advance(room, seen)
    const times: number[] = []
    for (let i = 0; i < many(); i += 1) {
      const proof = proofs[Math.floor(((i + 0.5) / many()) * proofs.length)]
      if (proof === undefined) throw new Error('everyone who joined has a proof')
      const startedAtMs = performance.now()
      positionFrom(proof, snapshot)
      times.push(performance.now() - startedAtMs)
    }
    print('ours: place, shared snapshot', at === 0 ? commands : '', size, {
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
      serverUs: 0,
    })
    await connection.flushall()
  }
}

function print(name: string, commands: string, size: number, { p50Ms, p99Ms, serverUs }: PollCost): void {
  const cells = [
    (commands === '' ? '' : name).padEnd(38),
    commands.padStart(9),
    size.toLocaleString('en').padStart(12),
    p50Ms.toFixed(3).padStart(16),
    p99Ms.toFixed(3).padStart(10),
    serverUs.toFixed(1).padStart(11),
    (((size / POLL_SECONDS) * serverUs) / 1e6).toFixed(2).padStart(23),
  ]
  console.log(cells.join(' '))
}
