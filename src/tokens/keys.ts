// Signing keys as JSON Web Key Sets in Worker secrets: the first key signs, every key verifies (rotation).
// Parsed once per isolate by the configuration of each Worker; `npm run keygen` makes them. Nothing here logs a key.

import {
  createLocalJWKSet,
  importJWK,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import { z } from 'zod'

const octKey = z.looseObject({ kty: z.literal('oct'), kid: z.string().min(1), k: z.string().min(43) })
const ed25519Public = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1),
  x: z.string().min(1),
})
const ed25519Private = ed25519Public.extend({ d: z.string().min(1) })

/** JSON text → key set; used as a field of each Worker's configuration schema, so that faults are gathered there. */
const jwks = <T extends z.ZodType>(key: T, accepted: string) =>
  z.string(`must be ${accepted}; make one with: npm run keygen`).transform((text, context) => {
    try {
      const parsed = z.object({ keys: z.array(key).min(1) }).safeParse(JSON.parse(text))
      if (parsed.success) return parsed.data
    } catch {
      // Not JSON: reported below in the same words as a wrong shape, without showing the value.
    }
    context.addIssue({ code: 'custom', message: `must be ${accepted}; make one with: npm run keygen` })
    return z.NEVER
  })

export const secretKeySet = jwks(octKey, 'a JSON key set of "oct" keys of at least 256 bits, each with a kid')
export const privateKeySet = jwks(ed25519Private, 'a JSON key set of private Ed25519 keys, each with a kid')
export const publicKeySet = jwks(
  // A private set pasted here would hand the origin the power to admit, and would verify nothing.
  ed25519Public.refine((key) => !('d' in key)),
  'a JSON key set of public Ed25519 keys (no "d"), each with a kid',
)

/** A key that signs, its id, and the function by which jose finds the key to verify with. */
export interface SigningKeys {
  readonly kid: string
  readonly sign: CryptoKey | Uint8Array
  readonly verify: JWTVerifyGetKey
}

/** HS256 keys; verification picks by `kid` and refuses a token that names none. */
export async function importSecretKeys(set: z.infer<typeof secretKeySet>): Promise<SigningKeys> {
  const keys = new Map<string, CryptoKey | Uint8Array>()
  // Imported here, once: given the bytes, jose would import them for every token.
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  for (const { kid, k } of set.keys) {
    keys.set(kid, await crypto.subtle.importKey('jwk', { kty: 'oct', k }, hmac, false, ['sign', 'verify']))
  }
  const [first] = keys
  if (first === undefined) throw new Error('a key set needs at least one key')
  return {
    kid: first[0],
    sign: first[1],
    verify: ({ kid }) => {
      const key = kid === undefined ? undefined : keys.get(kid)
      if (key === undefined) throw new UnknownKeyError()
      return key
    },
  }
}

/** Ed25519 keys; `publicSet` is what `jwks.json` shows. */
export async function importPrivateKeys(
  set: z.infer<typeof privateKeySet>,
): Promise<SigningKeys & { readonly publicSet: JSONWebKeySet }> {
  const publicSet: JSONWebKeySet = {
    keys: set.keys.map(({ kty, crv, kid, x }) => ({ kty, crv, kid, x, alg: 'EdDSA', use: 'sig' })),
  }
  const [first] = set.keys
  if (first === undefined) throw new Error('a key set needs at least one key')
  const sign = await importJWK(first as JWK, 'EdDSA')
  return { kid: first.kid, sign, verify: createLocalJWKSet(publicSet), publicSet }
}

/** What a verifier elsewhere needs: the published set. */
export function importPublicKeys(set: z.infer<typeof publicKeySet>): JWTVerifyGetKey {
  return createLocalJWKSet({ keys: set.keys.map((key) => ({ ...key, alg: 'EdDSA' })) })
}

/** The token names a key that this set does not hold. */
export class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError'
  readonly code = 'ERR_UNKNOWN_KEY'
}
