// The origin's own look at the admission token: what passes, and every attack that must not, all alike on the wire.

import { Hono } from 'hono'
import { exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest'
import { requireAdmission } from '../../origin/admission.ts'
import type { OriginConfig } from '../../origin/config.ts'
import type { OriginEnv } from '../../origin/env.ts'
import { parseRoomId, parseSessionId, parseVisitorId, type RoomId } from '../../src/ids.ts'
import { onError } from '../../src/problem.ts'
import { signAdmissionToken, type AdmissionClaims } from '../../src/tokens/admission-token.ts'
import {
  importPrivateKeys,
  importPublicKeys,
  importSecretKeys,
  privateKeySet,
  publicKeySet,
  secretKeySet,
} from '../../src/tokens/keys.ts'
import { signQueueToken } from '../../src/tokens/queue-token.ts'

const ISSUER = 'foyer'
const room = must(parseRoomId('demo'))
const otherRoom = must(parseRoomId('quiet'))
const MINUTE_MS = 60_000

const jwk = await newKey('key-1')
const { d: _private, ...published } = jwk
const signing = await importPrivateKeys(privateKeySet.parse(JSON.stringify({ keys: [jwk] })))
const config = configFor(published)

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a test value does not parse')
  return value
}

async function newKey(kid: string) {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  return { ...(await exportJWK(privateKey)), kid }
}

/** Only what admission reads; the rest of the configuration has no part in it. */
function configFor(key: JWK): OriginConfig {
  const admissionKeys = importPublicKeys(publicKeySet.parse(JSON.stringify({ keys: [key] })))
  return { issuer: ISSUER, admissionKeys } as OriginConfig
}

const app = new Hono<OriginEnv>()
  .use(async (c, next) => {
    c.set('config', config)
    await next()
  })
  .get('/in/:room', async (c) =>
    c.json(await requireAdmission(c, must(parseRoomId(c.req.param('room')))), 200),
  )
app.onError(onError)

const ask = (headers: Record<string, string>, path = '/in/demo') => app.request(path, { headers })
const present = (token: string, path?: string) => ask({ 'Waiting-Room-Token': token }, path)

const claims = (over: Partial<AdmissionClaims> = {}): AdmissionClaims => ({
  room,
  visitor: must(parseVisitorId('visitor-of-this-test')),
  session: must(parseSessionId('session-of-this-test')),
  sale: 'winter',
  expiresAtMs: Date.now() + MINUTE_MS,
  sessionEndMs: Date.now() + 60 * MINUTE_MS,
  ...over,
})
const sign = (
  over: Partial<AdmissionClaims> = {},
  { keys = signing, issuer = ISSUER, nowMs = Date.now() } = {},
) => signAdmissionToken(claims(over), keys, { issuer, nowMs })

/** A token with all the right claims, signed by the right key, with one thing changed. */
async function forge({
  header = {},
  payload = {},
  key = jwk,
}: {
  header?: Record<string, unknown>
  payload?: Record<string, unknown>
  key?: JWK
}): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const { session, visitor, sale } = claims()
  return new SignJWT({
    iss: ISSUER,
    aud: room,
    sub: visitor,
    jti: session,
    sal: sale,
    end: nowSeconds + 3_600,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 60,
    ...payload,
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'admission+jwt', kid: 'key-1', ...header })
    .sign(await importJWK(key, typeof header['alg'] === 'string' ? header['alg'] : 'EdDSA'))
}

async function queueToken(aud: RoomId): Promise<string> {
  const secret = { kty: 'oct', kid: 'key-1', k: Buffer.alloc(32, 7).toString('base64url') }
  const keys = await importSecretKeys(secretKeySet.parse(JSON.stringify({ keys: [secret] })))
  const { visitor, sale } = claims()
  const place = { epoch: 1, place: 1_763_000_000_000_000, ahead: 0, calledTotal: 0, leftTotal: 0 }
  return signQueueToken({ room: aud, visitor, sale, ...place }, keys, {
    issuer: ISSUER,
    nowMs: Date.now(),
    ttlSeconds: 3_600,
  })
}

const withoutSignature = (token: string) => token.replace(/\.[^.]+$/, '.')
const withPayload = (token: string, change: object) => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  return [header, Buffer.from(JSON.stringify({ ...read, ...change })).toString('base64url'), signature].join(
    '.',
  )
}

let logged: MockInstance<typeof console.log>
beforeEach(() => {
  logged = vi.spyOn(console, 'log').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('a token of the room admits, again and again', async () => {
  const token = await sign()
  for (let i = 0; i < 3; i += 1) {
    const response = await present(token)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      room: 'demo',
      session: 'session-of-this-test',
      sale: 'winter',
    })
  }
})

test('a forged token with nothing changed would be admitted: the attacks below fail for what they change', async () => {
  expect((await present(await forge({}))).status).toBe(200)
})

describe('refused, all with the same answer', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1_000)
  const attacks: Record<string, [reason: string, make: () => string | Promise<string>]> = {
    'an empty token': ['malformed', () => ''],
    'a text that is no token': ['malformed', () => 'not-a-token'],
    'three parts of nonsense': ['malformed', () => 'a.b.c'],
    'a very long text': ['malformed', () => 'a'.repeat(100_000)],
    'two tokens in one header': ['malformed', async () => `${await sign()}, ${await sign()}`],
    'a token that ended before the tolerance': [
      'expired',
      () => sign({ expiresAtMs: Date.now() - 2 * MINUTE_MS }, { nowMs: Date.now() - 3 * MINUTE_MS }),
    ],
    'a token that is not valid yet': ['not_yet_valid', () => sign({}, { nowMs: Date.now() + 3 * MINUTE_MS })],
    'a token of another key under our key id': [
      'signature',
      async () => forge({ key: await newKey('key-1') }),
    ],
    'a token of a key that we do not know': ['unknown_key', () => forge({ header: { kid: 'key-2' } })],
    'a token whose payload was altered': [
      'signature',
      async () => withPayload(await sign(), { sub: 'somebody-else-entirely' }),
    ],
    'a token without its signature': ['signature', async () => withoutSignature(await sign())],
    'a token of another issuer': ['issuer', () => sign({}, { issuer: 'elsewhere' })],
    'a token of another room': ['audience', () => sign({ room: otherRoom })],
    'a token of another kind by the same key': ['type', () => forge({ header: { typ: 'ticket+jwt' } })],
    'a token that names no kind': ['type', () => forge({ header: { typ: undefined } })],
    'a queue token of the room': ['algorithm', () => queueToken(room)],
    'alg none': ['algorithm', () => unsecured()],
    'an HS256 token signed with our public key as the secret': [
      'algorithm',
      () => forge({ header: { alg: 'HS256' }, key: { kty: 'oct', k: must(published.x), kid: 'key-1' } }),
    ],
    'a token without a session': ['claims', () => forge({ payload: { jti: undefined } })],
    'a token whose session is no id': ['claims', () => forge({ payload: { jti: 'a b' } })],
    'a token without a visitor': ['claims', () => forge({ payload: { sub: undefined } })],
    'a token without an end': ['claims', () => forge({ payload: { exp: undefined } })],
    'a token with a text for its end': ['claims', () => forge({ payload: { exp: 'never' } })],
    'a token without the end of its session': ['claims', () => forge({ payload: { end: undefined } })],
    'a token that ended one second before the tolerance': [
      'expired',
      () => forge({ payload: { exp: nowSeconds() - 61 } }),
    ],
  }
  function unsecured(): string {
    const plain = new UnsecuredJWT({ jti: claims().session }).setSubject(claims().visitor).setAudience(room)
    const [, payload] = plain.setIssuer(ISSUER).setExpirationTime('1h').encode().split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'admission+jwt', kid: 'key-1' }))
    return `${header.toString('base64url')}.${payload}.`
  }

  test.each(Object.entries(attacks))('%s', async (_, [reason, make]) => {
    const token = await make()
    const response = await present(token)
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Admission by the waiting room is required',
      status: 401,
      code: 'admission_required',
      detail: 'Join the queue of this waiting room first; once admitted, the same request is answered.',
      room: 'demo',
      queueUrl: '/.waiting-room/demo/join',
    })
    const line = String(logged.mock.calls.at(-1)?.[0])
    expect(JSON.parse(line)).toMatchObject({ message: 'admission refused', room: 'demo', reason })
    if (token.length > 5) expect(line).not.toContain(token.slice(0, 40))
  })

  test('a good token anywhere but in its header', async () => {
    const token = await sign()
    for (const [headers, path] of [
      [{}, undefined],
      [{ authorization: `Bearer ${token}` }, undefined],
      [{ cookie: `__Host-wr-pass-demo=${token}` }, undefined],
      [{}, `/in/demo?Waiting-Room-Token=${token}`],
    ] as const) {
      expect((await ask(headers, path)).status).toBe(401)
      expect(JSON.parse(String(logged.mock.calls.at(-1)?.[0]))).toMatchObject({ reason: 'missing' })
    }
  })
})

describe('a remembered token', () => {
  test('is refused once it has ended, tolerance included', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const token = await sign()
    expect((await present(token)).status).toBe(200)
    vi.setSystemTime(Date.now() + MINUTE_MS + 59_000)
    expect((await present(token)).status).toBe(200)
    vi.setSystemTime(Date.now() + 2_000)
    expect((await present(token)).status).toBe(401)
  })

  test('opens no other room', async () => {
    const token = await sign()
    expect((await present(token)).status).toBe(200)
    expect((await present(token, '/in/quiet')).status).toBe(401)
    expect(JSON.parse(String(logged.mock.calls.at(-1)?.[0]))).toMatchObject({ reason: 'audience' })
  })

  test('is not remembered for a configuration with other keys', async () => {
    const token = await sign()
    expect((await present(token)).status).toBe(200)
    const { d: _secret, ...other } = await newKey('key-1')
    const elsewhere = new Hono<OriginEnv>()
      .use(async (c, next) => {
        c.set('config', configFor(other))
        await next()
      })
      .get('/', async (c) => c.json(await requireAdmission(c, room), 200))
    elsewhere.onError(onError)
    expect((await elsewhere.request('/', { headers: { 'Waiting-Room-Token': token } })).status).toBe(401)
  })
})
