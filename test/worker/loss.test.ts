// Redis loses the queue while a thousand wait: emptied, fallen back to an older save after kill -9, or emptied while every
// isolate is new as well. Everyone comes back by the token alone. Through the real edge, with the real Redis.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { RECOVERY_MS } from '../../src/redis/queue-arguments.ts'
import { randomFrom, SEED } from '../redis/queue/random.ts'
import { FASTEST } from '../redis/kinds.ts'
import {
  bearer,
  called,
  claim,
  elapse,
  forAll,
  inOrder,
  joinCrowd,
  keysOf,
  line,
  membersOf,
  present,
  shuffled,
  snapshotOnce,
  visitorsOf,
  type Member,
} from './crowd.ts'
import { armRooms, freshKey, startEdge, until, type Edge } from './support.ts'
import { startSwitchedStores } from './switched-stores.ts'

/** At most 20 are called at once, then one a second, while fewer than 40 are called or inside. */
const ROOM = { total_active_users: 40, new_users_per_minute: 60, burst: 20 }
const FINISHED = { ...ROOM, hosts: ['finished.test'] }
const random = randomFrom(SEED)
console.log(`seed ${SEED}`)

/** Claims for some of those who have been called, in order. */
async function admitSome(edge: Edge, room: string, members: readonly Member[], count: number) {
  const callees = new Set(await called(edge.redis, room))
  const admitted = inOrder(members)
    .filter(({ visitor }) => callees.has(visitor))
    .slice(0, count)
  expect(admitted.length).toBe(count)
  return await forAll(admitted, async (member) => {
    const { status, json } = await claim(edge, room, member)
    expect(status).toBe(200)
    return { ...member, pass: json.admissionToken }
  })
}

const renew = (edge: Edge, room: string, pass: string) =>
  edge.post(`/.waiting-room/${room}/renew`, { 'waiting-room-token': pass })

describe('an emptied Redis', () => {
  let edge: Edge
  beforeAll(async () => {
    edge = await startEdge({ rooms: { finished: FINISHED, sale: ROOM } })
  })
  afterAll(() => edge.stop())

  it(
    'has a thousand back in the same order, and calls nobody before they are',
    { timeout: 180_000 },
    async () => {
      const { redis } = edge
      const members = await joinCrowd(edge, 'sale', 1_000)
      await snapshotOnce(edge, 'sale', { what: 'some are called', is: ({ called }) => called >= 20 })
      const admitted = await admitSome(edge, 'sale', members, 5)
      await snapshotOnce(edge, 'sale', { what: 'sessions are counted', is: ({ sessions }) => sessions === 5 })
      const inside = new Set(visitorsOf(admitted))
      const order = visitorsOf(inOrder(members)).filter((visitor) => !inside.has(visitor))

      await redis.flushall()
      const { epoch } = await snapshotOnce(edge, 'sale', {
        what: 'the loss is noticed',
        is: (json) => json.epoch > (members[0]?.epoch ?? 0),
      })
      // Two of the five sessions are heard of again, three keep quiet.
      const [first, second] = await forAll(admitted.slice(0, 2), ({ pass }) => renew(edge, 'sale', pass))
      expect([first?.status, second?.status]).toEqual([200, 200])
      const waiting = members.filter(({ visitor }) => !inside.has(visitor))
      const newcomers: Member[] = []
      const back = await forAll(shuffled(waiting, random), async (member, index) => {
        if (index % 20 === 0) newcomers.push(...(await joinCrowd(edge, 'sale', 1)))
        const { json: now } = await edge.send('/.waiting-room/sale/now')
        expect([now.epoch, now.state, now.called]).toEqual([epoch, 'recovering', 0])
        const answer = await present(edge, 'sale', member)
        expect(answer.status).toBe(201)
        return { was: member.place, is: answer.json.place }
      })
      expect(back.filter(({ was, is }) => was !== is)).toEqual([])
      expect(await line(redis, 'sale')).toEqual([...order, ...visitorsOf(inOrder(newcomers))])

      // Nobody enters by the quiet door either, and nobody by claiming.
      const [front] = inOrder(waiting)
      expect((await edge.visit('/shop')).text).toContain('wr-data')
      expect(front && (await claim(edge, 'sale', front)).status).toBe(202)

      await elapse(redis, 'sale', RECOVERY_MS)
      await snapshotOnce(edge, 'sale', { what: 'the room calls', is: (json) => json.called > 0 })
      const callees = new Set(await called(redis, 'sale'))
      expect(order.filter((visitor) => callees.has(visitor))).toEqual(order.slice(0, callees.size))
      await elapse(redis, 'sale', 20_000)
      await snapshotOnce(edge, 'sale', { what: 'more are called', is: (json) => json.called >= 30 })
      // Three sessions keep their slots although nobody has heard of them.
      const { sessions, called: calledNow } = (await edge.send('/.waiting-room/sale/now')).json
      expect(sessions).toBe(2)
      expect(calledNow).toBeLessThanOrEqual(ROOM.total_active_users - 5)
    },
  )

  it('lets a finished buyer gain nothing by the old queue token; without the memory of an isolate, one visit', async () => {
    await armRooms(edge.redis, { finished: FINISHED })
    const members = await joinCrowd(edge, 'finished', 60)
    await snapshotOnce(edge, 'finished', { what: 'some are called', is: ({ called }) => called >= 20 })
    const admitted = await admitSome(edge, 'finished', members, 6)
    // Without showing the pass: what the isolate knows, it knows by the claims.
    for (const member of admitted) {
      expect((await edge.post('/.waiting-room/finished/leave', bearer(member))).status).toBe(204)
    }
    await edge.redis.flushall()
    await snapshotOnce(edge, 'finished', {
      what: 'the loss is noticed',
      is: (json) => json.state === 'recovering',
    })

    const [byJoin, byClaim, shown, unseen] = admitted
    if (!byJoin || !byClaim || !shown || !unseen) throw new Error('six were admitted')
    const refused = await present(edge, 'finished', byJoin)
    expect([refused.status, refused.json.code]).toEqual([410, 'call_missed'])
    expect((await claim(edge, 'finished', byClaim)).status).toBe(410)
    expect(await line(edge.redis, 'finished')).toEqual([])

    // An isolate that is new knows nothing of it, unless it is shown the pass.
    const fresh = await startEdge({ rooms: { finished: FINISHED, sale: ROOM }, on: edge, armed: false })
    onTestFinished(() => fresh.stop())
    await fresh.send('/shop', { headers: { host: 'finished.test', 'waiting-room-token': shown.pass } })
    expect((await present(fresh, 'finished', shown)).status).toBe(410)
    const control = await present(fresh, 'finished', unseen)
    expect([control.status, control.json.place]).toEqual([201, unseen.place])
  })
})

it.skipIf(FASTEST !== 'redis-server')(
  'Redis killed and back with an older save gives no place twice, puts back those it forgot, and calls in order',
  async () => {
    const dataDir = await mkdtemp(joinPath(tmpdir(), 'foyer-loss-'))
    const stores = await startSwitchedStores({ dataDir, kind: 'redis-server' })
    const { redis, secrets } = stores
    const edge = await startEdge({ rooms: { sale: ROOM }, on: stores })
    onTestFinished(async () => {
      await edge.stop()
      await stores.stop()
      await rm(dataDir, { recursive: true })
    })

    const early = await joinCrowd(edge, 'sale', 200)
    await snapshotOnce(edge, 'sale', { what: 'some are called', is: ({ called }) => called >= 20 })
    const before = await admitSome(edge, 'sale', early, 4)
    await redis.bgrewriteaof()
    await until('the save is written', async () =>
      /aof_rewrite_in_progress:0\r/.test(await redis.info('persistence')) ? true : undefined,
    )
    await redis.config('SET', 'appendonly', 'no')

    // What follows is in no save: more who join, are called, are admitted, are done; a live setting.
    const late = await joinCrowd(edge, 'sale', 100)
    await elapse(redis, 'sale', 15_000)
    await snapshotOnce(edge, 'sale', { what: 'more are called', is: ({ called }) => called >= 30 })
    const calledSince = new Set(await called(redis, 'sale'))
    const since = await admitSome(edge, 'sale', early, 26)
    const [finished, ...inside] = since.toReversed()
    if (finished === undefined) throw new Error('26 were admitted')
    await edge.post('/.waiting-room/sale/leave', { 'waiting-room-token': finished.pass })
    const admin = { authorization: `Bearer ${secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ message: 'Set after the save', total_active_users: 60 })
    await edge.send('/.waiting-room/admin/rooms/sale', { method: 'PATCH', headers: admin, body })
    await snapshotOnce(edge, 'sale', {
      what: 'it is seen',
      is: ({ message }) => message === 'Set after the save',
    })

    await stores.killAndRestart()
    const again = await snapshotOnce(edge, 'sale', {
      what: 'the loss is noticed',
      is: ({ epoch, degraded }) => epoch > 1 && !degraded,
    })
    expect(again).toMatchObject({ state: 'recovering', message: 'Set after the save' })

    const everyone = [...early, ...late]
    const [newcomer] = await joinCrowd(edge, 'sale', 1)
    if (newcomer === undefined) throw new Error('one has joined')
    expect(newcomer.place).toBeGreaterThan(Math.max(...everyone.map(({ place }) => place)))
    for (const { pass } of [...before, ...inside]) expect((await renew(edge, 'sale', pass)).status).toBe(200)
    expect((await present(edge, 'sale', finished)).status).toBe(410)
    const gone = new Set(visitorsOf([...before, ...since]))
    const waiting = everyone.filter(({ visitor }) => !gone.has(visitor))
    const back = await forAll(shuffled(waiting, random), async (member) => {
      const answer = await present(edge, 'sale', member)
      return { ...membersOf(answer), was: member.place }
    })
    expect(back.filter(({ place, was }) => place !== was)).toEqual([])
    // Who was called in what is lost stands at the front again, once; who is inside or done does not.
    const order = visitorsOf(inOrder([...waiting, newcomer]))
    const still = await called(redis, 'sale')
    expect(await line(redis, 'sale')).toEqual(order.filter((visitor) => !still.includes(visitor)))
    expect(still.every((visitor) => calledSince.has(visitor))).toBe(true)

    await elapse(redis, 'sale', RECOVERY_MS)
    await snapshotOnce(edge, 'sale', {
      what: 'the room calls',
      is: (json) => json.state === 'open' && json.called >= 20,
    })
    const callees = new Set(await called(redis, 'sale'))
    const expected = order.filter((visitor) => !still.includes(visitor)).slice(0, callees.size)
    expect(order.filter((visitor) => callees.has(visitor))).toEqual(expected)
    expect(Number(await redis.hget(keysOf('sale').state, 'sessions'))).toBe(before.length + inside.length)
  },
)

it('Redis emptied while every isolate is new as well: nobody is let in before the tokens are back', async () => {
  const first = await startEdge({ rooms: { sale: ROOM } })
  onTestFinished(() => first.stop())
  const members = await joinCrowd(first, 'sale', 100)
  await snapshotOnce(first, 'sale', { what: 'some are called', is: ({ called }) => called >= 20 })
  await first.redis.flushall()
  const edge = await startEdge({ rooms: { sale: ROOM }, on: first, armed: false })
  onTestFinished(() => edge.stop())

  const { epoch, state } = (await edge.send('/.waiting-room/sale/now')).json
  // All clients see that theirs is another epoch, although no isolate knows what it was.
  expect(state).toBe('recovering')
  expect(members.every((member) => member.epoch < epoch)).toBe(true)
  expect((await edge.visit('/shop')).text).toContain('wr-data')
  const newcomers = await joinCrowd(edge, 'sale', 10)
  const back = await forAll(shuffled(members, random), (member) => present(edge, 'sale', member))
  expect(back.every(({ status }) => status === 201)).toBe(true)
  expect(await line(edge.redis, 'sale')).toEqual(visitorsOf([...inOrder(members), ...inOrder(newcomers)]))
  const [front] = inOrder(members)
  expect(front && (await claim(edge, 'sale', front)).status).toBe(202)

  await elapse(edge.redis, 'sale', RECOVERY_MS)
  await snapshotOnce(edge, 'sale', { what: 'the room calls', is: (json) => json.called > 0 })
  const callees = new Set(await called(edge.redis, 'sale'))
  expect(visitorsOf(inOrder(members)).filter((visitor) => callees.has(visitor))).toEqual(
    visitorsOf(inOrder(members)).slice(0, callees.size),
  )
})

it('a token of an earlier sale gains nothing in the next, however it is shown', async () => {
  const friday = await startEdge({ rooms: { sale: { ...ROOM, paused: true, sale: { name: 'friday' } } } })
  onTestFinished(() => friday.stop())
  const [old] = await joinCrowd(friday, 'sale', 3)
  if (old === undefined) throw new Error('three have joined')
  const rooms = { sale: { ...ROOM, paused: true, sale: { name: 'saturday' } } }
  const saturday = await startEdge({ rooms, on: friday, armed: false })
  onTestFinished(() => saturday.stop())
  const newcomers = await joinCrowd(saturday, 'sale', 3)
  for (const answer of [await present(saturday, 'sale', old), await claim(saturday, 'sale', old)]) {
    expect([answer.status, answer.json.code]).toEqual([401, 'token_invalid'])
  }
  // A browser shows it as a cookie, which is nobody's fault: a new place, behind everyone.
  const cookie = `__Host-wr-queue-sale=${old.queueToken}`
  const rejoined = await saturday.post('/.waiting-room/sale/join', { cookie, 'idempotency-key': freshKey() })
  expect(rejoined.status).toBe(201)
  expect(await line(saturday.redis, 'sale')).toEqual([
    ...visitorsOf(inOrder(newcomers)),
    rejoined.json.visitor,
  ])
})
