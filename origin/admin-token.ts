// The operators' token: `Authorization: Bearer ADMIN_TOKEN`. Asked by the admin routes and by the door.
// Compared by digest, so that neither length nor content can be read from the time it takes.

import type { Context } from 'hono'
import { addressOf } from '../src/http/address.ts'
import { Problem } from '../src/problem.ts'
import type { OriginEnv } from './env.ts'
import { limitAdmin } from './limits.ts'

/** Throws the Problem `admin_required` for a missing or wrong token; both look alike, and are counted. */
export async function requireAdmin(c: Context<OriginEnv>): Promise<void> {
  const given = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
  const [left, right] = await Promise.all([sha256(given), sha256(c.var.config.adminToken)])
  let difference = 0
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  if (difference === 0) return
  await limitAdmin(c, callerAddress(c))
  throw new Problem('admin_required', { detail: 'Send the admin token as "Authorization: Bearer …".' })
}

/** As the platform tells it; what a client may write into other headers counts for nothing. */
export const callerAddress = (c: Context<OriginEnv>): string => addressOf(c.req.raw) ?? 'unknown'

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
