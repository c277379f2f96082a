// Who may use the Neon gateway: compares the `Neon-Connection-String` header with the one that was given out.
// The gateway asks before it looks at anything else of a request. Pure; never logs or repeats a password.

import { createHash, timingSafeEqual } from 'node:crypto'

export interface Credentials {
  readonly user: string
  readonly password: string
  readonly database: string
}

export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: number; readonly message: string; readonly code: string }

/**
 * The host of the connection string: the driver insists on a domain name, and this one, reserved by RFC 6761,
 * cannot lead a Worker that forgot `fetchEndpoint` out to somebody's server.
 */
const HOST = 'postgres.foyer.localhost'

/** What the Workers get as DATABASE_URL. */
export function connectionStringFor(credentials: Credentials): string {
  const { user, password, database } = credentials
  const [safeUser, safePassword, safeDatabase] = [user, password, database].map(encodeURIComponent)
  return `postgres://${safeUser}:${safePassword}@${HOST}/${safeDatabase}`
}

/** Statuses and messages are those of Neon's proxy (`sql_over_http.rs`, `serverless/error.rs`). */
export function checkCredentials(header: string | undefined, expected: Credentials): Verdict {
  if (header === undefined) return refuse('invalid header: neon-connection-string')
  const given = parse(header)
  if (typeof given === 'string') return refuse(given)
  // All three are compared whatever the first says, so that time tells nothing about any of them.
  const userMatches = same(given.user, expected.user)
  const passwordMatches = same(given.password, expected.password)
  const databaseMatches = same(given.database, expected.database)
  if (!userMatches || !passwordMatches) {
    return refuse(`password authentication failed for user '${given.user}'`)
  }
  if (!databaseMatches) {
    // Neon's proxy learns this only from the compute, hence a 500 and Postgres' own code.
    const message = `database "${given.database}" does not exist`
    return { allowed: false, status: 500, message, code: '3D000' }
  }
  return { allowed: true }
}

function refuse(message: string): Verdict {
  return { allowed: false, status: 400, message, code: '' }
}

/** The credentials, or what is wrong with the connection string in Neon's words. */
function parse(connectionString: string): Credentials | string {
  if (!URL.canParse(connectionString)) return 'invalid connection string'
  const url = new URL(connectionString)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') return 'incorrect scheme'
  if (url.hostname === '') return 'missing hostname'
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode)
  if (!database) return 'missing database name'
  if (!user) return 'missing username'
  if (!password) return 'missing authentication credentials: required password'
  return { user, password, database }
}

/** `undefined` for percent signs that encode nothing, which the caller reports as missing. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Digests first: timingSafeEqual needs equal lengths, and the length is a secret too. */
function same(given: string, expected: string): boolean {
  return timingSafeEqual(sha256(given), sha256(expected))
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
