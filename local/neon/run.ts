// Executes a parsed request on a connection of the pool and builds the answer.
// Called by the gateway. A batch is one transaction; whatever happens, no transaction outlives its request.

import type { Pool, PoolClient, QueryArrayConfig } from 'pg'
import { answerError, isConnectionLost, type ErrorAnswer } from './error-answer.ts'
import { jsonValue } from './json-value.ts'
import { beginStatement, type SqlRequest, type Statement } from './request.ts'

export type Outcome = { readonly status: 200; readonly body: string } | ErrorAnswer

/** The client went away; there is nobody to answer. */
export const GONE = 'gone'

/** `queryMode` is missing from @types/pg: without it, a query that has no parameters goes by the simple protocol. */
interface ExtendedQuery extends QueryArrayConfig<(string | null)[]> {
  readonly queryMode: 'extended'
}

type Row = (string | null)[]

/**
 * `signal` says that the client went away: the connection is closed at once, and Postgres, which looks
 * for its client also while it waits for a lock (client_connection_check_interval), rolls back.
 */
export async function runSqlRequest(
  pool: Pool,
  request: SqlRequest,
  signal: AbortSignal,
): Promise<Outcome | typeof GONE> {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    return answerError(error, 'connecting')
  }
  if (signal.aborted) {
    client.release()
    return GONE
  }
  let released = false
  const release = (destroy: boolean): void => {
    if (released) return
    released = true
    client.release(destroy)
  }
  const abandon = (): void => release(true)
  signal.addEventListener('abort', abandon, { once: true })
  try {
    const body = request.transaction
      ? await runBatch(client, request, beginStatement(request.transaction))
      : JSON.stringify(await runSingle(client, request))
    return { status: 200, body }
  } catch (error) {
    // The pool would hear of a lost connection a moment later, after handing it to the next request.
    if (isConnectionLost(error)) release(true)
    return signal.aborted ? GONE : answerError(error, 'executing')
  } finally {
    signal.removeEventListener('abort', abandon)
    // A statement such as BEGIN, or a ROLLBACK that failed, leaves a transaction: not for the next request.
    release(client.getTransactionStatus() !== 'I')
  }
}

async function runSingle(client: PoolClient, request: SqlRequest): Promise<object> {
  const [statement] = request.statements
  if (statement === undefined) throw new Error('A request that is no batch has exactly one statement.')
  return runStatement(client, statement, request.rawText)
}

async function runBatch(client: PoolClient, request: SqlRequest, begin: string): Promise<string> {
  await client.query(begin)
  const results: object[] = []
  try {
    for (const statement of request.statements) {
      results.push(await runStatement(client, statement, request.rawText))
    }
  } catch (error) {
    // If even this fails the connection is broken: the first error is the one to report, and `release` discards.
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
  await client.query('COMMIT')
  return JSON.stringify({ results })
}

const asText = (): ((value: string) => string) => (value) => value

async function runStatement(client: PoolClient, statement: Statement, rawText: boolean): Promise<object> {
  const query: ExtendedQuery = {
    text: statement.sql,
    values: [...statement.params],
    rowMode: 'array',
    types: { getTypeParser: asText },
    queryMode: 'extended',
  }
  const { fields, rows, command, rowCount } = await client.query<Row>(query)
  const values = rawText
    ? rows
    : rows.map((row) => row.map((text, i) => jsonValue(text, fields[i]?.dataTypeID)))
  return {
    fields,
    rows: statement.arrayMode
      ? values
      : values.map((row) => Object.fromEntries(row.map((value, i) => [fields[i]?.name ?? '', value]))),
    // Postgres sends no command tag for an empty statement.
    command: command ?? '',
    rowCount,
    rowAsArray: statement.arrayMode,
  }
}
