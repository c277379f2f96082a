// A real Postgres with the project's migrations behind the Neon gateway, for one test file. Its data lies in a folder made
// for this run alone and is removed with it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { migrate } from '../../local/migrate.ts'
import { startNeonGateway, type NeonGateway } from '../../local/neon/gateway.ts'
import { startPostgres } from '../../local/postgres.ts'
import { createDatabase, type Database } from '../../src/db/client.ts'

export const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

export interface TestDatabase {
  readonly db: Database
  readonly gateway: NeonGateway
  /** Past the gateway, for looking at what was written. */
  query(text: string, params?: unknown[]): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export async function startDatabase({ poolSize = 16 } = {}): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-origin-test-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), persistent: false })
  await migrate(postgres.url, MIGRATIONS)
  const gateway = await startNeonGateway({ databaseUrl: postgres.url, password: 'of-this-test', poolSize })
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  return {
    db: createDatabase({ url: gateway.connectionString, endpoint: gateway.endpoint }),
    gateway,
    async query(text, params) {
      const { rows } = await client.query<Record<string, unknown>>(text, params)
      return rows
    },
    async stop() {
      await client.end()
      await gateway.stop()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
