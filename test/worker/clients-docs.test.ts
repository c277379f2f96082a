// docs/clients.md is what native clients are built from: the block to paste runs here as it stands, against a room that
// is full, and the function for the position is held against the server's own.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { positionFrom, type PlaceProof, type QueueView } from '../../src/queue/position.ts'
import { freshKey, startEdge, until, type Edge } from './support.ts'

const text = await readFile(new URL('../../docs/clients.md', import.meta.url), 'utf8')

/** The first block of this language after a heading. */
function blockAfter(heading: string, language: string): string {
  const block = new RegExp(`${heading}\n[^]*?\`\`\`${language}\n([^]*?)\n\`\`\``).exec(text)?.[1]
  if (block === undefined) throw new Error(`docs/clients.md has no ${language} block after "${heading}"`)
  return block
}

const missing = ['sh', 'curl', 'sed', 'openssl'].filter(
  (tool) => spawnSync(tool, ['--help']).error !== undefined,
)
if (missing.length > 0)
  console.warn(`The block of docs/clients.md is not run: ${missing.join(', ')} not found.`)

const FULL = { total_active_users: 1, new_users_per_minute: 6_000, burst: 100, queue_all: true }

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({
    rooms: {
      demo: FULL,
      ending: { ...FULL, hosts: ['ending.test'] },
    },
  })
})
afterAll(() => edge.stop())

/** The block as it is pasted, in a room whose only slot is taken; `printed` grows while it runs. */
async function runBlock(room: string) {
  const first = await edge.post(`/.waiting-room/${room}/join`, { 'idempotency-key': freshKey() })
  await until('the room is full', async () => {
    await edge.send(`/.waiting-room/${room}/now`)
    const authorization = `Bearer ${first.json.queueToken}`
    const { status } = await edge.post(`/.waiting-room/${room}/claim`, { authorization })
    return status === 200 ? true : undefined
  })
  const shell = spawn('sh', ['-c', blockAfter('## The whole way', 'sh')], {
    env: { ...process.env, BASE: edge.url, ROOM: room },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run = { printed: '', ended: once(shell, 'close') }
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      run.printed += chunk.toString()
    })
  }
  await until('it waits', () =>
    Promise.resolve(run.printed.includes('position 1, waiting') ? true : undefined),
  )
  return run
}

const change = (room: string, settings: object) =>
  edge.send(`/.waiting-room/admin/rooms/${room}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${edge.secrets.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })

test.skipIf(missing.length > 0)(
  'the block that is there to be pasted waits, gets in, renews and leaves',
  async () => {
    const run = await runBlock('demo')
    await change('demo', { total_active_users: 2 })
    expect(await run.ended, run.printed).toEqual([0, null])
    const lines = run.printed.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^place \d{16}$/)
    expect(lines).toContain('position 1, called')
    const shop = JSON.parse(lines.find((line) => line.startsWith('{')) ?? '')
    expect(shop).toMatchObject({ path: '/api/events' })
    expect(shop.headers['waiting-room-token']).toMatch(/^ey/)
    expect(lines.at(-1)).toBe('left')
    expect(await edge.redis.zcard('wr:{demo}:sessions')).toBe(1)
  },
)

test.skipIf(missing.length > 0)('the block ends where the sale does', async () => {
  const run = await runBlock('ending')
  expect(
    (await change('ending', { event_end_time: new Date(Date.now() - 1_000).toISOString() })).status,
  ).toBe(200)
  expect(await run.ended, run.printed).toEqual([1, null])
  expect(run.printed.trimEnd().split('\n').at(-1)).toBe('the sale is over')
})

test('the function for the position tells what the server tells', async () => {
  const source = `${blockAfter('#### The position from the public snapshot', 'js')}\nexport { positionIn }`
  const shown: {
    positionIn(now: QueueView, mine: PlaceProof): { position?: number; claim?: true; joinAgain?: true }
  } = await import(`data:text/javascript,${encodeURIComponent(source)}`)
  const seed = Date.now() % 1_000_000
  console.log(`seed ${seed}`)
  const random = randomFrom(seed)
  const seen = { called: 0, listed: 0, ranged: 0, older: 0 }
  for (let round = 0; round < 5_000; round += 1) {
    const { now, mine } = someQueue(random)
    const own = positionFrom(mine, now)
    expect(shown.positionIn(now, mine), JSON.stringify({ now, mine })).toEqual({
      position: own.position,
      ...(own.called && { claim: true }),
    })
    if (own.called) seen.called += 1
    else if (now.front.includes(mine.place)) seen.listed += 1
    else if (mine.place >= (now.at + 1) * 1_000) seen.older += 1
    else if (!own.exact) seen.ranged += 1
  }
  // Each way through the function was taken.
  expect(Object.values(seen).every((times) => times > 50)).toBe(true)
  const { now, mine } = someQueue(random)
  expect(shown.positionIn({ ...now, epoch: mine.epoch + 1 }, mine)).toEqual({ joinAgain: true })
})

/** A snapshot and a place that may belong together, and sometimes cannot: the function has to answer alike. */
function someQueue(random: () => number): { now: QueueView; mine: PlaceProof } {
  const whole = (below: number) => Math.floor(random() * below)
  const at = 1_800_000_000_000
  const served = at * 1_000 - 2_000_000 + whole(1_000_000)
  const front = Array.from({ length: whole(60) }, () => served + 1 + whole(100_000)).toSorted((a, b) => a - b)
  const departures: [number, number, number][] = []
  for (let from = served - 500_000; departures.length < 8; from += 250_000) {
    departures.push([from, from + whole(250_000), whole(40)])
  }
  const place = random() < 0.2 ? (front[whole(front.length)] ?? served) : served - 200_000 + whole(2_500_000)
  const mine = { place, ahead: whole(500), calledTotal: whole(50) - 10, leftTotal: whole(50) - 10, epoch: 3 }
  return {
    mine,
    now: {
      epoch: 3,
      at,
      state: 'open',
      serving: served,
      waiting: whole(600),
      calledTotal: mine.calledTotal + whole(100),
      departures,
      front,
    },
  }
}

/** mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
