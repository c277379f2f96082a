// Migrations as the stack applies them at each start, on a Postgres of their own.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { migrate } from '../../local/migrate.ts'
import { startPostgres } from '../../local/postgres.ts'

let scratch: string
let url: string
beforeEach(async ({ onTestFinished }) => {
  const made = await mkdtemp(path.join(tmpdir(), 'foyer-postgres-'))
  scratch = made
  const running = await startPostgres({ dataDir: path.join(made, 'data'), persistent: false })
  url = running.url
  onTestFinished(async () => {
    await running.stop()
    await rm(made, { recursive: true })
  })
})

async function ask(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

async function writeMigrations(statements: Record<string, string>): Promise<string> {
  const folder = path.join(scratch, 'migrations')
  await mkdir(path.join(folder, 'meta'), { recursive: true })
  const entries = Object.keys(statements).map((tag, idx) => ({
    idx,
    version: '7',
    when: idx + 1,
    tag,
    breakpoints: true,
  }))
  await writeFile(
    path.join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  )
  await Promise.all(
    Object.entries(statements).map(([tag, sql]) => writeFile(path.join(folder, `${tag}.sql`), sql)),
  )
  return folder
}

test('migrations are applied once, also by two stacks that start together', async () => {
  const folder = await writeMigrations({
    '0000_first': 'CREATE TABLE seat (id int);--> statement-breakpoint\nINSERT INTO seat VALUES (1);',
    '0001_second': 'INSERT INTO seat VALUES (2);',
  })
  await Promise.all([migrate(url, folder), migrate(url, folder)])
  await migrate(url, folder)
  expect(await ask('SELECT id FROM seat ORDER BY id')).toEqual([1, 2])
})

test('migrations change nothing if one of them fails', async () => {
  const folder = await writeMigrations({
    '0000_good': 'CREATE TABLE seat (id int);',
    '0001_bad': 'CREATE TABEL x;',
  })
  await expect(migrate(url, folder)).rejects.toThrow('CREATE TABEL')
  expect(await ask("SELECT to_regclass('seat')")).toEqual([null])
})
