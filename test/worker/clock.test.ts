// One clock: Redis decides every time. Isolates that are an hour fast and an hour slow share one Redis here, and their
// clocks are set while they live. Only the life of a signed token goes by the clock of whoever looks at it.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { bearer, called, keysOf, line, membersOf, snapshotOnce, type Member } from './crowd.ts'
import { freshKey, REDIS_TOKEN, startEdge, startStores, until, type Answer, type Edge } from './support.ts'

const HOUR_MS = 3_600_000
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()
/** Three are called at once, then nobody for a minute. */
const ROOM = { burst: 3, new_users_per_minute: 1, total_active_users: 100 }
const rooms = {
  order: { ...ROOM, hosts: ['order.test'] },
  tokens: { ...ROOM, hosts: ['tokens.test'] },
  fresh: { ...ROOM, hosts: ['fresh.test'] },
  'not-begun': { hosts: ['sale.test'], event_start_time: inMinutes(30) },
  begun: { ...ROOM, hosts: ['sale.test'], event_start_time: inMinutes(-30) },
  'not-over': {
    ...ROOM,
    hosts: ['sale.test'],
    event_start_time: inMinutes(-90),
    event_end_time: inMinutes(30),
  },
  over: { hosts: ['sale.test'], event_start_time: inMinutes(-90), event_end_time: inMinutes(-30) },
}

/** An isolate with a clock and a gateway of its own, before the Redis that all share. */
interface Isolate extends Edge {
  readonly ownGateway: UpstashGateway
}
let stores: Awaited<ReturnType<typeof startStores>>
let fast: Isolate
let slow: Isolate

async function startIsolate(shiftMs: number): Promise<Isolate> {
  const { host, port } = stores.redis.options
  const redisUrl = `redis://${host ?? '127.0.0.1'}:${port ?? 6_379}`
  const ownGateway = await startUpstashGateway({ redisUrl, token: REDIS_TOKEN })
  const edge = await startEdge({ rooms, on: { ...stores, gateway: ownGateway }, ownClock: true })
  await edge.setClock({ shiftMs })
  return { ...edge, ownGateway }
}

beforeAll(async () => {
  stores = await startStores()
  fast = await startIsolate(HOUR_MS)
  slow = await startIsolate(-HOUR_MS)
})
afterAll(async () => {
  for (const isolate of [fast, slow]) {
    await isolate.stop()
    await isolate.ownGateway.stop()
  }
  await stores.stop()
})

const join = (edge: Edge, room: string, headers: Record<string, string> = {}): Promise<Answer> =>
  edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey(), ...headers })

const redisNowMs = async (): Promise<number> => {
  const [seconds, micros] = await stores.redis.time()
  return Number(seconds) * 1_000 + Number(micros) / 1_000
}

describe('isolates an hour fast and an hour slow, and clients that lie about the time', () => {
  it('give places in the order of arrival, and call by the same pace', async () => {
    const members: Member[] = []
    const before = await redisNowMs()
    for (const [index, edge] of [fast, slow, fast, slow, slow, fast, fast, slow].entries()) {
      const lie = new Date(Date.now() + (index % 2 === 0 ? -1 : 1) * HOUR_MS).toUTCString()
      const answer = await join(edge, 'order', { date: lie, 'if-modified-since': lie, 'x-timestamp': lie })
      expect(answer.status).toBe(201)
      members.push(membersOf(answer))
    }
    const after = await redisNowMs()
    const visitors = members.map(({ visitor }) => visitor)
    const places = members.map(({ place }) => place)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places[0]).toBeGreaterThanOrEqual(before * 1_000)
    expect(places.at(-1)).toBeLessThanOrEqual(after * 1_000)

    for (const edge of [fast, slow]) {
      await snapshotOnce(edge, 'order', { what: 'three are called', is: (json) => json.called === 3 })
      await edge.scheduled()
      await edge.scheduled()
    }
    // Two hours between their clocks, and not one call more.
    const order = [
      ...(await called(stores.redis, 'order')).toSorted(),
      ...(await line(stores.redis, 'order')),
    ]
    expect(order).toEqual([...visitors.slice(0, 3).toSorted(), ...visitors.slice(3)])
    const [first, second] = members
    if (!first || !second) throw new Error('eight have joined')
    for (const [edge, member] of [
      [fast, first],
      [slow, second],
    ] as const) {
      expect((await edge.post('/.waiting-room/order/claim', bearer(member))).status).toBe(200)
    }
    const { sessions } = keysOf('order')
    const ends = (await stores.redis.zrange(sessions, 0, -1, 'WITHSCORES'))
      .filter((_, i) => i % 2 === 1)
      .map(Number)
    const now = await redisNowMs()
    expect(ends.length).toBe(2)
    for (const end of ends) expect(Math.abs(end - now - 600_000)).toBeLessThan(60_000)
  })

  it.each([
    ['fast', 'not-begun', 503],
    ['fast', 'not-over', 201],
    ['slow', 'begun', 201],
    ['slow', 'over', 503],
  ] as const)(
    'the %s one goes by the times of the sale as Redis knows them: %s',
    async (which, room, status) => {
      const answer = await join(which === 'fast' ? fast : slow, room)
      expect([answer.status, answer.json.code]).toEqual([status, status === 503 ? 'room_closed' : undefined])
    },
  )
})

describe('the shared copy of the snapshot', () => {
  /** Script calls of one isolate. */
  function countScripts({ ownGateway }: Isolate): () => number {
    let count = 0
    ownGateway.faults.set({ kind: 'delay', ms: 0 }, ({ commands }) => {
      count += commands.filter(([name]) => name === 'EVALSHA' || name === 'EVAL').length
      return false
    })
    onTestFinished(() => ownGateway.faults.clear())
    return () => count
  }

  const now = async (edge: Edge) => (await edge.send('/.waiting-room/fresh/now')).json

  /** Two refreshes of `edge` while `other` keeps the stored copy fresh; answers the scripts that `edge` called. */
  async function refreshTwice(edge: Isolate, other: Isolate): Promise<number> {
    const scripts = countScripts(edge)
    const seen = new Set<number>()
    await until('two refreshes', async () => {
      await other.scheduled()
      const { at, degraded } = await now(edge)
      expect(degraded).toBe(false)
      return seen.add(at).size > 2 ? true : undefined
    })
    return scripts()
  }

  it('is judged by Redis time, whatever the clock of the reader: a fresh one costs no script', async () => {
    for (const [edge, other] of [
      [fast, slow],
      [slow, fast],
    ] as const) {
      await now(edge)
      expect(await refreshTwice(edge, other)).toBe(0)
      expect(Math.abs((await now(edge)).at - (await redisNowMs()))).toBeLessThan(10_000)
    }
  })

  it('an old one is computed anew', async () => {
    const before = (await now(slow)).at
    await stores.redis.del(keysOf('fresh').snapshot)
    const scripts = countScripts(slow)
    await until('a new copy', async () => ((await now(slow)).at > before ? true : undefined))
    expect(scripts()).toBeGreaterThan(0)
  })

  it.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
    ['forward a little', 3_000],
    ['back a little', -3_000],
  ])(
    'goes on while a clock is set %s under a living isolate, neither frozen nor in haste',
    async (_, stepMs) => {
      const edge = await startIsolate(0)
      onTestFinished(async () => {
        await edge.stop()
        await edge.ownGateway.stop()
      })
      await now(edge)
      await refreshTwice(edge, fast)
      await edge.setClock({ shiftMs: stepMs })
      // One script measures the clock again; from then on a fresh copy is enough.
      const first = await until('a refresh after the step', async () => {
        const { at, degraded } = await now(edge)
        return degraded ? undefined : at
      })
      await until('another', async () => ((await now(edge)).at > first ? true : undefined))
      expect(await refreshTwice(edge, fast)).toBe(0)
    },
  )
})

describe('the life of a signed token', () => {
  const status = (edge: Edge, member: Member) =>
    edge.send('/.waiting-room/tokens/status', { headers: bearer(member) })
  const DAY_MS = 86_400_000

  it('goes by the clock of the edge, with a tolerance of 60 s: a queue token 59 s and 61 s after its end', async () => {
    const signedMs = Math.floor(Date.now() / 1_000) * 1_000
    onTestFinished(() => fast.setClock({ shiftMs: HOUR_MS }))
    await fast.setClock({ frozenMs: signedMs })
    const member = membersOf(await join(fast, 'tokens'))
    await fast.setClock({ frozenMs: signedMs + DAY_MS + 59_000 })
    expect((await status(fast, member)).status).toBe(200)
    await fast.setClock({ frozenMs: signedMs + DAY_MS + 61_000 })
    const refused = await status(fast, member)
    expect([refused.status, refused.json.code]).toEqual([401, 'token_invalid'])
  })

  it('a pass of an isolate that is 59 s ahead is taken by another, of one that is 61 s ahead not yet', async () => {
    const trueMs = Math.floor(Date.now() / 1_000) * 1_000
    onTestFinished(async () => {
      await fast.setClock({ shiftMs: HOUR_MS })
      await slow.setClock({ shiftMs: -HOUR_MS })
    })
    await slow.setClock({ frozenMs: trueMs })
    const shop = (pass: string) =>
      slow.send('/shop', { headers: { host: 'tokens.test', 'waiting-room-token': pass } })
    for (const [aheadMs, expected] of [
      [59_000, 200],
      [61_000, 429],
    ] as const) {
      await fast.setClock({ frozenMs: trueMs + aheadMs })
      const member = membersOf(await join(fast, 'tokens'))
      await until('the visitor is called', async () => {
        await stores.redis.hset(keysOf('tokens').state, 'tokens', '1000000', 'advanced', '0')
        await fast.scheduled()
        return (await called(stores.redis, 'tokens')).includes(member.visitor) ? true : undefined
      })
      const claimed = await fast.post('/.waiting-room/tokens/claim', bearer(member))
      expect(claimed.status).toBe(200)
      expect((await shop(claimed.json.admissionToken)).status).toBe(expected)
    }
  })
})
