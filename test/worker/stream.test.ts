import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen, type EventClient } from './event-client.ts'
import { cookieHeader, freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

let edge: Edge
/** As many as the largest test opens, and one more. */
const STREAMS = 51
const paused = { paused: true, total_active_users: 1, new_users_per_minute: 6_000, burst: 100 }

beforeAll(async () => {
  edge = await startEdge({
    rooms: Object.fromEntries(
      ['many', 'slots', 'line', 'cut', 'over', 'shut', 'edges', 'shares', 'ids', 'lost'].map((room) => [
        room,
        paused,
      ]),
    ),
    vars: { STREAMS_PER_ISOLATE: STREAMS },
  })
})
afterAll(() => edge.stop())

const join = (room: string) => edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey() })
const bearer = ({ json }: Answer) => ({ authorization: `Bearer ${json.queueToken}` })
let address = 0
/** Each from its own address, where the test gives none: an address has a share of the streams. */
const open = (room: string, headers: Readonly<Record<string, string>>): Promise<EventClient> =>
  listen(edge.url, `/.waiting-room/${room}/stream`, {
    'cf-connecting-ip': `198.51.${(address += 1) >> 8}.${address & 255}`,
    ...headers,
  })
const change = async (room: string, settings: Readonly<Record<string, unknown>>) => {
  const answer = await edge.send(`/.waiting-room/admin/rooms/${room}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })
  expect([answer.status, answer.text]).toEqual([200, answer.text])
}
const first = (client: EventClient) => until('the first event', () => Promise.resolve(client.events[0]))

const calls = async (command: string) =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await edge.redis.info('commandstats'))?.[1] ?? 0)
const redisSeconds = async () => Number((await edge.redis.time())[0])

describe('many streams in one isolate', () => {
  const clients: EventClient[] = []

  test('cost Redis one refresh a second together, and each has its own position', async () => {
    const joined = await Promise.all(Array.from({ length: 50 }, () => join('many')))
    clients.push(...(await Promise.all(joined.map((answer) => open('many', bearer(answer))))))
    const events = await Promise.all(clients.map(first))
    expect(events.map(({ data }) => data.position).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    )
    const before = {
      seconds: await redisSeconds(),
      scripts: await calls('evalsha'),
      reads: await calls('get'),
    }
    await until('six seconds of the room', async () =>
      (await redisSeconds()) >= before.seconds + 6 ? true : undefined,
    )
    // The clock is read after the counts: what is counted lies within it. Control: without sharing it would be 300.
    const [scripts, reads] = [(await calls('evalsha')) - before.scripts, (await calls('get')) - before.reads]
    const seconds = (await redisSeconds()) - before.seconds
    expect(scripts).toBeGreaterThan(0)
    expect(scripts).toBeLessThanOrEqual(seconds + 1)
    // Those of `advance` itself among them.
    expect(reads).toBeLessThanOrEqual(2 * (seconds + 1))
    expect(clients.every(({ events: heard }) => heard.length === 1)).toBe(true)
  })

  test('no timer and no refresh is left when their clients are gone', async () => {
    for (const client of clients) client.cut()
    // News for everyone: each stream learns in writing that nobody reads it.
    await change('many', { event_start_time: '2040-01-01T00:00:00Z' })
    await until('nothing asks Redis any more', async () => {
      const before = await calls('evalsha')
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      return (await calls('evalsha')) === before ? true : undefined
    })
  })
})

test('two who wait hear how they move up, and the one who is called is told where to claim', async () => {
  const [early, later] = [await join('line'), await join('line')]
  const one = await open('line', bearer(early))
  expect(one.status).toBe(200)
  expect(one.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  const { queueToken: _, ...view } = early.json as unknown as Record<string, unknown>
  const opening = await first(one)
  expect(opening).toMatchObject({
    name: 'waiting',
    data: { roomState: 'paused', position: 1, state: 'waiting' },
  })
  expect(Object.keys(opening.data).toSorted()).toEqual(Object.keys(view).toSorted())
  expect(Number(/^retry: (\d+)\n\n/.exec(one.text())?.[1])).toBeGreaterThanOrEqual(2_000)

  const two = await open('line', { cookie: cookieHeader(later.cookies) })
  expect((await first(two)).data.position).toBe(2)
  const [admitted, moved] = [
    one.heard(({ name }) => name === 'admitted'),
    two.heard(({ data }) => data.position === 1),
  ]
  await change('line', { paused: false })
  expect((await admitted).data).toMatchObject({
    state: 'called',
    position: 1,
    roomState: 'open',
    claimUrl: '/.waiting-room/line/claim',
  })
  await one.ended
  expect((await moved).name).toBe('waiting')

  const claimed = await edge.post('/.waiting-room/line/claim', bearer(early))
  expect(claimed.status).toBe(200)
  // The room is full; one slot more, and the next is called.
  const next = two.heard(({ name }) => name === 'admitted')
  await change('line', { total_active_users: 2 })
  await next
  await two.ended
  expect((await edge.post('/.waiting-room/line/claim', bearer(later))).status).toBe(200)
})

test('a stream that was cut goes on where it was: nothing twice, and a call at once', async () => {
  const [early, later] = [await join('cut'), await join('cut')]
  const before = await open('cut', bearer(later))
  const { id } = await first(before)
  before.cut()

  const again = await open('cut', { ...bearer(later), 'last-event-id': id })
  const moved = again.heard(() => true)
  await edge.post('/.waiting-room/cut/leave', bearer(early))
  // The first that comes is the news.
  expect(await moved).toMatchObject({ name: 'waiting', data: { position: 1 } })
  expect(again.events).toHaveLength(1)
  again.cut()

  await change('cut', { paused: false })
  await until('the visitor is called', async () => {
    const status = await edge.send('/.waiting-room/cut/status', { headers: bearer(later) })
    return Object(status.json).state === 'called' ? true : undefined
  })
  const called = await open('cut', { ...bearer(later), 'last-event-id': (await moved).id })
  await called.ended
  expect(called.events.map(({ name }) => name)).toEqual(['admitted'])
})

test.each([
  ['over', { sold_out: true }, 'sold_out'],
  ['shut', { event_end_time: '2024-01-01T00:00:00Z' }, 'closed'],
])('in room %s, %j is told and ends the stream', async (room, settings, roomState) => {
  const client = await open(room, bearer(await join(room)))
  await first(client)
  await change(room, settings)
  await client.ended
  expect(client.events.map(({ name, data }) => [name, data.roomState])).toEqual([
    ['waiting', 'paused'],
    ['waiting', roomState],
  ])
})

describe('who may have a stream', () => {
  const asked = (room: string, headers: Record<string, string> = {}, method = 'GET') =>
    edge.send(`/.waiting-room/${room}/stream`, { method, headers })

  test('is who may ask for a status', async () => {
    for (const [answer, status, code] of [
      [await asked('edges'), 404, 'not_in_queue'],
      [await asked('edges', { authorization: 'Bearer made-up' }), 401, 'token_invalid'],
      [await asked('edges', bearer(await join('line'))), 401, 'token_invalid'],
      [await asked('nowhere'), 404, 'room_unknown'],
      [await asked('edges', {}, 'POST'), 405, 'method_not_allowed'],
    ] as const) {
      expect([answer.status, answer.json.code]).toEqual([status, code])
    }
    expect((await asked('edges', {}, 'DELETE')).headers.allow).toBe('GET, HEAD')
  })

  test('a fourth stream of one visitor ends the first', async () => {
    const own = bearer(await join('edges'))
    const clients = []
    for (let tab = 0; tab < 4; tab += 1) clients.push(await open('edges', own))
    await clients[0]?.ended
    await Promise.all(clients.slice(1).map(first))
    await change('edges', { sold_out: true })
    await Promise.all(clients.map(({ ended }) => ended))
    expect(clients.map(({ events }) => events.at(-1)?.data.roomState)).toEqual([
      'paused',
      'sold_out',
      'sold_out',
      'sold_out',
    ])
  })

  test('one address has twenty, an IPv6 network as one; others come in', async () => {
    const people = await Promise.all(Array.from({ length: 22 }, () => join('shares')))
    const [late, elsewhere] = people.splice(20)
    if (late === undefined || elsewhere === undefined) throw new Error('they joined')
    const held = await Promise.all(
      people.map((one, n) =>
        open('shares', { ...bearer(one), 'cf-connecting-ip': `2001:db8:0:1::${n + 1}` }),
      ),
    )
    expect(held.every(({ status }) => status === 200)).toBe(true)
    const refused = await asked('shares', {
      ...bearer(late),
      'cf-connecting-ip': '2001:db8:0:1:ffff::1',
    })
    expect([refused.status, refused.json.code]).toEqual([503, 'busy'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(5)
    const other = await open('shares', bearer(elsewhere))
    expect(other.status).toBe(200)
    await change('shares', { sold_out: true })
    await Promise.all([other, ...held].map(({ ended }) => ended))
  })

  test('a Last-Event-ID that is none of ours does no harm', async () => {
    const own = bearer(await join('ids'))
    const clients = []
    for (const id of ['x', '1-2-3-4', '9'.repeat(5_000)]) {
      clients.push(await open('ids', { ...own, 'last-event-id': id }))
    }
    for (const client of clients) expect((await first(client)).name).toBe('waiting')
    await change('ids', { sold_out: true })
    await Promise.all(clients.map(({ ended }) => ended))
  })
})

test('streams are bounded: one more is told to come again, and the slot of a client that went away is free', async () => {
  const people = await Promise.all(Array.from({ length: STREAMS }, () => join('slots')))
  const [front, second] = people.toSorted((a, b) => a.json.place - b.json.place)
  if (front === undefined || second === undefined) throw new Error('they joined')
  const late = await join('slots')
  const held = await Promise.all(people.map((answer) => open('slots', bearer(answer))))
  expect(held.every(({ status }) => status === 200)).toBe(true)
  const refused = await edge.send('/.waiting-room/slots/stream', { headers: bearer(late) })
  expect([refused.status, refused.json.code]).toEqual([503, 'busy'])
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(5)
  // No body, no slot.
  const head = await edge.send('/.waiting-room/slots/stream', { method: 'HEAD', headers: bearer(late) })
  expect([head.status, head.text, head.headers['content-type']]).toEqual([200, '', 'text/event-stream'])

  held[people.indexOf(second)]?.cut()
  // Everyone behind moves up: the stream learns in writing that nobody reads it.
  await edge.post('/.waiting-room/slots/leave', bearer(front))
  const now = await until('a slot is free', async () => {
    const client = await open('slots', bearer(late))
    if (client.status === 200) return client
    client.cut()
    return undefined
  })
  expect((await first(now)).data.position).toBe(STREAMS)
  await change('slots', { sold_out: true })
  await Promise.all([now, ...held.filter((_, n) => people[n] !== second)].map(({ ended }) => ended))
})

test('when the store forgets a place the stream ends, and the next one is told to join again', async () => {
  const joined = await join('lost')
  const client = await open('lost', bearer(joined))
  await first(client)
  const heard = client.events.length
  await edge.redis.flushall()
  await client.ended
  expect(client.events).toHaveLength(heard)
  const again = await edge.send('/.waiting-room/lost/stream', { headers: bearer(joined) })
  expect([again.status, again.json.code]).toEqual([404, 'not_in_queue'])
  const back = await edge.post('/.waiting-room/lost/join', bearer(joined))
  expect(back.json.place).toBe(joined.json.place)
  const restored = await open('lost', bearer(back))
  expect((await first(restored)).data.roomState).toBe('recovering')
  restored.cut()
})
