// Neon's HTTP driver under drizzle: one request a statement, no connection kept. Used by the origin alone.
// Nothing is retried here: after a lost reply only the caller knows whether its statement is safe to repeat.

import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'

export type Database = NeonHttpDatabase

/** Deadline of one HTTP request; a database that sleeps needs some hundred milliseconds to wake. */
const TIMEOUT_MS = 10_000

// An answer that breaks off after its head is read here, where the driver takes a failure for one of the connection.
neonConfig.fetchFunction = async (input: string, init: RequestInit): Promise<Response> => {
  const answer = await fetch(input, init)
  return new Response(await answer.text(), { status: answer.status })
}

export interface DatabaseSettings {
  readonly url: string
  /** Replaces the driver's own address for every database of the isolate: the driver knows one, so the last one counts. */
  readonly endpoint: string
  readonly timeoutMs?: number
}

export function createDatabase({ url, endpoint, timeoutMs = TIMEOUT_MS }: DatabaseSettings): Database {
  if (endpoint !== '') neonConfig.fetchEndpoint = () => endpoint
  const fetchOptions = {
    // The driver copies the options into each request, so that each has a deadline of its own.
    get signal() {
      return AbortSignal.timeout(timeoutMs)
    },
  }
  return drizzle(neon(url, { fetchOptions }))
}

/** Classes of SQL state: connection, insufficient resources, operator intervention. */
const UNAVAILABLE = /^(08|53|57)/

/** The SQL state in an error of the driver or in what drizzle wrapped around it; `undefined` for other errors. */
export function sqlState(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at.code
  }
  return undefined
}

/** A text with a NUL in it, also as `\\u0000` inside JSON: no table can hold it. */
const UNSTORABLE = new Set(['22021', '22P05'])

/** True where Postgres refused a character: whoever sent it must send another, and a repeat fails alike. */
export const isUnstorableText = (error: unknown): boolean => UNSTORABLE.has(sqlState(error) ?? '')

/** The constraint that a statement ran into; `undefined` where it was something else. */
export function violatedConstraint(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('constraint' in at && typeof at.constraint === 'string') return at.constraint
  }
  return undefined
}

/** True where Postgres could not be asked: no connection, too many of them, shutting down, or no answer in time. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return UNAVAILABLE.test(state)
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'NeonDbError') return true
  }
  return false
}
