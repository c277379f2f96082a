// Tickets at the door: who may check, what is answered for each kind of code, one entry, lost answers, and the list for doors
// that are offline, with the script of docs/tickets.md run as it stands.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { importPrivateKeys, privateKeySet } from '../../src/tokens/keys.ts'
import { signTicket } from '../../origin/tickets/ticket-code.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { hold, order, payOnPage, place, statusOf } from './buyer.ts'
import { newIsolate } from './isolate.ts'
import { newKey, startOrigin, type Answer, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

const DOOR_TOKEN = 'a-token-for-the-doors'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin({ DOOR_TOKEN, SEATS_PER_BUYER: 100 })
  await origin.importEvent(smallEvent())
})
afterEach(() => {
  origin.database.gateway.faults.clear()
  vi.restoreAllMocks()
})
afterAll(() => origin.stop())

const door = { authorization: `Bearer ${DOOR_TOKEN}` }
const verify = (body: object, headers: Record<string, string> = door) =>
  origin.request('/api/tickets/verify', { headers, body })
const revokedList = (performance: string, headers: Record<string, string> = door) =>
  origin.request(`/api/tickets/revoked?performance=${performance}`, { headers })

interface Bought {
  readonly orderId: string
  readonly tickets: readonly { readonly id: string; readonly seat: string; readonly code: string }[]
}

async function buy(...seats: string[]): Promise<Bought> {
  const { orderId } = await place(origin, seats)
  await payOnPage(origin, orderId)
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'), { timeout: 20_000 })
  const { body } = await origin.request(`/api/orders/${orderId}/tickets`)
  const ticket = z.object({ id: z.string(), seat: z.string(), code: z.string() })
  return { orderId, tickets: z.object({ tickets: z.array(ticket) }).parse(body).tickets }
}

async function buyOne(seat: string): Promise<{ readonly id: string; readonly code: string }> {
  const [ticket] = (await buy(seat)).tickets
  if (ticket === undefined) throw new Error('the order has no ticket')
  return ticket
}

const revoke = (id: string) =>
  origin.database.query('update tickets set voided_at = now() where id = $1', [id])

test('the doors’ token opens ticket checks and nothing else; the operators’ opens them too', async () => {
  const { code } = await buyOne('A-1-1')
  expect(await verify({ code })).toMatchObject({ status: 200, body: { valid: true } })
  const operators = { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` }
  expect(await verify({ code }, operators)).toMatchObject({ status: 200, body: { reason: 'used' } })
  expect((await revokedList(PERFORMANCE, operators)).status).toBe(200)
  const refused = await origin.request('/api/admin/events/import', { headers: door, body: smallEvent() })
  expect(refused).toMatchObject({ status: 401, body: { code: 'admin_required' } })
  const headers: Record<string, string>[] = [
    {},
    { authorization: 'Bearer ' },
    { authorization: 'Bearer wrong' },
  ]
  for (const wrong of headers) {
    expect(await verify({ code }, wrong)).toMatchObject({ status: 401, body: { code: 'admin_required' } })
    expect((await revokedList(PERFORMANCE, wrong)).status).toBe(401)
  }
})

test('where no doors’ token is set, an empty one opens nothing', async () => {
  const isolate = newIsolate(origin, { DOOR_TOKEN: '' })
  for (const authorization of ['Bearer ', 'Bearer', `Bearer ${DOOR_TOKEN}`, 'Bearer undefined']) {
    const response = await isolate.get(`/api/tickets/revoked?performance=${PERFORMANCE}`, { authorization })
    expect(response.status, authorization).toBe(401)
  }
})

test('the first entry is recorded with its time and door, and every later scan is told both', async () => {
  const { code } = await buyOne('A-1-2')
  const entered = await verify({ code, performance: PERFORMANCE, door: 'North 2' })
  expect(entered.body).toMatchObject({
    valid: true,
    usedBy: 'North 2',
    seat: { performance: PERFORMANCE, id: 'A-1-2' },
  })
  const again = await verify({ code, performance: PERFORMANCE, door: 'South' })
  expect(again.body).toEqual({ ...entered.body, valid: false, reason: 'used' })
})

test('of twenty doors that scan one ticket at the same moment, one lets it in, and the others name it', async () => {
  const { code } = await buyOne('A-1-3')
  const scans = await Promise.all(
    Array.from({ length: 20 }, (_, at) => verify({ code, performance: PERFORMANCE, door: `door ${at}` })),
  )
  const winners = scans.filter(({ body }) => body['valid'] === true)
  expect(winners).toHaveLength(1)
  expect(new Set(scans.map(({ body }) => body['usedBy'])).size).toBe(1)
})

test('a scan whose answer was lost is let in by its repeat, and by no other scan', async () => {
  vi.spyOn(console, 'error').mockReturnValue()
  const { code } = await buyOne('A-1-4')
  const scan = { ...door, 'idempotency-key': newKey() }
  // Executed, and nobody heard.
  const lost = origin.database.gateway.faults.next('update "tickets"', { kind: 'drop-reply' })
  expect((await verify({ code, door: 'East' }, scan)).status).toBe(503)
  await lost.fired
  const other = await verify({ code }, { ...door, 'idempotency-key': newKey() })
  expect(other.body).toMatchObject({ valid: false, reason: 'used', usedBy: 'East' })
  expect((await verify({ code })).body).toMatchObject({ valid: false, reason: 'used' })
  expect((await verify({ code, door: 'East' }, scan)).body).toMatchObject({ valid: true, usedBy: 'East' })
  const short = await verify({ code }, { ...door, 'idempotency-key': 'short' })
  expect(short).toMatchObject({ status: 400, body: { code: 'idempotency_key_invalid' } })
})

test('a ticket for another evening is refused and not used up', async () => {
  const { code } = await buyOne('A-1-5')
  const refused = await verify({ code, performance: 'tiny-matinee', door: 'North' })
  expect(refused.body).toEqual({
    valid: false,
    reason: 'other_performance',
    seat: { performance: PERFORMANCE, id: 'A-1-5', section: 'Front', row: '1', label: '5' },
  })
  expect((await verify({ code, performance: PERFORMANCE })).body).toMatchObject({ valid: true })
})

test('a revoked ticket is not an unknown one, used or not, and gets nobody in', async () => {
  const { orderId, tickets } = await buy('A-2-2', 'A-2-3')
  const [unused, used] = tickets
  if (unused === undefined || used === undefined) throw new Error('two tickets')
  await verify({ code: used.code })
  for (const { id, code } of tickets) {
    await revoke(id)
    const { body } = await verify({ code })
    expect(body).toMatchObject({ valid: false, reason: 'revoked', seat: { performance: PERFORMANCE } })
    expect(body).not.toHaveProperty('usedAt')
  }
  const shown = await origin.request(`/api/orders/${orderId}/tickets`)
  expect(shown.body['tickets']).toEqual([])
  const [row] = await origin.database.query('select used_at from tickets where id = $1', [unused.id])
  expect(row).toEqual({ used_at: null })
})

test('signed by us and nowhere here is unknown; signed by others, or no ticket, is forged', async () => {
  const claims = { ticket: crypto.randomUUID(), performance: PERFORMANCE, seat: 'A-1-1' }
  const times = { issuer: 'foyer', issuedAtMs: Date.now() }
  const nowhere = await signTicket(claims, origin.parts.config.ticketKeys, times)
  expect((await verify({ code: nowhere })).body).toEqual({ valid: false, reason: 'unknown' })

  const { id } = await buyOne('A-2-4')
  const theirs = await importPrivateKeys(privateKeySet.parse((await makeSecrets()).TICKET_KEYS))
  const forged = await signTicket({ ...claims, ticket: id }, theirs, times)
  const elsewhere = await signTicket({ ...claims, ticket: id }, origin.parts.config.ticketKeys, {
    ...times,
    issuer: 'another-house',
  })
  // All that a ticket says, by our key, in something that is no ticket.
  const { kid, sign } = origin.parts.config.ticketKeys
  const otherKind = await new SignJWT({ prf: PERFORMANCE, sea: 'A-2-4' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'revocations+jwt', kid })
    .setIssuer('foyer')
    .setJti(id)
    .sign(sign)
  const pass = (await origin.admit())['waiting-room-token']
  const list = String((await revokedList(PERFORMANCE)).body['revocations'])
  for (const code of [forged, elsewhere, otherKind, pass, list, `${nowhere}x`, 'no.code.atall', '💺']) {
    expect((await verify({ code: code ?? '' })).body).toEqual({ valid: false, reason: 'forged' })
  }
})

test('what is no scan is a 422 that names the field', async () => {
  const { code } = await buyOne('A-2-5')
  const wrong: readonly [object, string][] = [
    [{}, '/code'],
    [{ code: 7 }, '/code'],
    [{ code: '' }, '/code'],
    [{ code: 'x'.repeat(2_001) }, '/code'],
    [{ code, performance: 7 }, '/performance'],
    [{ code, door: 'x'.repeat(61) }, '/door'],
    [{ code, door: 'a\u0000b' }, '/door'],
    [{ code, gate: 'North' }, '/gate'],
  ]
  for (const [body, field] of wrong) {
    expect(await verify(body)).toMatchObject({ status: 422, body: { errors: [{ field }] } })
  }
  expect((await verify({ code })).body).toMatchObject({ valid: true })
})

test('the list of revoked tickets is signed, grows with each, and answers 304 to who has it', async () => {
  const before = await revokedList(PERFORMANCE)
  const { id } = await buyOne('B-1-1')
  await revoke(id)
  const after = await revokedList(PERFORMANCE)
  const jws = String(after.body['revocations'])
  const version = Number(before.body['version']) + 1
  expect(after.body).toMatchObject({ performance: PERFORMANCE, version })
  expect(decodeProtectedHeader(jws)).toMatchObject({ alg: 'EdDSA', typ: 'revocations+jwt' })
  const claims = decodeJwt(jws)
  expect(claims).toMatchObject({ iss: 'foyer', prf: PERFORMANCE, ver: version })
  expect(claims['rvk']).toContain(id)
  expect(claims['rvk']).toHaveLength(version)
  expect(after.headers.get('cache-control')).toBe('private, max-age=60')
  const etag = String(after.headers.get('etag'))
  expect(etag).not.toBe(before.headers.get('etag'))
  expect((await revokedList(PERFORMANCE, { ...door, 'if-none-match': etag })).status).toBe(304)
  for (const performance of ['none', '', '%00', 'x'.repeat(300)]) {
    expect((await revokedList(performance)).status, performance).toBe(404)
  }
})

test('the script of docs/tickets.md judges codes without the network', async () => {
  const text = await readFile(new URL('../../docs/tickets.md', import.meta.url), 'utf8')
  const script = /```js\n([^]*?)\n```/.exec(text)?.[1]
  if (script === undefined) throw new Error('docs/tickets.md has no script')
  const [good, refunded] = (await buy('B-1-2', 'B-1-3')).tickets
  if (good === undefined || refunded === undefined) throw new Error('two tickets')
  await revoke(refunded.id)
  const times = { issuer: 'foyer', issuedAtMs: Date.now() }
  const otherNight = await signTicket(
    { ticket: crypto.randomUUID(), performance: 'tiny-matinee', seat: 'A-1-1' },
    origin.parts.config.ticketKeys,
    times,
  )
  const folder = await mkdtemp(join(tmpdir(), 'foyer-door-'))
  try {
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
    await writeFile(join(folder, 'door.mjs'), script)
    await writeFile(join(folder, 'jwks.json'), (await origin.request('/api/tickets/jwks.json')).text)
    await writeFile(join(folder, 'revoked.json'), (await revokedList(PERFORMANCE)).text)
    const run = spawn(process.execPath, ['door.mjs', PERFORMANCE], { cwd: folder })
    const printed: Buffer[] = []
    for (const stream of [run.stdout, run.stderr]) stream.on('data', (part: Buffer) => printed.push(part))
    run.stdin.end([good.code, good.code, refunded.code, otherNight, 'nonsense'].join('\n'))
    await once(run, 'close')
    expect(Buffer.concat(printed).toString().trim().split('\n')).toEqual([
      'enter, seat B-1-2',
      'used',
      'revoked',
      'other_performance',
      'forged',
    ])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** Everything of an answer that somebody who guesses can see, but its date and what was asked. */
const seen = ({ status, headers, text }: Answer) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date')),
  text,
})

test('another person’s order, hold and tickets answer exactly like those that never were', async () => {
  const owner = await origin.admit()
  const thief = await origin.admit()
  const holdId = await hold(origin, ['B-1-4'], owner)
  const placed = await order(origin, { holdId, visitor: owner })
  const number = String(placed.body['number'])
  const noHold = `${PERFORMANCE}.${newKey().slice(0, 22)}`

  // The number of an order is on bank statements: it opens nothing.
  const pairs: readonly [(id: string) => Promise<Answer>, real: string, never: string][] = [
    [(id) => origin.request(`/api/orders/${id}`, { headers: thief }), number, 'ZZZZ-ZZZZ'],
    [(id) => origin.request(`/api/orders/${id}/tickets`, { headers: thief }), number, 'ZZZZ-ZZZZ'],
    [
      (id) => origin.request(`/api/orders/${id}/pay`, { method: 'POST', headers: thief }),
      number,
      'ZZZZ-ZZZZ',
    ],
    [(id) => origin.request(`/orders/${id}`, { headers: thief }), number, 'ZZZZ-ZZZZ'],
    [(id) => origin.request(`/api/holds/${id}`, { headers: thief }), holdId, noHold],
    [(id) => origin.request(`/api/holds/${id}/extend`, { method: 'POST', headers: thief }), holdId, noHold],
    [(id) => origin.request(`/api/holds/${id}`, { method: 'DELETE', headers: thief }), holdId, noHold],
    [(id) => order(origin, { holdId: id, visitor: thief }), holdId, noHold],
  ]
  for (const [index, [ask, real, never]] of pairs.entries()) {
    const [mine, none] = [seen(await ask(real)), seen(await ask(never))]
    expect(mine.status, `pair ${index}`).toBe(404)
    expect(mine, `pair ${index}`).toEqual(none)
  }
  // Nothing of it has changed for the owner.
  expect((await origin.request(`/api/holds/${holdId}`, { headers: owner })).status).toBe(200)
})

test('a hold that ended answers a stranger like one that never was', async () => {
  const owner = await origin.admit()
  const thief = await origin.admit()
  const holdId = await hold(origin, ['B-1-5'], owner)
  await origin.request(`/api/holds/${holdId}`, { method: 'DELETE', headers: owner })
  const never = `${PERFORMANCE}.${newKey().slice(0, 22)}`
  const ask = (id: string) => origin.request(`/api/holds/${id}`, { headers: thief })
  expect(seen(await ask(holdId))).toEqual(seen(await ask(never)))
  expect((await origin.request(`/api/holds/${holdId}`, { headers: owner })).status).toBe(409)
})
