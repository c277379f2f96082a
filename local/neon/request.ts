// What a request to `/sql` asks for: headers and body parsed into one value, or the message to refuse it with.
// Called by the gateway after the credentials were accepted. Pure; never touches Postgres.

import type { IncomingHttpHeaders } from 'node:http'

export interface Statement {
  readonly sql: string
  /** Postgres' text format; null is SQL null. */
  readonly params: readonly (string | null)[]
  readonly arrayMode: boolean
}

/** How a batch's transaction begins; a batch always is one transaction. */
export interface TransactionMode {
  readonly isolationLevel: IsolationLevel | undefined
  readonly readOnly: boolean
  readonly deferrable: boolean
}

export interface SqlRequest {
  readonly statements: readonly Statement[]
  /** Absent for a single statement, which commits by itself. */
  readonly transaction?: TransactionMode
  /** Values as Postgres' text, which the driver always asks for; without it, as JSON values where JSON has them. */
  readonly rawText: boolean
}

const ISOLATION_LEVELS = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} as const

export type IsolationLevel = keyof typeof ISOLATION_LEVELS

/** The Parse and Bind messages count parameters in 16 bits. */
const PARAMS_LIMIT = 65_535

/** Messages follow Neon's proxy. Header values other than exactly `true` count as false, as there. */
export function parseSqlRequest(headers: IncomingHttpHeaders, body: Uint8Array): SqlRequest | string {
  const level = headers['neon-batch-isolation-level']
  if (level !== undefined && !isIsolationLevel(level)) return 'invalid isolation level'
  const parsed = parseJson(body)
  if (typeof parsed === 'string') return `could not parse the HTTP request body: ${parsed}`

  const arrayMode = headers['neon-array-mode'] === 'true'
  const rawText = headers['neon-raw-text-output'] === 'true'
  if (typeof parsed.value['query'] === 'string') {
    const statement = parseStatement(parsed.value, arrayMode)
    return typeof statement === 'string' ? statement : { statements: [statement], rawText }
  }
  const queries = parsed.value['queries']
  if (!Array.isArray(queries)) {
    return 'could not parse the HTTP request body: "query" must be a string, or "queries" a list'
  }
  const statements: Statement[] = []
  for (const query of queries) {
    const statement = parseStatement(query, arrayMode)
    if (typeof statement === 'string') return statement
    statements.push(statement)
  }
  const transaction = {
    isolationLevel: level,
    readOnly: headers['neon-batch-read-only'] === 'true',
    deferrable: headers['neon-batch-deferrable'] === 'true',
  }
  return { statements, transaction, rawText }
}

/** `BEGIN` with the modes in SQL. */
export function beginStatement(mode: TransactionMode): string {
  const level = mode.isolationLevel ? ` ISOLATION LEVEL ${ISOLATION_LEVELS[mode.isolationLevel]}` : ''
  return `BEGIN${level}${mode.readOnly ? ' READ ONLY' : ''}${mode.deferrable ? ' DEFERRABLE' : ''}`
}

/** The headers that a batch's answer repeats. */
export function echoedHeaders(mode: TransactionMode): Record<string, string> {
  return {
    ...(mode.isolationLevel && { 'neon-batch-isolation-level': mode.isolationLevel }),
    ...(mode.readOnly && { 'neon-batch-read-only': 'true' }),
    ...(mode.deferrable && { 'neon-batch-deferrable': 'true' }),
  }
}

function parseStatement(query: unknown, defaultArrayMode: boolean): Statement | string {
  const wrong = 'could not parse the HTTP request body: '
  if (!isRecord(query) || typeof query['query'] !== 'string') return `${wrong}"query" must be a string`
  const { query: sql, params = [], arrayMode } = query
  if (!Array.isArray(params)) return `${wrong}"params" must be a list`
  if (params.length > PARAMS_LIMIT) {
    return `${params.length} parameters are too many, Postgres accepts at most ${PARAMS_LIMIT}`
  }
  // The wire protocol ends a statement at the first NUL: the rest would be lost without a word.
  if (sql.includes('\0')) return `${wrong}"query" must not contain NUL`
  return {
    sql,
    params: params.map(toPostgresText),
    arrayMode: typeof arrayMode === 'boolean' ? arrayMode : defaultArrayMode,
  }
}

/** Driver and drizzle send null and text; other JSON is turned into text as Neon does. */
function toPostgresText(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  return Array.isArray(value) ? toPostgresArray(value) : JSON.stringify(value)
}

function toPostgresArray(items: readonly unknown[]): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL'
    if (Array.isArray(item)) return toPostgresArray(item)
    // An object is an element in JSON, so its text is quoted once more.
    return JSON.stringify(typeof item === 'object' ? JSON.stringify(item) : item)
  })
  return `{${texts.join(',')}}`
}

/** The parsed object, or why there is none. */
function parseJson(body: Uint8Array): { value: Record<string, unknown> } | string {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    return isRecord(value) ? { value } : 'it must be a JSON object'
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return error.message
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIsolationLevel(text: string | string[]): text is IsolationLevel {
  return typeof text === 'string' && Object.hasOwn(ISOLATION_LEVELS, text)
}
