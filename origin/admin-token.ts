// The operators' token and the doors': `Authorization: Bearer ADMIN_TOKEN`, or DOOR_TOKEN, which opens ticket checks and
// nothing else. Asked by the admin routes and by those of tickets.

import type { Context } from 'hono'
import { addressOf } from '../src/http/address.ts'
import { sameSecret } from '../src/http/same-secret.ts'
import { Problem } from '../src/problem.ts'
import type { OriginEnv } from './env.ts'
import { limitAdmin } from './limits.ts'

/** Throws the Problem `admin_required` for a missing or wrong token; both look alike, and are counted. */
export async function requireAdmin(c: Context<OriginEnv>): Promise<void> {
  if (await sameSecret(givenToken(c), c.var.config.adminToken)) return
  await limitAdmin(c, callerAddress(c))
  throw new Problem('admin_required', { detail: 'Send the admin token as "Authorization: Bearer …".' })
}

/** As `requireAdmin`, for whoever stands at a door: the doors' token, where there is one, or the operators'. */
export async function requireDoor(c: Context<OriginEnv>): Promise<void> {
  const { doorToken } = c.var.config
  if (doorToken !== undefined && (await sameSecret(givenToken(c), doorToken))) return
  await requireAdmin(c)
}

const givenToken = (c: Context<OriginEnv>): string =>
  /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''

/** As the platform tells it; what a client may write into other headers counts for nothing. */
export const callerAddress = (c: Context<OriginEnv>): string => addressOf(c.req.raw) ?? 'unknown'
