// A store that answers, but with refusals, slowly, or not at all: what each visitor sees then, and that all is well again
// without a restart. The faults are the gateway's: the Worker runs the client that it runs in production.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Fault } from '../../local/faults.ts'
import { keysOf, snapshotOnce } from './crowd.ts'
import { freshKey, startEdge, until, type Answer, type Edge } from './support.ts'

/** Two are called at once, then nobody for a minute. */
const ROOM = { burst: 2, new_users_per_minute: 1, total_active_users: 100, late_grace: 600 }
const REFUSALS: Readonly<Record<string, Fault>> = {
  quota: {
    kind: 'error-body',
    body: { error: 'ERR max requests limit exceeded. Limit: 500000, Usage: 500001' },
  },
  throttled: { kind: 'status', status: 429 },
  overloaded: { kind: 'status', status: 503 },
}
const OTHERS = ['slow', 'dropped', 'silent']
const rooms = Object.fromEntries(
  [...Object.keys(REFUSALS), ...OTHERS].flatMap((name) => [
    [name, { ...ROOM, hosts: [`${name}.test`] }],
    [`${name}-open`, { ...ROOM, hosts: [`${name}-open.test`], on_store_failure: 'open' }],
  ]),
)

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ rooms })
})
afterAll(() => edge.stop())

const bearer = ({ json }: Answer) => ({ authorization: `Bearer ${json.queueToken}` })

/** Every command meets the fault until the test ends, or the answer's `mend` is called. */
function breakStore(fault: Fault): { mend: () => void } {
  edge.gateway.faults.set(fault)
  const mend = () => edge.gateway.faults.clear()
  onTestFinished(mend)
  return { mend }
}

/** One who is inside, one who has been called, one who waits; the isolate has seen all three. */
async function threeVisitors(room: string) {
  const post = (call: string, headers: Record<string, string>) =>
    edge.post(`/.waiting-room/${room}/${call}`, headers)
  const join = () => post('join', { 'idempotency-key': freshKey() })
  const [first, called, waiting] = [await join(), await join(), await join()]
  if (!first || !called || !waiting) throw new Error('three have joined')
  await snapshotOnce(edge, room, { what: 'two are called', is: (json) => json.called === 2 })
  const inside = await post('claim', bearer(first))
  expect(inside.status).toBe(200)
  await snapshotOnce(edge, room, { what: 'one is inside', is: (json) => json.called === 1 })
  const { visitor } = first.json
  return { post, join, called, waiting, visitor, pass: { 'waiting-room-token': inside.json.admissionToken } }
}

const status = (room: string, visitor: Answer) =>
  edge.send(`/.waiting-room/${room}/status`, { headers: bearer(visitor) })

const recovered = (room: string) =>
  snapshotOnce(edge, room, { what: 'the store is asked again', is: (json) => !json.degraded })

describe.each(Object.keys(REFUSALS))('refused: %s', (room) => {
  it('the place is kept and shown, nobody new comes in, who is inside goes on, and all recovers by itself', async () => {
    const { post, join, called, waiting, pass } = await threeVisitors(room)
    const before = await status(room, waiting)
    const { mend } = breakStore(REFUSALS[room] ?? { kind: 'status', status: 500 })

    const old = await snapshotOnce(edge, room, { what: 'the copy is marked', is: (json) => json.degraded })
    expect(old).toMatchObject({ waiting: 1, called: 1 })
    const during = await status(room, waiting)
    expect(during.status).toBe(200)
    expect([during.json.place, during.json.position]).toEqual([before.json.place, before.json.position])
    for (const refused of [await join(), await post('claim', bearer(called))]) {
      expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([
        503,
        'store_unavailable',
        '3',
      ])
    }

    // At the gate: the snapshot says that this visitor has been called, and it is not enough.
    const host = `${room}.test`
    const cookie = `__Host-wr-queue-${room}=${called.json.queueToken}`
    const byPlace = await edge.visit('/shop', { host, cookie })
    expect([byPlace.status, byPlace.cookies[`__Host-wr-pass-${room}`]]).toEqual([503, undefined])
    expect(byPlace.text).toContain('wr-data')
    expect(Number(byPlace.headers['retry-after'])).toBeGreaterThan(0)
    const newcomer = await edge.visit('/shop', { host })
    expect([newcomer.status, newcomer.cookies[`__Host-wr-pass-${room}`]]).toEqual([200, undefined])
    expect(newcomer.text).toContain('wr-data')
    const program = await edge.send('/shop', { headers: { host } })
    expect([program.status, program.json.code]).toEqual([429, 'waiting_room'])
    expect(Number(program.headers['retry-after'])).toBeGreaterThan(0)

    const goesOn = await edge.send('/shop', { headers: { host, ...pass } })
    expect([goesOn.status, goesOn.json.path]).toEqual([200, '/shop'])
    const renewed = await post('renew', pass)
    expect([renewed.status, renewed.json.admissionToken]).toEqual([200, expect.stringMatching(/^ey/)])
    expect((await edge.send('/healthz')).status).toBe(503)

    mend()
    await recovered(room)
    expect((await post('claim', bearer(called))).status).toBe(200)
    expect((await post('claim', bearer(waiting))).status).toBe(202)
    expect((await join()).status).toBe(201)
    expect((await status(room, waiting)).json.place).toBe(before.json.place)
  })

  it('with on_store_failure = "open" newcomers are let through, with a pass of their own', async () => {
    await threeVisitors(`${room}-open`)
    breakStore(REFUSALS[room] ?? { kind: 'status', status: 500 })
    const host = `${room}-open.test`
    const through = await until('the outage is noticed', async () => {
      const answer = await edge.visit('/shop', { host })
      return answer.cookies[`__Host-wr-pass-${room}-open`] === undefined ? undefined : answer
    })
    expect([through.status, through.json.path]).toEqual([200, '/shop'])
  })
})

describe('half a second for every reply', () => {
  it('delays and refuses nothing, and nothing is called old', async () => {
    const { post, join, called, waiting, pass } = await threeVisitors('slow')
    breakStore({ kind: 'delay', ms: 500 })
    const joined = await join()
    expect(joined.status).toBe(201)
    expect((await post('claim', bearer(called))).status).toBe(200)
    expect((await post('renew', pass)).status).toBe(200)
    expect((await post('claim', bearer(waiting))).status).toBe(202)
    const seen = new Set<number>()
    await until('two refreshes are over', async () => {
      const { json } = await edge.send('/.waiting-room/slow/now')
      expect(json.degraded).toBe(false)
      return seen.add(json.at).size > 2 ? true : undefined
    })
    // Its first look after an outage begins the refresh of a room at which nobody looked since.
    await until('the health check sees every room well', async () =>
      (await edge.send('/healthz')).status === 200 ? true : undefined,
    )
  })
})

describe('replies that are lost after the command was executed', () => {
  it('are answered 503; the repeated request finds the place and the session of the first', async () => {
    const { post, called } = await threeVisitors('dropped')
    const key = { 'idempotency-key': freshKey() }
    const { mend } = breakStore({ kind: 'drop-reply' })
    const lost = [await post('join', key), await post('claim', bearer(called))]
    expect(lost.map(({ status, json }) => [status, json.code])).toEqual([
      [503, 'store_unavailable'],
      [503, 'store_unavailable'],
    ])
    expect(lost.map(({ headers }) => headers['retry-after'])).toEqual(['3', '3'])
    mend()
    const { queue, sessions } = keysOf('dropped')
    const executed = await edge.redis.zrange(queue, 0, -1, 'WITHSCORES')
    expect([executed.length / 2, await edge.redis.zcard(sessions)]).toEqual([2, 2])

    const again = await post('join', key)
    expect([again.status, String(again.json.place)]).toEqual([201, executed[3]])
    expect((await post('claim', bearer(called))).status).toBe(200)
    expect([await edge.redis.zcard(queue), await edge.redis.zcard(sessions)]).toEqual([2, 2])
  })
})

describe('a store that says nothing at all', () => {
  it('is asked for nobody who is inside, once it is known; others get an answer before they would give up', async () => {
    const { post, join, pass, visitor } = await threeVisitors('silent')
    const { mend } = breakStore({ kind: 'delay', ms: 20_000 })
    const [joined, first] = await Promise.all([join(), post('renew', pass)])
    expect([joined.status, first.status]).toEqual([503, 200])
    expect(['store_unavailable', 'busy']).toContain(joined.json.code)
    expect(Number(joined.headers['retry-after'])).toBeGreaterThan(0)
    const old = await snapshotOnce(edge, 'silent', { what: 'it is known', is: ({ degraded }) => degraded })
    expect(old.waiting).toBe(1)

    let asked = 0
    edge.gateway.faults.set({ kind: 'delay', ms: 20_000 }, ({ commands }) => {
      if (commands.flat().some((argument) => argument.includes(visitor))) asked += 1
      return true
    })
    await until('the isolate knows', async () => {
      asked = 0
      const renewed = await post('renew', pass)
      expect(renewed.status).toBe(200)
      return asked === 0 ? true : undefined
    })
    mend()
    await recovered('silent')
    expect((await join()).status).toBe(201)
  })
})
