import { beforeAll, expect, test } from 'vitest'
import { readEdgeConfig } from '../../../edge/config.ts'
import { makeSecrets } from '../../../local/secrets.ts'
import { ConfigError } from '../../../src/config/fault.ts'

let good: Record<string, unknown>
beforeAll(async () => {
  const { ADMISSION_JWKS: _origins, TICKET_KEYS: _tickets, ...secrets } = await makeSecrets()
  good = {
    ...secrets,
    UPSTASH_REDIS_REST_URL: 'https://example.upstash.io',
    UPSTASH_REDIS_REST_TOKEN: 'token-of-redis',
    ROOMS: { demo: {} },
  }
})

async function faultsOf(env: object): Promise<readonly string[]> {
  const error = await readEdgeConfig(env).catch((thrown: unknown) => thrown)
  if (!(error instanceof ConfigError)) throw new Error('no ConfigError', { cause: error })
  return error.faults
}

test('a room without settings and the secrets are enough', async () => {
  const config = await readEdgeConfig(good)
  expect([...config.rooms.keys()]).toEqual(['demo'])
  expect(config).toMatchObject({ issuer: 'foyer', cookies: 'secure', coalesceWindowMs: 30 })
})

test('vars may come as text, as from the command line', async () => {
  expect(await readEdgeConfig({ ...good, COALESCE_WINDOW_MS: '5' })).toMatchObject({ coalesceWindowMs: 5 })
})

test('every fault is reported at once, in words, and no value of a secret', async () => {
  const faults = await faultsOf({
    ...good,
    VISITOR_SECRET: 'short-secret',
    ADMIN_TOKEN: undefined,
    QUEUE_KEYS: '{"keys":[{"kty":"oct","kid":"a","k":"weak-key"}]}',
    UPSTASH_REDIS_REST_URL: 'redis://not-http:6379',
    COOKIES: 'insecure',
    JOINS_PER_MINUTE_LOCAL: -1,
    ROOMS: { demo: { new_users_per_minute: -5, colour: 'red', bypass: [{}] }, 'Bad Name': {} },
  })
  const text = faults.join('\n')
  for (const name of [
    'VISITOR_SECRET must be at least 43 characters',
    'ADMIN_TOKEN is missing',
    'QUEUE_KEYS must be',
    'UPSTASH_REDIS_REST_URL must be the http(s) address',
    'COOKIES = "insecure": must be "secure" or "plain"',
    'JOINS_PER_MINUTE_LOCAL = -1: must be a whole number from 1',
    'ROOMS.demo.new_users_per_minute = -5: must be 1 or more',
    'ROOMS.demo: unknown setting "colour"',
    'ROOMS.demo.bypass.0',
    'ROOMS.Bad Name',
  ]) {
    expect(text).toContain(name)
  }
  for (const value of ['short-secret', 'weak-key', 'not-http']) expect(text).not.toContain(value)
})

test('an empty environment names everything that is missing', async () => {
  const faults = await faultsOf({})
  for (const name of [
    'UPSTASH_REDIS_REST_URL',
    'UPSTASH_REDIS_REST_TOKEN',
    'VISITOR_SECRET',
    'QUEUE_KEYS',
    'ADMISSION_KEYS',
    'ADMIN_TOKEN',
    'ROOMS',
  ]) {
    expect(
      faults.filter((fault) => fault.startsWith(name)),
      name,
    ).toHaveLength(1)
  }
})

test('a key of the right shape that is no key is a fault, and is not shown', async () => {
  const keys = JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'k', x: 'bm8', d: 'c2VjcmV0' }] })
  const faults = await faultsOf({ ...good, ADMISSION_KEYS: keys })
  expect(faults).toEqual([expect.stringContaining('ADMISSION_KEYS holds a key that cannot be imported')])
  expect(faults.join('')).not.toContain('c2VjcmV0')
})
