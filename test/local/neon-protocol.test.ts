// What the Neon gateway answers to errors, to requests that the driver never sends, and to strangers.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { neon, neonConfig, NeonDbError } from '@neondatabase/serverless'
import { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startNeonGateway, type NeonGateway } from '../../local/neon/gateway.ts'
import { startPostgres, type RunningPostgres } from '../../local/postgres.ts'

let scratch: string
let postgres: RunningPostgres
let gateway: NeonGateway
/** Straight to Postgres, to see what is really there. */
let direct: Pool

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'foyer-neon-'))
  postgres = await startPostgres({ dataDir: path.join(scratch, 'data'), persistent: false })
  gateway = await startNeonGateway({ databaseUrl: postgres.url, password: 'p@ss/wörd:%' })
  neonConfig.fetchEndpoint = () => gateway.endpoint
  direct = new Pool({ connectionString: postgres.url })
  // The server may be faster to stop than the pool to say goodbye.
  direct.on('error', () => {})
})
afterAll(async () => {
  await gateway.stop()
  await direct.end()
  await postgres.stop()
  await rm(scratch, { recursive: true })
})

beforeEach(async () => {
  await direct.query('DROP TABLE IF EXISTS seat')
  await direct.query('CREATE TABLE seat (id int PRIMARY KEY, name text NOT NULL, tags jsonb)')
})

/** A request by hand, for what the driver never sends. */
async function post(to: NeonGateway, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(to.endpoint, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      'neon-connection-string': to.connectionString,
      'neon-raw-text-output': 'true',
      'neon-array-mode': 'true',
      ...headers,
    },
  })
}

describe('an error', () => {
  test('carries every member that Postgres gave', async () => {
    await direct.query(`INSERT INTO seat VALUES (1, 'a')`)
    const response = await post(gateway, { query: `INSERT INTO seat VALUES (1, 'a')` })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      message: 'duplicate key value violates unique constraint "seat_pkey"',
      code: '23505',
      severity: 'ERROR',
      detail: 'Key (id)=(1) already exists.',
      schema: 'public',
      table: 'seat',
      constraint: 'seat_pkey',
      hint: null,
      position: null,
      where: null,
      column: null,
      dataType: null,
      routine: '_bt_check_unique',
    })
  })

  test('in the syntax tells its position', async () => {
    const sql = neon(gateway.connectionString)
    await expect(sql.query('SELECT 1 +')).rejects.toMatchObject({ code: '42601', position: '11' })
    await expect(sql.query('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '42601' })
    await expect(sql.query('SELECT $1::int', ['x'])).rejects.toBeInstanceOf(NeonDbError)
  })

  test('of two batches that lock in opposite order is a deadlock for one, and the other commits', async () => {
    await direct.query(`INSERT INTO seat VALUES (1, 'a'), (2, 'b')`)
    const sql = neon(gateway.connectionString)
    const update = (id: number, name: string) => sql`UPDATE seat SET name = ${name} WHERE id = ${id}`
    const wait = () => sql`SELECT pg_sleep(0.3)::text`
    const results = await Promise.allSettled([
      sql.transaction([update(1, 'x'), wait(), update(2, 'x')]),
      sql.transaction([update(2, 'y'), wait(), update(1, 'y')]),
    ])
    const failures = results.filter((result) => result.status === 'rejected')
    expect(failures.map((failure) => failure.reason.code)).toEqual(['40P01'])
    const { rows } = await direct.query<{ name: string }>('SELECT DISTINCT name FROM seat')
    expect(rows).toHaveLength(1)
  })
})

describe('a request by hand', () => {
  test('gets objects without array mode, and JSON values without raw text', async () => {
    const query = `SELECT 1::int AS i, 2::int8 AS big, true AS yes, '{"a":[1]}'::jsonb AS j, '{1,NULL}'::int[] AS list, 'NaN'::float8 AS nan, null AS none`
    const response = await post(
      gateway,
      { query },
      { 'neon-raw-text-output': 'false', 'neon-array-mode': 'false' },
    )
    expect(await response.json()).toMatchObject({
      rowAsArray: false,
      rows: [{ i: 1, big: '2', yes: true, j: { a: [1] }, list: [1, null], nan: 'NaN', none: null }],
    })
  })

  test('may send parameters that are not text', async () => {
    const query = 'SELECT $1::int, $2::bool, $3::jsonb, $4::int[], $5::text[]'
    const response = await post(gateway, { query, params: [1, true, { a: 1 }, [1, null], ['a"b']] })
    expect(await response.json()).toMatchObject({ rows: [['1', 't', '{"a": 1}', '{1,NULL}', '{"a\\"b"}']] })
  })

  test.each([
    ['{"query": ', /JSON/],
    ['[]', /must be a JSON object/],
    ['{}', /"query" must be a string, or "queries" a list/],
    ['{"query":"SELECT 1","params":{}}', /"params" must be a list/],
    ['{"queries":[{"query":1}]}', /"query" must be a string/],
    ['{"query":"SELECT 1 -- \\u0000 more"}', /must not contain NUL/],
  ])('that is malformed is refused with a reason: %s', async (body, reason) => {
    const response = await post(gateway, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ message: expect.stringMatching(reason) })
  })

  test('with an unknown isolation level is refused', async () => {
    const response = await post(gateway, { queries: [] }, { 'neon-batch-isolation-level': 'Chaos' })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { message: 'invalid isolation level' },
    ])
  })

  test('with more parameters than the wire protocol counts is refused, and the connection stays good', async () => {
    const response = await post(gateway, {
      query: 'SELECT 1',
      params: Array.from({ length: 65_536 }, () => null),
    })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { message: expect.stringContaining('too many') },
    ])
    expect((await post(gateway, { query: 'SELECT 1' })).status).toBe(200)
  })

  test('too large, or with too large an answer, is refused', async () => {
    const small = await startNeonGateway({ databaseUrl: postgres.url, password: 'x', bodyLimitBytes: 2_000 })
    try {
      expect((await post(small, { query: `SELECT '${'x'.repeat(3_000)}'` })).status).toBe(413)
      expect((await post(small, { query: `SELECT repeat('x', 3000)` })).status).toBe(507)
      expect((await post(small, { query: 'SELECT 1' })).status).toBe(200)
    } finally {
      await small.stop()
    }
  })
})

/** The connection string with something in it changed. */
const change = (edit: (url: URL) => void): string => {
  const url = new URL(gateway.connectionString)
  edit(url)
  return url.href
}

describe('a stranger', () => {
  test('with a wrong password, user or database is refused as by Neon', async () => {
    const wrongPassword = neon(change((url) => (url.password = 'guess')))
    await expect(wrongPassword`SELECT 1`).rejects.toThrow(`password authentication failed for user 'foyer'`)
    const wrongUser = neon(change((url) => (url.username = 'root')))
    await expect(wrongUser`SELECT 1`).rejects.toThrow(`password authentication failed for user 'root'`)
    const wrongDatabase = neon(change((url) => (url.pathname = '/postgres')))
    await expect(wrongDatabase`SELECT 1`).rejects.toThrow('database \\"postgres\\" does not exist')
  })

  test.each(['POST /sql', 'GET /sql', 'OPTIONS /sql', 'POST /', 'GET /elsewhere'])(
    'is refused on %s',
    async (route) => {
      const [method = '', pathname = ''] = route.split(' ')
      const url = new URL(pathname, gateway.endpoint)
      const bodies = [
        {},
        { 'neon-connection-string': change((u) => (u.password = 'guess')) },
        { 'neon-connection-string': 'junk' },
      ]
      for (const headers of bodies) {
        const response = await fetch(url, {
          method,
          headers,
          ...(method === 'POST' && { body: '{"query":"SELECT 1"}' }),
        })
        expect(response.status).toBe(400)
        expect(await response.text()).not.toContain('rows')
      }
    },
  )

  test('learns nothing of the routes, which only the right credentials tell apart', async () => {
    const headers = { 'neon-connection-string': gateway.connectionString }
    expect((await fetch(new URL('/elsewhere', gateway.endpoint), { headers })).status).toBe(404)
    expect((await fetch(gateway.endpoint, { headers })).status).toBe(405)
  })
})
