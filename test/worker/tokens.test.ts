import { SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSecrets } from '../../local/secrets.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../src/ids.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, importSecretKeys, privateKeySet, secretKeySet } from '../../src/tokens/keys.ts'
import { signQueueToken } from '../../src/tokens/queue-token.ts'
import { freshKey, startEdge, type Edge } from './support.ts'

const room = parseRoomId('demo')
const other = parseRoomId('other')
const visitor = parseVisitorId('visitor-of-these-tests-1')
const session = parseSessionId('visitor-of-these-tests-1-5')
if (room === undefined || other === undefined || visitor === undefined || session === undefined)
  throw new Error('ids')

let edge: Edge
let queueKeys: Awaited<ReturnType<typeof importSecretKeys>>
let admissionKeys: Awaited<ReturnType<typeof importPrivateKeys>>
let foreign: typeof edge.secrets

beforeAll(async () => {
  edge = await startEdge({
    rooms: { demo: { hosts: ['demo.test'], total_active_users: 1, queue_all: true }, other: {} },
  })
  queueKeys = await importSecretKeys(secretKeySet.parse(edge.secrets.QUEUE_KEYS))
  admissionKeys = await importPrivateKeys(privateKeySet.parse(edge.secrets.ADMISSION_KEYS))
  foreign = await makeSecrets()
})
afterAll(() => edge.stop())

const nowMs = () => Date.now()
const queueClaims = () => ({
  room,
  visitor,
  sale: 'default',
  epoch: 1,
  place: nowMs() * 1_000,
  ahead: 0,
  calledTotal: 0,
  leftTotal: 0,
})
const admissionClaims = () => ({
  room,
  visitor,
  session,
  sale: 'default',
  expiresAtMs: nowMs() + 60_000,
  sessionEndMs: nowMs() + 600_000,
})
const signing = () => ({ issuer: 'foyer', nowMs: nowMs() })
const flip = (token: string) => {
  const [header, payload, signature = ''] = token.split('.')
  return [header, payload, (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)].join('.')
}

const queueAttacks: Record<string, () => Promise<string> | string> = {
  malformed: () => 'not.a.token',
  'empty parts': () => '..',
  expired: () =>
    signQueueToken(queueClaims(), queueKeys, { issuer: 'foyer', nowMs: nowMs() - 7_200_000, ttlSeconds: 60 }),
  'changed after signing': async () =>
    flip(await signQueueToken(queueClaims(), queueKeys, { ...signing(), ttlSeconds: 60 })),
  'signed by another key of the same name': async () => {
    const keys = await importSecretKeys(secretKeySet.parse(foreign.QUEUE_KEYS))
    return signQueueToken(queueClaims(), { ...keys, kid: queueKeys.kid }, { ...signing(), ttlSeconds: 60 })
  },
  'signed by an unknown key': async () => {
    const keys = await importSecretKeys(secretKeySet.parse(foreign.QUEUE_KEYS))
    return signQueueToken(queueClaims(), keys, { ...signing(), ttlSeconds: 60 })
  },
  'for another room': () =>
    signQueueToken({ ...queueClaims(), room: other }, queueKeys, { ...signing(), ttlSeconds: 60 }),
  'of another issuer': () =>
    signQueueToken(queueClaims(), queueKeys, { ...signing(), issuer: 'else', ttlSeconds: 60 }),
  'of another sale': () =>
    signQueueToken({ ...queueClaims(), sale: 'last-week' }, queueKeys, { ...signing(), ttlSeconds: 60 }),
  'with a place below the floor of the sale': () =>
    signQueueToken({ ...queueClaims(), place: 5 }, queueKeys, { ...signing(), ttlSeconds: 60 }),
  'of another type': () =>
    new SignJWT({ sal: 'default', epo: 1, plc: nowMs() * 1_000, ahd: 0, cal: 0, lft: 0 })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: queueKeys.kid })
      .setIssuer('foyer')
      .setAudience(room)
      .setSubject(visitor)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(queueKeys.sign),
  'without a signature (alg none)': () =>
    new UnsecuredJWT({ sal: 'default', epo: 1, plc: nowMs() * 1_000, ahd: 0, cal: 0, lft: 0 })
      .setIssuer('foyer')
      .setAudience(room)
      .setSubject(visitor)
      .setIssuedAt()
      .setExpirationTime('1h')
      .encode(),
  'an admission token': () => signAdmissionToken(admissionClaims(), admissionKeys, signing()),
}

describe('a queue token that is not one of this room', () => {
  test.each(Object.keys(queueAttacks))('%s: is refused, and all look alike', async (name) => {
    const token = await queueAttacks[name]?.()
    for (const path of ['claim', 'join', 'leave']) {
      const answer = await edge.post(`/.waiting-room/demo/${path}`, {
        authorization: `Bearer ${token}`,
        'idempotency-key': freshKey(),
      })
      expect([answer.status, answer.json.code, answer.json.detail], path).toEqual([
        401,
        'token_invalid',
        'The token is not valid here; join the queue.',
      ])
    }
    const status = await edge.send('/.waiting-room/demo/status', {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(status.json.code).toBe('token_invalid')
    expect(edge.logs.join('\n')).not.toContain(token)
  })

  test('control: the same token, made right, is taken', async () => {
    const joined = await edge.post('/.waiting-room/demo/join', { 'idempotency-key': freshKey() })
    const { place, epoch } = joined.json
    const token = await signQueueToken({ ...queueClaims(), place, epoch }, queueKeys, {
      ...signing(),
      ttlSeconds: 60,
    })
    const answer = await edge.send('/.waiting-room/demo/status', {
      headers: { authorization: `Bearer ${token}` },
    })
    expect([answer.status, answer.json.visitor]).toEqual([200, visitor])
  })

  test('in a cookie it is no more than a stale cookie: the visitor joins anew', async () => {
    const answer = await edge.post('/.waiting-room/demo/join', {
      cookie: `__Host-wr-queue-demo=${await queueAttacks['expired']?.()}`,
      'idempotency-key': freshKey(),
    })
    expect(answer.status).toBe(201)
  })

  test('the log says why', async () => {
    const token = await queueAttacks['for another room']?.()
    await edge.post('/.waiting-room/demo/claim', { authorization: `Bearer ${token}` })
    expect(edge.logs.join('\n')).toContain('"reason":"audience"')
  })
})

const admissionAttacks: Record<string, () => Promise<string> | string> = {
  malformed: () => 'not.a.token',
  'changed after signing': async () =>
    flip(await signAdmissionToken(admissionClaims(), admissionKeys, signing())),
  'signed by another key of the same name': async () => {
    const keys = await importPrivateKeys(privateKeySet.parse(foreign.ADMISSION_KEYS))
    return signAdmissionToken(admissionClaims(), { ...keys, kid: admissionKeys.kid }, signing())
  },
  'for another room': () =>
    signAdmissionToken({ ...admissionClaims(), room: other }, admissionKeys, signing()),
  'of another issuer': () =>
    signAdmissionToken(admissionClaims(), admissionKeys, { ...signing(), issuer: 'else' }),
  'of another sale': () =>
    signAdmissionToken({ ...admissionClaims(), sale: 'old' }, admissionKeys, signing()),
  'not valid yet': () =>
    signAdmissionToken(
      { ...admissionClaims(), expiresAtMs: nowMs() + 7_200_000, sessionEndMs: nowMs() + 9_000_000 },
      admissionKeys,
      { issuer: 'foyer', nowMs: nowMs() + 3_600_000 },
    ),
  'expired with its session': () =>
    signAdmissionToken(
      { ...admissionClaims(), expiresAtMs: nowMs() - 7_000_000, sessionEndMs: nowMs() - 5_000_000 },
      admissionKeys,
      { issuer: 'foyer', nowMs: nowMs() - 7_200_000 },
    ),
  'expired, its session unknown': () =>
    signAdmissionToken({ ...admissionClaims(), expiresAtMs: nowMs() - 400_000 }, admissionKeys, {
      issuer: 'foyer',
      nowMs: nowMs() - 460_000,
    }),
  'without a signature (alg none)': () =>
    new UnsecuredJWT({ sal: 'default', jti: session, end: Math.floor(nowMs() / 1_000) + 600 })
      .setIssuer('foyer')
      .setAudience(room)
      .setSubject(visitor)
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('1h')
      .encode(),
  // The published key used as a shared secret: the classic confusion of algorithms.
  'signed with the public key (HS256)': () =>
    new SignJWT({ sal: 'default', jti: session, end: Math.floor(nowMs() / 1_000) + 600 })
      .setProtectedHeader({ alg: 'HS256', typ: 'admission+jwt', kid: admissionKeys.kid })
      .setIssuer('foyer')
      .setAudience(room)
      .setSubject(visitor)
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(JSON.stringify(admissionKeys.publicSet.keys[0]))),
  'a queue token': () => signQueueToken(queueClaims(), queueKeys, { ...signing(), ttlSeconds: 60 }),
}

describe('an admission token that is not one of this room', () => {
  test.each(Object.keys(admissionAttacks))('%s: opens nothing', async (name) => {
    const token = String(await admissionAttacks[name]?.())
    for (const headers of [{ 'waiting-room-token': token }, { cookie: `__Host-wr-pass-demo=${token}` }]) {
      const answer = await edge.send('/shop', {
        headers: { host: 'demo.test', accept: 'application/json', ...headers },
      })
      expect([answer.status, answer.json.code]).toEqual([429, 'waiting_room'])
    }
    const renewal = await edge.post('/.waiting-room/demo/renew', { 'waiting-room-token': token })
    expect(renewal.status).toBe(401)
    expect(edge.logs.join('\n')).not.toContain(token)
  })

  test('control: the same token, made right, opens the gate', async () => {
    const token = await signAdmissionToken(admissionClaims(), admissionKeys, signing())
    const answer = await edge.send('/shop', { headers: { host: 'demo.test', 'waiting-room-token': token } })
    expect(answer.status).toBe(200)
  })

  test('remembered for one room, it opens no other', async () => {
    const token = await signAdmissionToken(admissionClaims(), admissionKeys, signing())
    await edge.send('/shop', { headers: { host: 'demo.test', 'waiting-room-token': token } })
    const answer = await edge.send('/shop', { headers: { host: 'any.test', 'waiting-room-token': token } })
    expect(answer.status).toBe(429)
  })
})
