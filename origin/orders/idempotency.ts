// Makes a POST safe to repeat: the first request with an Idempotency-Key claims it in Postgres, the answer is stored by
// the same statement that does the work, and repeats get that answer. Called by the routes; never logs a key.

import { and, eq, isNull, sql } from 'drizzle-orm'
import { base64url } from 'jose'
import type { Database } from '../../src/db/client.ts'
import { idempotencyKeys } from '../../src/db/orders.ts'
import { Problem } from '../../src/problem.ts'
import { logError } from '../log.ts'

/** Longer than any request lives; afterwards a repeat takes the place of a request that died. */
const LOCK_SECONDS = 30

/** A claimed key; `claim` guards the statement that stores the answer. */
export interface KeyClaim {
  readonly scope: string
  readonly key: string
  readonly claim: string
}

export type KeyOutcome =
  | { readonly status: 'claimed'; readonly claim: KeyClaim }
  | { readonly status: 'answered'; readonly response: Readonly<Record<string, unknown>> }

/** The header's value; throws a Problem where it is missing or not 16 to 255 visible ASCII characters. */
export function readIdempotencyKey(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw new Problem('idempotency_key_missing', {
      detail: 'Send an Idempotency-Key of 16 to 255 visible characters, the same one with every repeat.',
    })
  }
  if (/^[\x21-\x7e]{16,255}$/.test(header)) return header
  throw new Problem('idempotency_key_invalid', {
    detail: `The Idempotency-Key has ${header.length} characters; it must be 16 to 255 visible ASCII ones.`,
  })
}

/** Throws the Problems `idempotency_key_reused` and `idempotency_in_progress` (IETF draft, section 2.7). */
export async function claimKey(
  db: Database,
  { scope, key, request }: { scope: string; key: string; request: unknown },
): Promise<KeyOutcome> {
  const requestHash = await digest(JSON.stringify(request))
  const claim = crypto.randomUUID()
  // Where only the reply was lost the key is claimed all the same, and its repeat would be told to wait for nobody.
  const [mine] = await orReleaseKey(
    db,
    { scope, key, claim },
    async () =>
      await db
        .insert(idempotencyKeys)
        .values({
          scope,
          key,
          requestHash,
          claim,
          lockedUntil: sql`now() + ${LOCK_SECONDS} * interval '1 second'`,
        })
        .onConflictDoUpdate({
          target: [idempotencyKeys.scope, idempotencyKeys.key],
          set: { claim, lockedUntil: sql`excluded.locked_until` },
          setWhere: sql`${idempotencyKeys.response} is null and ${idempotencyKeys.lockedUntil} < now()
            and ${idempotencyKeys.requestHash} = excluded.request_hash`,
        })
        .returning({ claim: idempotencyKeys.claim }),
  )
  if (mine !== undefined) return { status: 'claimed', claim: { scope, key, claim } }
  const [earlier] = await db
    .select({ requestHash: idempotencyKeys.requestHash, response: idempotencyKeys.response })
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)))
  if (earlier !== undefined && earlier.requestHash !== requestHash) {
    throw new Problem('idempotency_key_reused', {
      detail: 'This Idempotency-Key came with another body before; use a new key for another request.',
    })
  }
  if (earlier?.response) return { status: 'answered', response: earlier.response }
  throw new Problem('idempotency_in_progress', {
    detail: 'The first request with this Idempotency-Key is still being answered; repeat it in a moment.',
    retryAfterSeconds: 1,
  })
}

/** Does the work of a claimed key; where it throws, gives the key back, so that the same key may try again. */
export async function orReleaseKey<Done>(
  db: Database,
  claim: KeyClaim,
  work: () => Promise<Done>,
): Promise<Done> {
  try {
    return await work()
  } catch (error) {
    await releaseKey(db, claim).catch((failed: unknown) => {
      // It frees itself when its lock ends; the error that matters is the first.
      logError('an idempotency key stays locked for some seconds', failed)
    })
    throw error
  }
}

/** An answer that was stored stays. */
async function releaseKey(db: Database, { scope, key, claim }: KeyClaim): Promise<void> {
  await db
    .delete(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.scope, scope),
        eq(idempotencyKeys.key, key),
        eq(idempotencyKeys.claim, claim),
        isNull(idempotencyKeys.response),
      ),
    )
}

async function digest(text: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))),
  )
}
