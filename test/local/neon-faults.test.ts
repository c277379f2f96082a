// What the Neon gateway does when something goes wrong: on demand, for tests of others, and by itself.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { Pool } from 'pg'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest'
import { startNeonGateway, TOO_MANY_CONNECTIONS, type NeonGateway } from '../../local/neon/gateway.ts'
import { startPostgres, type RunningPostgres } from '../../local/postgres.ts'

let scratch: string
let postgres: RunningPostgres
let gateway: NeonGateway
/** Straight to Postgres, to see what is really there. */
let direct: Pool

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'foyer-neon-'))
  postgres = await startPostgres({ dataDir: path.join(scratch, 'data'), persistent: false })
  gateway = await startNeonGateway({ databaseUrl: postgres.url, password: 'secret', poolSize: 2 })
  neonConfig.fetchEndpoint = () => gateway.endpoint
  direct = new Pool({ connectionString: postgres.url })
  // Tests here cut its connections too.
  direct.on('error', () => {})
  direct.on('connect', (client) => client.on('error', () => {}))
})
afterAll(async () => {
  await gateway.stop()
  await direct.end()
  await postgres.stop()
  await rm(scratch, { recursive: true })
})
beforeEach(async () => {
  await direct.query('DROP TABLE IF EXISTS mark')
  await direct.query('CREATE TABLE mark (id int)')
})
afterEach(() => gateway.faults.clear())

const count = async (): Promise<number> => (await direct.query('SELECT id FROM mark')).rowCount ?? 0
const mark = () => neon(gateway.connectionString)`INSERT INTO mark VALUES (1)`

/** Connections of the gateway that are in the middle of something. */
async function busy(): Promise<number> {
  const { rowCount } = await direct.query(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'`,
  )
  return rowCount ?? 0
}

/** A request on a socket of its own, which the test can then tear off. */
function send(body: object): Socket {
  const url = new URL(gateway.endpoint)
  const socket = connect(Number(url.port), url.hostname)
  const json = JSON.stringify(body)
  socket.write(
    `POST /sql HTTP/1.1\r\nHost: x\r\nNeon-Connection-String: ${gateway.connectionString}\r\n` +
      `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  )
  return socket
}

/** A request for which the driver's own endpoint is not the one. */
const ask = (to: NeonGateway, query: string): Promise<Response> =>
  fetch(to.endpoint, {
    method: 'POST',
    headers: { 'neon-connection-string': to.connectionString, 'neon-raw-text-output': 'true' },
    body: JSON.stringify({ query }),
  })

/** A way to Postgres that can be cut, or (`passOnEnd: false`) does not tell when Postgres hangs up. */
async function startRelay({ passOnEnd }: { passOnEnd: boolean }): Promise<{ url: string; cut: () => void }> {
  const upstream = new URL(postgres.url)
  const postgresPort = Number(upstream.port)
  const sockets: Socket[] = []
  const relay = createServer((socket) => {
    const onward = connect(postgresPort, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => {})
    socket.pipe(onward)
    onward.pipe(socket, { end: passOnEnd })
    // Goes on listening to the gateway after Postgres hung up.
    onward.once('close', () => socket.resume())
    sockets.push(socket, onward)
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  upstream.port = String(typeof address === 'object' && address ? address.port : 0)
  const cut = (): void => {
    relay.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: upstream.href, cut }
}

describe('a fault', () => {
  test('drops the reply to a statement that was executed', async () => {
    gateway.faults.next({ kind: 'drop-reply' })
    await expect(mark()).rejects.toThrow('Error connecting to database')
    expect(await count()).toBe(1)
    await mark()
    expect(await count()).toBe(2)
  })

  test('executes a statement twice and answers once', async () => {
    gateway.faults.next({ kind: 'duplicate' })
    await mark()
    expect(await count()).toBe(2)
  })

  test('delays one request while others pass', async () => {
    const { fired } = gateway.faults.next('1 AS slow', { kind: 'delay', ms: 300 })
    const order: string[] = []
    const sql = neon(gateway.connectionString)
    const slow = sql.query('SELECT 1 AS slow').then(() => order.push('slow'))
    await fired
    await sql.query('SELECT 2 AS fast').then(() => order.push('fast'))
    await slow
    expect(order).toEqual(['fast', 'slow'])
  })

  test('delays only the answer, so that a client gives up on what was executed', async () => {
    gateway.faults.next({ kind: 'delay', ms: 60_000, when: 'after' })
    const patience = new AbortController()
    const sql = neon(gateway.connectionString, { fetchOptions: { signal: patience.signal } })
    const failure = expect(sql`INSERT INTO mark VALUES (1)`).rejects.toThrow('aborted')
    await vi.waitFor(async () => expect(await count()).toBe(1))
    patience.abort()
    await failure
  })

  test('answers 503 or 500 without executing', async () => {
    gateway.faults.next({ kind: 'status', status: 503, body: 'try later' })
    await expect(mark()).rejects.toThrow('Server error (HTTP status 503): try later')
    gateway.faults.next({ kind: 'status', status: 500 })
    await expect(mark()).rejects.toThrow('Server error (HTTP status 500)')
    expect(await count()).toBe(0)
  })

  test('refuses for too many connections, as Neon does', async () => {
    gateway.faults.next(TOO_MANY_CONNECTIONS)
    await expect(mark()).rejects.toThrow(/HTTP status 500.*sorry, too many clients already.*53300/)
    expect(await count()).toBe(0)
  })

  test('hits what matches, once or until cleared', async () => {
    const sql = neon(gateway.connectionString)
    gateway.faults.next(/insert/i, { kind: 'status', status: 503 })
    await sql`SELECT 1`
    await expect(mark()).rejects.toThrow('503')
    await mark()
    gateway.faults.set({ kind: 'status', status: 503 }, (request) => request.transaction !== undefined)
    await mark()
    for (const attempt of [1, 2]) {
      await expect(sql.transaction([sql`SELECT ${attempt}::int`])).rejects.toThrow('503')
    }
    gateway.faults.clear()
    await sql.transaction([sql`SELECT 1`])
  })
})

describe('a client that goes away', () => {
  test('in a batch leaves no transaction and no lock, even while it waits for one', async () => {
    const holder = await direct.connect()
    await holder.query('BEGIN')
    await holder.query('LOCK TABLE mark')
    try {
      const insert = { query: 'INSERT INTO mark VALUES (1)', params: [] }
      const socket = send({ queries: [{ query: 'SELECT 1', params: [] }, insert] })
      const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'`
      await vi.waitFor(async () => expect((await direct.query(waiting)).rowCount).toBe(1))
      socket.destroy()
      await vi.waitFor(async () => expect((await direct.query(waiting)).rowCount).toBe(0), { timeout: 5_000 })
    } finally {
      await holder.query('ROLLBACK')
      holder.release()
    }
    expect(await count()).toBe(0)
  })

  test('gives its connection back: more of them than the pool holds do not block it', async () => {
    for (let i = 0; i < 3; i++) {
      const socket = send({ query: 'SELECT pg_sleep(60)', params: [] })
      await vi.waitFor(async () => expect(await busy()).toBe(1))
      socket.destroy()
      await vi.waitFor(async () => expect(await busy()).toBe(0), { timeout: 5_000 })
    }
    await mark()
  })

  test('with a BEGIN of its own leaves nothing to whoever comes next', async () => {
    const sql = neon(gateway.connectionString)
    await sql.query('BEGIN')
    await mark()
    expect(await busy()).toBe(0)
    expect(await count()).toBe(1)
  })
})

describe('a lost connection to Postgres', () => {
  test('is an error, and nobody gets the connection next, although its socket closes late', async () => {
    const { url, cut } = await startRelay({ passOnEnd: false })
    const single = await startNeonGateway({ databaseUrl: url, password: 'x', poolSize: 1 })
    onTestFinished(async () => {
      cut()
      await single.stop()
    })
    const running = ask(single, `SELECT 'end me', pg_sleep(60)`)
    const waiting = ask(single, 'SELECT 1 AS one')
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%end me%' AND pid <> pg_backend_pid() AND state = 'active'`
    await vi.waitFor(async () => expect((await direct.query(end)).rowCount).toBe(1))
    expect(await (await running).json()).toMatchObject({ code: '57P01', severity: 'FATAL' })
    expect(await (await waiting).json()).toMatchObject({ rows: [{ one: '1' }] })
  })

  test('while it idles goes unnoticed', async () => {
    const sql = neon(gateway.connectionString)
    await sql`SELECT 1`
    await direct.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    )
    await vi.waitFor(async () => expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]))
  })

  test('without a word, or before it was made, is an error too', async () => {
    const { url, cut } = await startRelay({ passOnEnd: true })
    const other = await startNeonGateway({ databaseUrl: url, password: 'x' })
    onTestFinished(() => other.stop())
    const running = ask(other, 'SELECT pg_sleep(60)')
    await vi.waitFor(async () => expect(await busy()).toBe(1))
    cut()
    const lost = await running
    const terminated = { message: expect.stringContaining('terminated'), code: '' }
    expect([lost.status, await lost.json()]).toMatchObject([400, terminated])
    const refused = await ask(other, 'SELECT 1')
    const unreachable = { message: expect.stringContaining('ECONNREFUSED') }
    expect([refused.status, await refused.json()]).toMatchObject([500, unreachable])
  })
})

test('stop answers nobody any more and leaves no connection to Postgres', async () => {
  const other = await startNeonGateway({ databaseUrl: postgres.url, password: 'x' })
  const open = ask(other, 'SELECT pg_sleep(60)')
  const failure = expect(open).rejects.toThrow('fetch failed')
  await vi.waitFor(async () => expect(await busy()).toBe(1))
  await other.stop()
  await failure
  await vi.waitFor(async () => expect(await busy()).toBe(0), { timeout: 5_000 })
})
