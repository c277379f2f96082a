// The edge Worker's settings, parsed once per isolate from vars and secrets. Every fault is reported at once, in words,
// by `ConfigError`; the value of a secret is never part of a message. Reads nothing but the environment it is given.

import { z } from 'zod'
import { ConfigError, describeIssues, unknownNames } from '../src/config/fault.ts'
import { parseRooms, type Room } from '../src/config/room.ts'
import type { RoomId } from '../src/ids.ts'
import {
  importPrivateKeys,
  importSecretKeys,
  privateKeySet,
  secretKeySet,
  type SigningKeys,
} from '../src/tokens/keys.ts'

/** Vars arrive as numbers from wrangler.toml and as text from the command line. */
const wholeNumber = (least: number, most: number, fallback: number) => {
  const accepted = `must be a whole number from ${least} to ${most}`
  return z
    .preprocess(
      (value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value),
      z.number(accepted).int(accepted).min(least, accepted).max(most, accepted),
    )
    .default(fallback)
}

const varsSchema = z.object({
  /** `iss` of every token. */
  ISSUER: z.string('must be a name').min(1, 'must not be empty').default('foyer'),
  /** `plain` is the local stack's own flag: names without `__Host-`, cookies without Secure. */
  COOKIES: z.enum(['secure', 'plain'], 'must be "secure" or "plain"').default('secure'),
  COALESCE_WINDOW_MS: wholeNumber(0, 1_000, 30),
  COALESCE_CLAIM_MS: wholeNumber(0, 2_000, 250),
  JOINS_PER_MINUTE_LOCAL: wholeNumber(1, 1_000_000, 30),
  JOINS_PER_MINUTE_GLOBAL: wholeNumber(1, 1_000_000, 120),
  STREAMS_PER_ISOLATE: wholeNumber(0, 100_000, 1_000),
})

const secret = (leastCharacters: number) => {
  const accepted = `must be at least ${leastCharacters} characters; make one with: npm run keygen`
  return z.string(accepted).min(leastCharacters, accepted)
}
const secretsSchema = z.object({
  UPSTASH_REDIS_REST_URL: z.url({
    protocol: /^https?$/,
    error: 'must be the http(s) address of the Upstash REST API',
  }),
  UPSTASH_REDIS_REST_TOKEN: z.string('must be the token of the Upstash REST API').min(1, 'must not be empty'),
  /** Keys the HMAC behind visitor and session ids: 256 bits. */
  VISITOR_SECRET: secret(43),
  QUEUE_KEYS: secretKeySet,
  ADMISSION_KEYS: privateKeySet,
  ADMIN_TOKEN: secret(24),
  /** Keys the secrets of draws: 256 bits. Needed where a room draws a lottery. */
  DRAW_SECRET: secret(43).optional(),
})

export interface EdgeConfig {
  readonly rooms: ReadonlyMap<RoomId, Room>
  readonly issuer: string
  readonly cookies: 'secure' | 'plain'
  readonly coalesceWindowMs: number
  readonly coalesceClaimMs: number
  readonly joinsPerMinute: { readonly local: number; readonly global: number }
  readonly streamsPerIsolate: number
  readonly redis: { readonly url: string; readonly token: string }
  readonly visitorSecret: string
  readonly drawSecret: string | undefined
  readonly adminToken: string
  readonly queueKeys: SigningKeys
  readonly admissionKeys: Awaited<ReturnType<typeof importPrivateKeys>>
}

/** What can be told without the secrets: every fault of vars and rooms, and those that have none. */
export function readEdgeVars(env: object) {
  const faults = unknownNames(env, [
    'ROOMS',
    ...Object.keys(varsSchema.shape),
    ...Object.keys(secretsSchema.shape),
  ])
  const vars = varsSchema.safeParse(env)
  if (!vars.success) faults.push(...describeIssues('', env, vars.error))
  const rooms = gather(faults, () => parseRooms(Reflect.get(env, 'ROOMS')))
  return { faults, vars: vars.data, rooms }
}

/** Throws one `ConfigError` with every fault of rooms, vars and secrets. */
export async function readEdgeConfig(env: object): Promise<EdgeConfig> {
  const { faults, vars, rooms } = readEdgeVars(env)
  const secrets = secretsSchema.safeParse(env)
  if (!secrets.success) {
    for (const { path, message } of secrets.error.issues) {
      const name = String(path[0])
      faults.push(`${name}${Reflect.get(env, name) === undefined ? ' is missing:' : ''} ${message}`)
    }
  }
  faults.push(...missingDrawSecret(env, rooms))
  if (vars === undefined || !secrets.success || rooms === undefined || faults.length > 0)
    throw new ConfigError(faults)
  const [queueKeys, admissionKeys] = await Promise.all([
    importKeys('QUEUE_KEYS', faults, () => importSecretKeys(secrets.data.QUEUE_KEYS)),
    importKeys('ADMISSION_KEYS', faults, () => importPrivateKeys(secrets.data.ADMISSION_KEYS)),
  ])
  if (queueKeys === undefined || admissionKeys === undefined) throw new ConfigError(faults)
  return Object.freeze({
    rooms,
    issuer: vars.ISSUER,
    cookies: vars.COOKIES,
    coalesceWindowMs: vars.COALESCE_WINDOW_MS,
    coalesceClaimMs: vars.COALESCE_CLAIM_MS,
    joinsPerMinute: { local: vars.JOINS_PER_MINUTE_LOCAL, global: vars.JOINS_PER_MINUTE_GLOBAL },
    streamsPerIsolate: vars.STREAMS_PER_ISOLATE,
    redis: { url: secrets.data.UPSTASH_REDIS_REST_URL, token: secrets.data.UPSTASH_REDIS_REST_TOKEN },
    visitorSecret: secrets.data.VISITOR_SECRET,
    drawSecret: secrets.data.DRAW_SECRET,
    adminToken: secrets.data.ADMIN_TOKEN,
    queueKeys,
    admissionKeys,
  })
}

/** Without it a lottery could be entered and never drawn. */
function missingDrawSecret(env: object, rooms: ReadonlyMap<RoomId, Room> | undefined): string[] {
  const lottery = [...(rooms?.values() ?? [])].find((room) => room.queueing_method === 'lottery')
  if (lottery === undefined || Reflect.get(env, 'DRAW_SECRET') !== undefined) return []
  return [
    `DRAW_SECRET is missing: ROOMS.${lottery.id}.queueing_method = "lottery" needs it; make one with: npm run keygen`,
  ]
}

function gather<T>(faults: string[], parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    faults.push(...error.faults)
    return undefined
  }
}

/** A set may have the right shape and still hold a key that is none; the reason could quote the key, so it is not shown. */
async function importKeys<T>(
  name: string,
  faults: string[],
  importSet: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await importSet()
  } catch {
    faults.push(`${name} holds a key that cannot be imported; make one with: npm run keygen`)
    return undefined
  }
}
