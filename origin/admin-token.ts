// The operators' token: `Authorization: Bearer ADMIN_TOKEN`. Asked by the admin routes and by the door.

import type { Context } from 'hono'
import { addressOf } from '../src/http/address.ts'
import { sameSecret } from '../src/http/same-secret.ts'
import { Problem } from '../src/problem.ts'
import type { OriginEnv } from './env.ts'
import { limitAdmin } from './limits.ts'

/** Throws the Problem `admin_required` for a missing or wrong token; both look alike, and are counted. */
export async function requireAdmin(c: Context<OriginEnv>): Promise<void> {
  const given = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
  if (await sameSecret(given, c.var.config.adminToken)) return
  await limitAdmin(c, callerAddress(c))
  throw new Problem('admin_required', { detail: 'Send the admin token as "Authorization: Bearer …".' })
}

/** As the platform tells it; what a client may write into other headers counts for nothing. */
export const callerAddress = (c: Context<OriginEnv>): string => addressOf(c.req.raw) ?? 'unknown'
