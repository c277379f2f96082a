// The Neon gateway against the very clients that the Workers use: `@neondatabase/serverless` and drizzle on it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
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

const seat = pgTable('seat', { id: integer().primaryKey(), name: text().notNull(), tags: jsonb() })
beforeEach(async () => {
  await direct.query('DROP TABLE IF EXISTS seat')
  await direct.query('CREATE TABLE seat (id int PRIMARY KEY, name text NOT NULL, tags jsonb)')
})

const count = async (): Promise<number> => (await direct.query('SELECT id FROM seat')).rowCount ?? 0

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

describe('the driver', () => {
  test('takes values from a template and gives rows as objects', async () => {
    const sql = neon(gateway.connectionString)
    const name = `O'Brien "$1" \\ 𝄞`
    expect(await sql`SELECT ${name}::text AS name, ${7}::int AS id, ${null}::text AS none`).toEqual([
      { name, id: 7, none: null },
    ])
  })

  test('gives the full result, with the fields, the command and the count', async () => {
    const sql = neon(gateway.connectionString, { fullResults: true })
    const inserted = await sql`INSERT INTO seat (id, name) VALUES (1, 'a'), (2, 'b')`
    expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [], fields: [] })
    const { rows: ids } = await direct.query<{ oid: number }>(`SELECT 'seat'::regclass::oid AS oid`)
    expect(await sql`SELECT id FROM seat ORDER BY id`).toMatchObject({
      command: 'SELECT',
      rowCount: 2,
      rows: [{ id: 1 }, { id: 2 }],
      fields: [
        {
          name: 'id',
          dataTypeID: 23,
          tableID: Number(ids[0]?.oid),
          columnID: 1,
          dataTypeSize: 4,
          dataTypeModifier: -1,
          format: 'text',
        },
      ],
    })
    expect(await sql`CREATE TEMP TABLE t (x int)`).toMatchObject({ command: 'CREATE', rowCount: null })
  })

  test('gives rows as arrays, so that two columns may share a name', async () => {
    const sql = neon(gateway.connectionString, { arrayMode: true })
    expect(await sql.query('SELECT $1::int AS x, $2::text AS x', [1, 'two'])).toEqual([[1, 'two']])
  })

  const values: [type: string, given: unknown, back?: unknown][] = [
    ['int8', '9007199254740993'],
    ['numeric', '12345678901234567890.000100'],
    ['bool', true],
    ['float8', 0.1],
    ['float8', 'NaN', Number.NaN],
    ['text', ''],
    ['text', '  spaces\n\ttabs "quotes" \\ \u{1F39F} é 漢'],
    ['text', null],
    ['uuid', '0190b1c2-0000-7000-8000-000000000001'],
    ['timestamptz', new Date('2026-11-20T21:40:00.123Z')],
    ['jsonb', { deep: [1, null, 'ü', { x: true }] }],
    ['int4[]', [1, 2, 3]],
    ['text[]', ['a,b', '{"}', '', 'NULL', '\\']],
    ['bytea', Buffer.from([0, 1, 127, 128, 255])],
  ]
  test.each(values)('brings %s %j back as it was sent', async (type, given, back = given) => {
    const sql = neon(gateway.connectionString)
    expect(await sql.query(`SELECT $1::${type} AS value`, [given])).toEqual([{ value: back }])
  })

  test('sees times in UTC and ISO whatever the database is set to', async () => {
    await direct.query(`ALTER DATABASE foyer SET timezone = 'Asia/Tokyo'`)
    const other = await startNeonGateway({ databaseUrl: postgres.url, password: 'x' })
    try {
      const response = await post(other, { query: `SELECT '2026-01-01T00:00:00Z'::timestamptz` })
      expect(await response.json()).toMatchObject({ rows: [['2026-01-01 00:00:00+00']] })
    } finally {
      await other.stop()
      await direct.query('ALTER DATABASE foyer RESET timezone')
    }
  })

  test('has fifty queries answered at once, each with its own answer', async () => {
    const sql = neon(gateway.connectionString)
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const answers = await Promise.all(numbers.map((i) => sql`SELECT ${i}::int AS i, pg_sleep(0.01)::text`))
    expect(answers.map(([row]) => row?.['i'])).toEqual(numbers)
  })
})

describe('a batch', () => {
  test('answers each statement in order', async () => {
    const sql = neon(gateway.connectionString)
    const results = await sql.transaction([
      sql`INSERT INTO seat (id, name) VALUES (1, 'a')`,
      sql`SELECT name FROM seat`,
    ])
    expect(results).toEqual([[], [{ name: 'a' }]])
  })

  test('is rolled back by any error, and the error alone is answered', async () => {
    const sql = neon(gateway.connectionString)
    const batch = sql.transaction([
      sql`INSERT INTO seat (id, name) VALUES (1, 'a')`,
      sql`INSERT INTO seat (id, name) VALUES (1, 'again')`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '23505', constraint: 'seat_pkey' })
    expect(await count()).toBe(0)
  })

  test('fails as a whole when a deferred constraint fails at its commit', async () => {
    await direct.query('ALTER TABLE seat ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED')
    const sql = neon(gateway.connectionString)
    const batch = sql.transaction([sql`INSERT INTO seat (id, name) VALUES (1, 'a'), (2, 'a')`, sql`SELECT 1`])
    await expect(batch).rejects.toMatchObject({ code: '23505' })
    expect(await count()).toBe(0)
  })

  test.each([
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const)('runs at isolation level %s', async (isolationLevel, shown) => {
    const sql = neon(gateway.connectionString)
    const show = [sql`SELECT current_setting('transaction_isolation') AS level`]
    expect(await sql.transaction(show, { isolationLevel })).toEqual([[{ level: shown }]])
  })

  test('is read-only and deferrable on demand, and repeats its mode in the headers', async () => {
    const sql = neon(gateway.connectionString, { readOnly: true })
    const write = sql.transaction([sql`INSERT INTO seat (id, name) VALUES (1, 'a')`])
    await expect(write).rejects.toMatchObject({ code: '25006' })
    const headers = {
      'neon-batch-isolation-level': 'Serializable',
      'neon-batch-read-only': 'true',
      'neon-batch-deferrable': 'true',
    }
    const response = await post(
      gateway,
      { queries: [{ query: 'SHOW transaction_deferrable', params: [] }] },
      headers,
    )
    expect(Object.fromEntries(response.headers)).toMatchObject(headers)
    expect(await response.json()).toMatchObject({ results: [{ rows: [['on']] }] })
  })
})

describe('drizzle', () => {
  test('inserts, returns, selects, updates and deletes', async () => {
    const db = drizzle({ client: neon(gateway.connectionString) })
    const row = { id: 1, name: 'A1', tags: { view: ['stage'] } }
    expect(await db.insert(seat).values(row).returning()).toEqual([row])
    expect(await db.select().from(seat).where(eq(seat.id, 1))).toEqual([row])
    expect(await db.update(seat).set({ name: 'A2' }).returning({ name: seat.name })).toEqual([{ name: 'A2' }])
    expect((await db.delete(seat)).rowCount).toBe(1)
  })

  test('runs a batch as one transaction', async () => {
    const db = drizzle({ client: neon(gateway.connectionString) })
    const row = { id: 1, name: 'A1', tags: null }
    const [, rows] = await db.batch([db.insert(seat).values(row), db.select().from(seat)])
    expect(rows).toEqual([row])
    const failing = db.batch([db.delete(seat), db.insert(seat).values([row, row])])
    await expect(failing).rejects.toMatchObject({ code: '23505' })
    expect(await count()).toBe(1)
  })

  test('finds the SQL code of a single statement in the cause', async () => {
    const db = drizzle({ client: neon(gateway.connectionString) })
    await db.insert(seat).values({ id: 1, name: 'A1' })
    const again = db.insert(seat).values({ id: 1, name: 'A1' })
    await expect(again).rejects.toMatchObject({ cause: { code: '23505', constraint: 'seat_pkey' } })
  })
})
