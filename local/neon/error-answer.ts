// Errors as Neon answers them: status 400 with every member that Postgres gave, which the driver turns into NeonDbError.
// Called by runner and gateway. The members and the empty code of errors that are not Postgres' follow Neon's proxy.

import { DatabaseError } from 'pg'

export interface ErrorAnswer {
  readonly status: number
  readonly body: string
}

/** The members after `message`, `code` and `severity`: null unless Postgres gave them. */
const MEMBERS = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** An error that the gateway or Neon's proxy itself reports. */
export function answerMessage(status: number, message: string, code = ''): ErrorAnswer {
  return { status, body: JSON.stringify(errorBody({ message, code, severity: code === '' ? '' : 'FATAL' })) }
}

/**
 * An error from Postgres or from the connection to it. What Postgres says to a statement is a 400; a
 * connection that cannot be made is a 500 (so too many connections reach the driver as "Server error").
 */
export function answerError(error: unknown, doing: 'connecting' | 'executing'): ErrorAnswer {
  if (!(error instanceof Error)) throw new TypeError(`pg threw something that is no error: ${String(error)}`)
  const status = doing === 'connecting' ? 500 : 400
  if (error instanceof DatabaseError) return { status, body: JSON.stringify(errorBody(error)) }
  const message =
    doing === 'connecting'
      ? `could not connect to postgres in compute: ${error.message || String(error)}`
      : error.message
  return answerMessage(status, message)
}

/** Postgres ends the session after FATAL and PANIC; what it did not say itself, the connection did. */
export function isConnectionLost(error: unknown): boolean {
  return !(error instanceof DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC'
}

type Members = { readonly [member in (typeof MEMBERS)[number]]?: string | undefined }

/** Also what a test gives to the fault `error-body`. */
export function errorBody(
  error: Members & {
    readonly message: string
    readonly code?: string | undefined
    readonly severity?: string | undefined
  },
): Record<string, string | null> {
  const members = MEMBERS.map((member) => [member, error[member] ?? null] as const)
  return {
    message: error.message,
    code: error.code ?? '',
    severity: error.severity ?? '',
    ...Object.fromEntries(members),
  }
}
