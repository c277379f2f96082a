// Makes the secrets of a deployment: random bytes and key pairs. Used by `npm run keygen` and by the embedded stack,
// which keeps its own in its data folder. Never prints; never writes anywhere else.
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair } from 'jose'

export interface Secrets {
  readonly VISITOR_SECRET: string
  readonly QUEUE_KEYS: string
  readonly ADMISSION_KEYS: string
  readonly ADMISSION_JWKS: string
  readonly TICKET_KEYS: string
  readonly ADMIN_TOKEN: string
  readonly DRAW_SECRET: string
}

const random = (bytes: number): string => randomBytes(bytes).toString('base64url')

async function ed25519(prefix: string) {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x, d } = await exportJWK(privateKey)
  return { kty, crv, x, d, kid: `${prefix}-${random(6)}` }
}

/** A full set, each value as the text that the Workers expect in the binding of that name. */
export async function makeSecrets(): Promise<Secrets> {
  const admission = await ed25519('admission')
  const { d: _private, ...published } = admission
  return {
    VISITOR_SECRET: random(32),
    QUEUE_KEYS: JSON.stringify({ keys: [{ kty: 'oct', kid: `queue-${random(6)}`, k: random(32) }] }),
    ADMISSION_KEYS: JSON.stringify({ keys: [admission] }),
    ADMISSION_JWKS: JSON.stringify({ keys: [published] }),
    TICKET_KEYS: JSON.stringify({ keys: [await ed25519('ticket')] }),
    ADMIN_TOKEN: random(24),
    DRAW_SECRET: random(32),
  }
}

/** What the stack's own stand-ins ask of the Workers that call them. */
export interface StackSecrets extends Secrets {
  readonly UPSTASH_TOKEN: string
  readonly NEON_PASSWORD: string
  readonly STRIPE_SECRET_KEY: string
  readonly STRIPE_WEBHOOK_SECRET: string
}

/** Reads the file, or makes it on the first start (mode 600). */
export async function keepSecrets(file: string): Promise<StackSecrets> {
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const made: StackSecrets = {
    ...(await makeSecrets()),
    UPSTASH_TOKEN: random(24),
    NEON_PASSWORD: random(18),
    STRIPE_SECRET_KEY: `sk_test_${random(18)}`,
    STRIPE_WEBHOOK_SECRET: `whsec_${random(24)}`,
    // A folder of an older version lacks the secrets that came since.
    ...(kept !== undefined && (JSON.parse(kept) as Partial<StackSecrets>)),
  }
  await writeFile(file, JSON.stringify(made, undefined, 2), { mode: 0o600 })
  return made
}
