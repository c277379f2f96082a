// The origin's configuration: all faults at once, no secret in any of them.
import { expect, test } from 'vitest'
import { makeSecrets } from '../../../local/secrets.ts'
import { parseConfig } from '../../../origin/config.ts'
import { ConfigError } from '../../../src/config/fault.ts'

async function goodEnv(): Promise<Record<string, unknown>> {
  const { ADMISSION_JWKS, TICKET_KEYS, ADMIN_TOKEN } = await makeSecrets()
  return {
    ADMISSION_JWKS,
    TICKET_KEYS,
    ADMIN_TOKEN,
    UPSTASH_REDIS_REST_URL: 'https://redis.example',
    UPSTASH_REDIS_REST_TOKEN: 'redis-token',
    DATABASE_URL: 'postgres://user:database-password@db.example/shop',
    STRIPE_SECRET_KEY: 'sk_test_1',
    STRIPE_WEBHOOK_SECRET: 'whsec_new, whsec_old',
    PAYMENT_PAGE_URL: 'https://pay.example/',
  }
}

async function faultsOf(env: object): Promise<readonly string[]> {
  const error: unknown = await parseConfig(env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ConfigError)) throw new Error('the configuration was accepted')
  return error.faults
}

test('a full environment is accepted, with defaults, and vars may be numbers or text', async () => {
  const config = await parseConfig({ ...(await goodEnv()), HOLD_SECONDS: '240', SEATS_PER_HOLD: 4 })
  expect(config).toMatchObject({ holdMs: 240_000, seatsPerHold: 4, holdMaxMs: 900_000, issuer: 'foyer' })
  expect(config.payment).toMatchObject({
    pageUrl: 'https://pay.example',
    apiUrl: 'https://api.stripe.com',
    webhookSecrets: ['whsec_new', 'whsec_old'],
  })
})

test('every missing secret and every bad value is reported in one error', async () => {
  const faults = await faultsOf({
    PAYMENT_PAGE_URL: '',
    HOLD_SECONDS: -1,
    SEATS_PER_HOLD: 'many',
    NEON_ENDPOINT: 'x',
  })
  const named = faults.map((fault) => fault.split(/[ :]/)[0])
  expect(new Set(named)).toEqual(
    new Set([
      'ADMIN_TOKEN',
      'ADMISSION_JWKS',
      'DATABASE_URL',
      'HOLD_SECONDS',
      'NEON_ENDPOINT',
      'PAYMENT_PAGE_URL',
      'SEATS_PER_HOLD',
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRET',
      'TICKET_KEYS',
      'UPSTASH_REDIS_REST_TOKEN',
      'UPSTASH_REDIS_REST_URL',
    ]),
  )
})

test('a secret that is malformed is named and never shown', async () => {
  const secret = 'not-a-key-set-but-secret'
  const faults = await faultsOf({
    ...(await goodEnv()),
    ADMIN_TOKEN: 'short-secret',
    DATABASE_URL: 'mysql://user:database-password@db.example/shop',
    TICKET_KEYS: secret,
  })
  expect(faults).toHaveLength(3)
  for (const shown of [secret, 'short-secret', 'database-password'])
    expect(faults.join()).not.toContain(shown)
})

test('holds cannot last longer than their ceiling', async () => {
  expect(await faultsOf({ ...(await goodEnv()), HOLD_SECONDS: 600, HOLD_MAX_SECONDS: 300 })).toEqual([
    'HOLD_MAX_SECONDS = 300: must be at least HOLD_SECONDS (600)',
  ])
})

test('a misspelt setting is a fault, and its value is not shown', async () => {
  const faults = await faultsOf({
    ...(await goodEnv()),
    HOLD_SECS: 'secret-value',
    ASSETS: new Headers(),
  })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain('HOLD_SECS is not a setting of this Worker; known are ')
  expect(faults[0]).not.toContain('secret-value')
})

test('the public address is reduced to its origin, and may be left out', async () => {
  const good = await goodEnv()
  const named = await parseConfig({ ...good, PUBLIC_URL: 'https://tickets.example/shop/' })
  expect(named.publicOrigin).toBe('https://tickets.example')
  expect((await parseConfig(good)).publicOrigin).toBeUndefined()
})

test('private keys where public ones belong are a fault, and are not shown', async () => {
  const { ADMISSION_KEYS } = await makeSecrets()
  const faults = await faultsOf({ ...(await goodEnv()), ADMISSION_JWKS: ADMISSION_KEYS })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain('ADMISSION_JWKS')
  expect(faults[0]).toContain('public Ed25519 keys')
  expect(faults[0]).not.toContain('"d":')
})
