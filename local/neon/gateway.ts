// Speaks Neon's `/sql` over HTTP in front of any Postgres, so that the Workers run the very driver that they run
// in production. Started by the local stack, by tests and by benchmarks; listens on loopback only.
// It never interprets SQL, never retries, and never logs a statement, a parameter or a connection string.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { Pool } from 'pg'
import { createFaults, type Fault, type Faults } from '../faults.ts'
import { answerRequest, send, type Context } from './answer.ts'
import { connectionStringFor, type Credentials } from './credentials.ts'
import { answerMessage, errorBody } from './error-answer.ts'
import type { SqlRequest } from './request.ts'

export interface NeonGatewayOptions {
  /** The real Postgres, with credentials of its own that no Worker ever sees. */
  readonly databaseUrl: string
  /** The password inside the connection string that the Workers get. */
  readonly password: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Connections to Postgres; further requests wait for one. */
  readonly poolSize?: number
  /** Bytes of a request, and of an answer, beyond which it is refused; Neon's own limit by default. */
  readonly bodyLimitBytes?: number
}

export interface NeonGateway {
  /** For `neonConfig.fetchEndpoint`. */
  readonly endpoint: string
  /** What the Workers get as DATABASE_URL. */
  readonly connectionString: string
  readonly faults: Faults<SqlRequest>
  stop(): Promise<void>
}

/** What Postgres says when it has no connection to give; arm it with `faults`. */
export const TOO_MANY_CONNECTIONS: Fault = {
  kind: 'error-body',
  status: 500,
  body: errorBody({ message: 'sorry, too many clients already', code: '53300', severity: 'FATAL' }),
}

const USER = 'foyer'
const DATABASE = 'foyer'
/** "Maximum request and response size of 64 MB", Neon's page on the serverless driver. */
const NEON_LIMIT_BYTES = 64 * 1024 * 1024

/** Neon's formats whatever the server's own settings are, and a server that notices when its client is gone. */
const SESSION_SETTINGS = [
  'TimeZone=UTC',
  'DateStyle=ISO,MDY',
  'IntervalStyle=postgres',
  'bytea_output=hex',
  'client_connection_check_interval=250ms',
]

export async function startNeonGateway(options: NeonGatewayOptions): Promise<NeonGateway> {
  const { databaseUrl, password, port = 0, poolSize = 20, bodyLimitBytes = NEON_LIMIT_BYTES } = options
  const credentials: Credentials = { user: USER, password, database: DATABASE }
  const pool = new Pool({
    connectionString: databaseUrl,
    max: poolSize,
    options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    connectionTimeoutMillis: 30_000,
  })
  // A lost connection is reported to the request that uses it; idle ones are replaced when next needed.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  const { controls: faults, take } = createFaults<SqlRequest>((request) =>
    request.statements.map((statement) => statement.sql).join(';\n'),
  )
  const context: Context = { credentials, pool, take, bodyLimitBytes }
  const server = createServer((request, response) => {
    answerRequest(context, request, response).catch((error: unknown) => {
      // Only a bug comes here: say so where the operator of the stack sees it, and leave nobody waiting.
      // The stack alone: an error of pg carries its client, and that the password.
      console.error('neon gateway:', error instanceof Error ? error.stack : String(error))
      if (!response.headersSent) send(response, answerMessage(500, 'internal error of the local gateway'))
      else response.destroy()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The gateway is not listening on TCP.')

  return {
    endpoint: `http://127.0.0.1:${address.port}/sql`,
    connectionString: connectionStringFor(credentials),
    faults,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await pool.end()
    },
  }
}
