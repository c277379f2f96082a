// The stack's Postgres: the one that DATABASE_URL names, else a real one that npm installed.
// Started by the local stack, by tests and by benchmarks. The Workers never connect here: they go through local/neon.

import { Client, DatabaseError, escapeIdentifier } from 'pg'
import { startServer } from './postgres/server.ts'

export interface PostgresOptions {
  /** DATABASE_URL: wins over the embedded server. */
  readonly url?: string | undefined
  /** Absolute path of the embedded server's data: made when missing, refused when it holds anything else. */
  readonly dataDir: string
  /** Of the embedded server; a free one by default. */
  readonly port?: number
  /** Made when missing; by default the one that `url` names, else `foyer`. */
  readonly database?: string
  /** False, for tests: fast and forgetful, and `stop` removes the data, if this start made it. */
  readonly persistent?: boolean
}

export interface RunningPostgres {
  /** With credentials: for tools on the same machine, never for a Worker or a log. */
  readonly url: string
  readonly kind: 'external' | 'embedded'
  /** One line for the person who started the stack; holds no password. */
  readonly notice: string
  /** Resolves with the reason if the server ends without `stop`; never for an external one. */
  readonly exited: Promise<string>
  /** Fast shutdown: open transactions are rolled back. Leaves an external server alone. */
  stop(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 10_000

/** Throws with the reason, without the password, if there is no Postgres to be had. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  return options.url ? useExternal(options.url, options.database) : startEmbedded(options)
}

async function useExternal(given: string, database: string | undefined): Promise<RunningPostgres> {
  if (!URL.canParse(given)) {
    throw new Error('DATABASE_URL is not a URL; postgres://user:password@host:port/database is.')
  }
  const url = new URL(given)
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`
  const place = `${url.host}${url.pathname}`
  const version = await ensureDatabase(url).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message || String(cause) : String(cause)
    throw new Error(`The Postgres of DATABASE_URL (${place}) cannot be used: ${reason}`, { cause })
  })
  return {
    url: url.href,
    kind: 'external',
    notice: `Postgres ${version} at ${place} (DATABASE_URL)`,
    exited: new Promise(() => {}),
    stop: () => Promise.resolve(),
  }
}

async function startEmbedded(options: PostgresOptions): Promise<RunningPostgres> {
  const { dataDir, port, database = 'foyer', persistent = true } = options
  const server = await startServer({ dataDir, port, persistent })
  const url = new URL(`postgres://127.0.0.1:${server.port}/${encodeURIComponent(database)}`)
  url.username = server.user
  url.password = server.password
  try {
    const version = await ensureDatabase(url)
    const kept = persistent ? `data in ${dataDir}` : 'data is thrown away'
    return {
      url: url.href,
      kind: 'embedded',
      notice: `Postgres ${version} from npm, port ${server.port}, ${kept}`,
      exited: server.exited,
      stop: () => server.stop(),
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Connects, makes the database if it is missing, and returns the server's version. */
async function ensureDatabase(url: URL): Promise<string> {
  try {
    return await readVersion(url)
  } catch (error) {
    if (!isSqlState(error, '3D000')) throw error
  }
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const name = decodeURIComponent(url.pathname.slice(1))
  await withClient(maintenance, async (client) => {
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`).catch((error: unknown) => {
      // Another stack made it in between: as a duplicate, or seen earlier as a unique violation.
      if (!isSqlState(error, '42P04') && !isSqlState(error, '23505')) throw error
    })
  })
  return readVersion(url)
}

async function readVersion(url: URL): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return rows[0]?.server_version ?? 'of unknown version'
  })
}

async function withClient<T>(url: URL, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // A connection that breaks is reported by the query that uses it.
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

function isSqlState(error: unknown, state: string): boolean {
  return error instanceof DatabaseError && error.code === state
}
