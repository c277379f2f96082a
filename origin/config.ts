// The origin's configuration: every variable and secret of wrangler.toml, parsed once per isolate and frozen.
// All faults are reported at once; the value of a secret is never shown. No I/O beyond importing keys.

import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { ConfigError, describeIssues, unknownNames } from '../src/config/fault.ts'
import {
  importPrivateKeys,
  importPublicKeys,
  privateKeySet,
  publicKeySet,
  type SigningKeys,
} from '../src/tokens/keys.ts'
import { secondsToMs } from '../src/time.ts'

/** The largest SEATS_PER_HOLD. */
export const SEATS_PER_HOLD_MOST = 100

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
const secret = z.string('must be set as a secret').min(1, 'must be set as a secret')
// `.dev.vars` and dashboards give text, wrangler.toml numbers; `Number('')` would be 0, hence no plain coercion.
const wholeNumber = (least: number, most: number) =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^-?\d+$/)
          .transform(Number),
      ],
      `must be a whole number from ${least} to ${most}`,
    )
    .refine(
      (n) => Number.isInteger(n) && n >= least && n <= most,
      `must be a whole number from ${least} to ${most}`,
    )

const secretsSchema = z.object({
  UPSTASH_REDIS_REST_URL: httpUrl,
  UPSTASH_REDIS_REST_TOKEN: secret,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }),
  /** Public keys of the admission tokens. */
  ADMISSION_JWKS: publicKeySet,
  /** Keys that sign tickets; the first signs, all verify. */
  TICKET_KEYS: privateKeySet,
  STRIPE_SECRET_KEY: secret,
  /** Several, separated by commas, while the provider's secret is being changed. */
  STRIPE_WEBHOOK_SECRET: secret.transform((text) => text.split(',').map((part) => part.trim())),
  ADMIN_TOKEN: z.string('must be set as a secret').min(16, 'must have at least 16 characters'),
  /** For catalogue and layout alone; empty for DATABASE_URL. */
  DATABASE_REPLICA_URL: z
    .union([z.literal(''), z.url({ protocol: /^postgres(ql)?$/ })], 'must be a postgres:// URL')
    .default(''),
  /** For doors: opens ticket checks and nothing else. Empty: only ADMIN_TOKEN opens them. */
  DOOR_TOKEN: z.union([z.literal(''), z.string().min(16)], 'must have at least 16 characters').default(''),
  RESEND_API_KEY: z.string().default(''),
})

const varsSchema = z.object({
  ISSUER: z.string().min(1, 'must not be empty').default('foyer'),
  /** Where buyers come back to after paying; empty for the address that they used. */
  PUBLIC_URL: z.union([z.literal(''), httpUrl], 'must be empty or an http or https URL').default(''),
  PAYMENT_API_URL: httpUrl.default('https://api.stripe.com'),
  /** Address of the page on which buyers enter their card. */
  PAYMENT_PAGE_URL: httpUrl,
  /** Empty for the driver's own address. */
  NEON_ENDPOINT: z.union([z.literal(''), httpUrl], 'must be empty or an http or https URL').default(''),
  HOLD_SECONDS: wholeNumber(30, 3_600).default(300),
  HOLD_MAX_SECONDS: wholeNumber(30, 7_200).default(900),
  /** How often a visitor may extend a hold. */
  HOLD_EXTENSIONS: wholeNumber(0, 20).default(2),
  SEATS_PER_HOLD: wholeNumber(1, SEATS_PER_HOLD_MOST).default(8),
  SEATS_PER_BUYER: wholeNumber(1, 1_000).default(8),
  /** Holds that one admission session may take in a minute. */
  HOLDS_PER_MINUTE: wholeNumber(1, 100_000).default(30),
  /** Orders that one admission session may place in a minute. */
  ORDERS_PER_MINUTE: wholeNumber(1, 100_000).default(10),
  /** How long Redis answers for Postgres in the catalogue; 0 for never. */
  CATALOGUE_CACHE_SECONDS: wholeNumber(0, 3_600).default(60),
  /** Who tells buyers: a line in the log, or an email by Resend. */
  NOTIFIER: z.enum(['log', 'resend'], 'must be "log" or "resend"').default('log'),
  NOTIFIER_API_URL: httpUrl.default('https://api.resend.com'),
  /** Sender of emails, such as "Tickets <tickets@example.com>". */
  NOTIFIER_FROM: z.string().max(200).default(''),
})

const schema = z.object({ ...secretsSchema.shape, ...varsSchema.shape })

const SECRETS: readonly string[] = [
  'UPSTASH_REDIS_REST_TOKEN',
  'DATABASE_URL',
  'ADMISSION_JWKS',
  'TICKET_KEYS',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'ADMIN_TOKEN',
  'DATABASE_REPLICA_URL',
  'DOOR_TOKEN',
  'RESEND_API_KEY',
]

export interface OriginConfig {
  readonly redis: { readonly url: string; readonly token: string }
  readonly database: {
    readonly url: string
    readonly replicaUrl: string | undefined
    readonly endpoint: string
  }
  readonly issuer: string
  /** Origin to which buyers come back, without a slash at the end; `undefined` for the one that they used. */
  readonly publicOrigin: string | undefined
  /** Finds the public key of an admission token. */
  readonly admissionKeys: JWTVerifyGetKey
  readonly ticketKeys: SigningKeys & { readonly publicSet: JSONWebKeySet }
  readonly payment: {
    readonly apiUrl: string
    readonly pageUrl: string
    readonly secretKey: string
    readonly webhookSecrets: readonly string[]
  }
  readonly adminToken: string
  readonly doorToken: string | undefined
  readonly notifier:
    | { readonly kind: 'log' }
    | { readonly kind: 'resend'; readonly apiUrl: string; readonly apiKey: string; readonly from: string }
  readonly catalogueCacheSeconds: number
  readonly holdExtensions: number
  readonly holdMs: number
  readonly holdMaxMs: number
  readonly seatsPerHold: number
  readonly seatsPerBuyer: number
  readonly holdsPerMinute: number
  readonly ordersPerMinute: number
}

/** Every fault that can be told without the secrets: of the variables alone. */
export function findVarFaults(vars: object): string[] {
  const faults = unknownNames(vars, Object.keys(schema.shape))
  const parsed = varsSchema.safeParse(vars)
  return parsed.success
    ? [...faults, ...faultsOfHoldTimes(parsed.data)]
    : [...faults, ...describeIssues('', vars, parsed.error)]
}

/** Throws one `ConfigError` that names every fault. */
export async function parseConfig(env: object): Promise<OriginConfig> {
  const parsed = schema.safeParse(env)
  const faults = unknownNames(env, Object.keys(schema.shape))
  if (!parsed.success) faults.push(...describeIssues('', withoutSecrets(env), parsed.error))
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults)
  const vars = parsed.data
  const unfit = [...faultsOfHoldTimes(vars), ...faultsOfNotifier(vars)]
  if (unfit.length > 0) throw new ConfigError(unfit)
  return Object.freeze({
    redis: { url: vars.UPSTASH_REDIS_REST_URL, token: vars.UPSTASH_REDIS_REST_TOKEN },
    database: {
      url: vars.DATABASE_URL,
      replicaUrl: vars.DATABASE_REPLICA_URL === '' ? undefined : vars.DATABASE_REPLICA_URL,
      endpoint: vars.NEON_ENDPOINT,
    },
    issuer: vars.ISSUER,
    publicOrigin: vars.PUBLIC_URL === '' ? undefined : new URL(vars.PUBLIC_URL).origin,
    admissionKeys: importPublicKeys(vars.ADMISSION_JWKS),
    ticketKeys: await importPrivateKeys(vars.TICKET_KEYS),
    payment: {
      apiUrl: vars.PAYMENT_API_URL,
      pageUrl: vars.PAYMENT_PAGE_URL.replace(/\/+$/, ''),
      secretKey: vars.STRIPE_SECRET_KEY,
      webhookSecrets: vars.STRIPE_WEBHOOK_SECRET,
    },
    adminToken: vars.ADMIN_TOKEN,
    doorToken: vars.DOOR_TOKEN === '' ? undefined : vars.DOOR_TOKEN,
    notifier:
      vars.NOTIFIER === 'log'
        ? { kind: 'log' as const }
        : {
            kind: vars.NOTIFIER,
            apiUrl: vars.NOTIFIER_API_URL.replace(/\/+$/, ''),
            apiKey: vars.RESEND_API_KEY,
            from: vars.NOTIFIER_FROM,
          },
    catalogueCacheSeconds: vars.CATALOGUE_CACHE_SECONDS,
    holdExtensions: vars.HOLD_EXTENSIONS,
    holdMs: secondsToMs(vars.HOLD_SECONDS),
    holdMaxMs: secondsToMs(vars.HOLD_MAX_SECONDS),
    seatsPerHold: vars.SEATS_PER_HOLD,
    seatsPerBuyer: vars.SEATS_PER_BUYER,
    holdsPerMinute: vars.HOLDS_PER_MINUTE,
    ordersPerMinute: vars.ORDERS_PER_MINUTE,
  })
}

const faultsOfHoldTimes = (vars: z.infer<typeof varsSchema>): string[] =>
  vars.HOLD_MAX_SECONDS < vars.HOLD_SECONDS
    ? [`HOLD_MAX_SECONDS = ${vars.HOLD_MAX_SECONDS}: must be at least HOLD_SECONDS (${vars.HOLD_SECONDS})`]
    : []

function faultsOfNotifier(vars: z.infer<typeof schema>): string[] {
  if (vars.NOTIFIER === 'log') return []
  return [
    ...(vars.RESEND_API_KEY === ''
      ? ['RESEND_API_KEY: must be set as a secret where NOTIFIER is "resend"']
      : []),
    ...(vars.NOTIFIER_FROM === '' ? ['NOTIFIER_FROM: must name the sender where NOTIFIER is "resend"'] : []),
  ]
}

/** The same variables with each secret that is set replaced, so that no fault can quote one. */
function withoutSecrets(env: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      SECRETS.includes(name) && value !== '' ? '(a secret, not shown)' : value,
    ]),
  )
}
