// Tokens inside the Workers runtime itself: signing and verifying use its WebCrypto, not Node's.
import { expect, it } from 'vitest'
import { parseRooms } from '../../src/config/room.ts'
import { parseVisitorId } from '../../src/ids.ts'
import { QUIET_PLACE, sessionIdFrom } from '../../src/queue/session-id.ts'
import { signAdmissionToken, verifyAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, importPublicKeys, importSecretKeys } from '../../src/tokens/keys.ts'
import { signQueueToken, verifyQueueToken } from '../../src/tokens/queue-token.ts'

const NOW_MS = 1_800_000_000_000
const [room] = parseRooms({ demo: {} }).keys()
const visitor = parseVisitorId('visitor-in-workerd-0001')

async function ed25519(kid: string) {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const { x = '', d = '' } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  return { kty: 'OKP' as const, crv: 'Ed25519' as const, kid, x, d }
}

it('an admission token is signed, and verified by the public keys alone; another key does not do', async () => {
  if (room === undefined || visitor === undefined) throw new Error('the ids above are valid')
  const keys = await importPrivateKeys({ keys: [await ed25519('a')] })
  const claims = {
    room,
    visitor,
    session: sessionIdFrom(visitor, QUIET_PLACE),
    sale: 'default',
    expiresAtMs: NOW_MS + 60_000,
    sessionEndMs: NOW_MS + 600_000,
  }
  const token = await signAdmissionToken(claims, keys, { issuer: 'foyer', nowMs: NOW_MS })
  const look = { issuer: 'foyer', room, nowMs: NOW_MS }
  expect(await verifyAdmissionToken(token, keys.verify, look)).toEqual({ ok: true, claims })
  const { d: _private, ...published } = await ed25519('a')
  const other = importPublicKeys({ keys: [published] })
  expect(await verifyAdmissionToken(token, other, look)).toEqual({ ok: false, reason: 'signature' })
})

it('a queue token keeps its place to the microsecond, and an altered one is refused', async () => {
  if (room === undefined || visitor === undefined) throw new Error('the ids above are valid')
  const keys = await importSecretKeys({ keys: [{ kty: 'oct', kid: 'q', k: 'A'.repeat(43) }] })
  const claims = {
    room,
    visitor,
    sale: 'default',
    epoch: 1,
    place: 1_795_219_439_228_413,
    ahead: 312,
    calledTotal: 23,
    leftTotal: 0,
  }
  const token = await signQueueToken(claims, keys, { issuer: 'foyer', nowMs: NOW_MS, ttlSeconds: 60 })
  const look = { issuer: 'foyer', room, nowMs: NOW_MS }
  expect(await verifyQueueToken(token, keys, look)).toEqual({
    ok: true,
    claims: { ...claims, issuedAtMs: NOW_MS },
  })
  const altered = token.replace(/\.[^.]+\./, `.${btoa('{"aud":"demo","iss":"foyer"}').replaceAll('=', '')}.`)
  expect(await verifyQueueToken(altered, keys, look)).toEqual({ ok: false, reason: 'signature' })
})
