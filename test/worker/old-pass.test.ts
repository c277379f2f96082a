// A pass that grew old while its visitor paid at the provider: past the gate the origin still learns whose session it was,
// so that a completed order can end it. Everywhere else an old pass is renewed or dropped.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../src/ids.ts'
import { signAdmissionToken } from '../../src/tokens/admission-token.ts'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { startSite, type Site } from './site.ts'
import { startEdge, type Edge } from './support.ts'

let edge: Edge
let site: Site
beforeAll(async () => {
  site = await startSite((request, response) => {
    if (request.headers['waiting-room-token'] !== undefined) {
      response.setHeader('Waiting-Room-Command', 'end-session')
    }
    response.end('the order is paid')
  })
  edge = await startEdge({
    rooms: {
      shop: { hosts: ['shop.test'], origin: site.url, paused: true, bypass: [{ path: '/orders/*' }] },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})

async function oldPass(): Promise<string> {
  const [room, visitor] = [parseRoomId('shop'), parseVisitorId('a-visitor-who-pays-at-length')]
  const session = parseSessionId('a-visitor-who-pays-at-length-17')
  if (!room || !visitor || !session) throw new Error('ids of the test')
  const keys = await importPrivateKeys(privateKeySet.parse(edge.secrets.ADMISSION_KEYS))
  const nowMs = Date.now() - 7 * 60_000
  const times = { expiresAtMs: nowMs + 60_000, sessionEndMs: nowMs + 3_600_000 }
  return signAdmissionToken({ room, visitor, session, sale: 'default', ...times }, keys, {
    issuer: 'foyer',
    nowMs,
  })
}
const ask = (path: string, pass: string) =>
  edge.send(path, { headers: { host: 'shop.test', cookie: `__Host-wr-pass-shop=${pass}` } })

test('past the gate the origin sees an old pass and ends its session; one that nobody signed it never sees', async () => {
  const pass = await oldPass()
  const paid = await ask('/orders/7', pass)
  expect([paid.status, paid.text]).toEqual([200, 'the order is paid'])
  expect(site.requests.at(-1)?.headers['waiting-room-token']).toBe(pass)
  expect(paid.cookies).toEqual({ '__Host-wr-queue-shop': '', '__Host-wr-pass-shop': '' })
  expect((await ask('/orders/7', `${pass.slice(0, -8)}forged-_`)).cookies).toEqual({})
  expect(site.requests.at(-1)?.headers).not.toHaveProperty('waiting-room-token')
})

test('where admission is needed an old pass whose session is unknown opens nothing', async () => {
  const before = site.requests.length
  const answer = await ask('/seats', await oldPass())
  expect(answer.text).not.toContain('the order is paid')
  expect(site.requests).toHaveLength(before)
})
