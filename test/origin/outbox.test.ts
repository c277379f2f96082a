// The outbox from row to effect: each consumer's effect happens once and is right in the end, whatever comes twice, late, in
// the wrong order, or dies half-way. Seats, mails and totals are compared with Postgres after every disturbance.
import { expect, test } from 'vitest'
import { TOO_MANY_CONNECTIONS } from '../../local/neon/gateway.ts'
import { deliver } from '../../origin/outbox/deliver.ts'
import { forgetHandled } from '../../origin/outbox/forget.ts'
import { publishAgain } from '../../origin/outbox/lost.ts'
import { nudge, pump } from '../../origin/outbox/pump.ts'
import { relay } from '../../origin/outbox/relay.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import { payOnPage, place } from './buyer.ts'
import { PAID, setUpOutbox, SOLD } from './outbox-setup.ts'
import { PERFORMANCE } from './small-event.ts'

const outbox = setUpOutbox()
const { sell, giveBack, paid, run, tryToRun, map, truth, total, open, query } = outbox

/** What every test ends with: all is done, and the map is what Postgres has. */
async function expectAtRest(): Promise<void> {
  expect(await open()).toBe(0)
  expect(await outbox.pending()).toBe(0)
  expect(await map()).toBe(await truth())
}

test('a purchase is on the map, in the buyer’s mail and in the totals, with no cron', async () => {
  const { orderId, answer } = await place(outbox.origin, ['A-1-1'], { email: 'someone@example.com' })
  await payOnPage(outbox.origin, orderId)
  await expect.poll(() => total(PAID), { timeout: 20_000 }).toBe(1)
  await expect.poll(open, { timeout: 20_000 }).toBe(0)
  await outbox.origin.settled()
  await expectAtRest()
  expect((await map())[0]).toBe('s')
  const [mail] = [...outbox.mails.sent.values()]
  expect(outbox.mails.sent.size).toBe(1)
  expect(mail?.to).toEqual(['someone@example.com'])
  expect(mail?.text).toContain(String(answer.body['number']))
  expect(await total(PAID)).toBe(1)
  expect(await total(SOLD)).toBe(1)
})

test('a reply of Redis lost while rows are published sends them twice, and nothing happens twice', async () => {
  await paid(await sell([0, 1]))
  outbox.origin.redis.faults.next('XADD outbox', { kind: 'drop-reply' })
  await run()
  expect((await outbox.parts.streams.state(OUTBOX_STREAM, 'seats')).length).toBe(4)
  await expectAtRest()
  expect(outbox.mails.requests).toHaveLength(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 2])
})

test('rows that are published again after they were handled change nothing', async () => {
  await paid(await sell([0]))
  await run()
  await query('update outbox set published_at = null, handled_at = null')
  await run()
  expect(outbox.mails.requests).toHaveLength(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 1])
  expect(await outbox.pending()).toBe(0)
})

test('control: where it is not recorded what was handled, totals count twice', async () => {
  await paid(await sell([0]))
  await run()
  await query('truncate outbox_handled')
  await query('update outbox set published_at = null, handled_at = null')
  await run()
  expect([await total(PAID), await total(SOLD)]).toEqual([2, 2])
  expect(outbox.mails.sent.size, 'the provider drops the second by its key').toBe(1)
})

test('seats of an earlier order that are freed late do not free what was sold since', async () => {
  const first = await sell([3])
  await run()
  const freed = await giveBack(first)
  // The relay has the row in hand, and dawdles.
  await query('update outbox set taken_at = now() where id = $1', [freed])
  await sell([3])
  await run()
  expect((await map())[3]).toBe('s')
  await query('update outbox set taken_at = null where id = $1', [freed])
  await run()
  expect((await map())[3]).toBe('s')
  await expectAtRest()
})

test('a sale that is told after its seats were given back leaves them free', async () => {
  const sale = await sell([3])
  await query('update outbox set taken_at = now()')
  await giveBack(sale)
  await run()
  await query('update outbox set taken_at = null')
  await run()
  expect((await map())[3]).toBe('f')
  await expectAtRest()
})

test('seats that are given back before anybody heard of their sale are free, and their hold is over', async () => {
  const sale = await sell([3])
  const { hold, order } = sale
  await query(`update orders set session = 'a-session-of-this-test' where id = $1`, [order])
  const times = { ttlMs: 60_000, maxLifeMs: 60_000 }
  const held = { holdId: hold, session: 'a-session-of-this-test', ordinals: [3], ...times }
  await outbox.parts.seats.hold(PERFORMANCE, held)
  await giveBack(sale)
  await run()
  expect((await map())[3]).toBe('f')
  expect(await outbox.parts.seats.listHolds(PERFORMANCE, held.session)).toEqual([])
})

test('a seat that is sold between the reading and the freeing of an earlier order is sold in the end', async () => {
  const first = await sell([3])
  await run()
  await giveBack(first)
  await relay(outbox.parts)
  // The script that frees the seat is slow to arrive; meanwhile the seat is sold again, and shown as sold.
  const { fired } = outbox.origin.redis.faults.next(/free:\d+:/, { kind: 'delay', ms: 1_000 })
  const freeing = deliver(outbox.parts, { consumer: 'slow', budgetMs: 1_000 })
  await fired
  const second = await sell([3])
  await outbox.parts.seats.confirm(PERFORMANCE, second.hold, second.ordinals)
  await freeing
  expect((await map())[3]).toBe('s')
  await run()
  await expectAtRest()
})

test('two changes of a seat in the wrong order leave it as Postgres has it', async () => {
  await query(`insert into blocked_seats (performance_id, seat_ordinal, reason) values ($1, 4, 'house')`, [
    PERFORMANCE,
  ])
  const block = await outbox.write('seats.changed', { ordinals: [4], mark: 'b' })
  await query('update outbox set taken_at = now() where id = $1', [block])
  await query('delete from blocked_seats where performance_id = $1 and seat_ordinal = 4', [PERFORMANCE])
  await outbox.write('seats.changed', { ordinals: [4], mark: 'f' })
  await run()
  await query('update outbox set taken_at = null where id = $1', [block])
  await run()
  expect((await map())[4]).toBe('f')
  await expectAtRest()
})

test.each([
  ['before it is known what was handled', 'from outbox where id in'],
  ['between the effects and their record', 'with changed as'],
])('Postgres gone %s: everything is done by the next run, once', async (_when, statement) => {
  await paid(await sell([0, 1]))
  outbox.origin.database.gateway.faults.next(statement, TOO_MANY_CONNECTIONS)
  await expect(run()).rejects.toThrow()
  await run()
  await run()
  await expectAtRest()
  expect(outbox.mails.sent.size).toBe(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 2])
})

test('Postgres gone after the mail went out: it is sent again with the same key, which the provider drops', async () => {
  await paid(await sell([0]))
  // The first record is of seats and totals, the second of the mail.
  outbox.origin.database.gateway.faults.next('with changed as', { kind: 'delay', ms: 0 })
  outbox.origin.database.gateway.faults.next('with changed as', TOO_MANY_CONNECTIONS)
  await expect(run()).rejects.toThrow()
  expect(outbox.mails.requests).toHaveLength(1)
  await run()
  expect(outbox.mails.requests).toHaveLength(2)
  expect(outbox.mails.sent.size).toBe(1)
  await expectAtRest()
})

test('a record whose reply was lost is not counted again', async () => {
  await paid(await sell([0, 1]))
  outbox.origin.database.gateway.faults.next('with changed as', { kind: 'drop-reply' })
  await tryToRun()
  await run()
  await expectAtRest()
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 2])
})

test('what was recorded and not acknowledged is delivered again and passed by', async () => {
  await paid(await sell([0]))
  outbox.origin.redis.faults.next('XACK outbox', { kind: 'status', status: 503 })
  await tryToRun()
  expect(await outbox.pending()).toBeGreaterThan(0)
  await run()
  await run()
  await expectAtRest()
  expect(outbox.mails.requests).toHaveLength(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 1])
})

test('a relay that died with rows in hand: another takes them over, half a minute later', async () => {
  await sell([0])
  outbox.origin.redis.faults.next('XADD outbox', { kind: 'drop-reply' })
  outbox.origin.redis.faults.next('XADD outbox', { kind: 'drop-reply' })
  outbox.origin.database.gateway.faults.next('set taken_at = null', TOO_MANY_CONNECTIONS)
  await tryToRun()
  expect(await relay(outbox.parts)).toBe(0)
  await query(`update outbox set taken_at = now() - interval '31 seconds'`)
  expect(await relay(outbox.parts)).toBe(1)
  await run()
  await expectAtRest()
  expect(await total(SOLD)).toBe(1)
})

test('Redis emptied between publishing and delivery: the rows are published again, and counted', async () => {
  await paid(await sell([0, 1]))
  await relay(outbox.parts)
  await outbox.parts.redis.flushdb()
  await run()
  expect(await open(), 'nothing is published twice at once').toBe(2)
  await query(`update outbox set published_at = now() - interval '3 minutes'`)
  await run()
  await expectAtRest()
  expect(outbox.mails.sent.size).toBe(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 2])
  expect(await total('foyer_outbox_published_again_total')).toBe(2)
})

test('a row that is late and still in the stream is not published again', async () => {
  await paid(await sell([0]))
  await relay(outbox.parts)
  await query(`update outbox set published_at = now() - interval '3 minutes'`)
  expect(await publishAgain(outbox.parts)).toBe(0)
  await run()
  await expectAtRest()
  expect((await outbox.parts.streams.state(OUTBOX_STREAM, 'seats')).length).toBe(2)
})

test('groups that were lost read the stream from its start, and do nothing twice', async () => {
  await paid(await sell([0, 1]))
  await run()
  for (const group of ['seats', 'notify', 'totals']) {
    await outbox.parts.redis.xgroup(OUTBOX_STREAM, { type: 'DESTROY', group })
  }
  await run()
  await expectAtRest()
  expect(outbox.mails.requests).toHaveLength(1)
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 2])
})

test('a row that Redis refuses does not hold up those around it', async () => {
  const before = await sell([0])
  await outbox.write('order.paid', { number: 'REFUSED' }, 'nobody')
  await paid(before)
  outbox.origin.redis.faults.set({ kind: 'status', status: 413 }, 'REFUSED')
  await tryToRun()
  expect(await total(PAID)).toBe(1)
  expect((await map())[0]).toBe('s')
  await sell([1])
  await tryToRun()
  expect(await total(SOLD)).toBe(2)
  const rows = await query('select id from outbox where published_at is null')
  expect(rows).toEqual([{ id: '2' }])
})

test('four pumps at once, over and over: every sale is counted once and mailed once', async () => {
  const SALES = 30
  for (let n = 0; n < SALES; n += 1) await paid(await sell([n % 5], { live: n < 5 }))
  const runs = await Promise.allSettled([run(), run(), run(), run()])
  expect(runs.filter(({ status }) => status === 'rejected')).toEqual([])
  await run()
  await expectAtRest()
  expect(outbox.mails.sent.size).toBe(SALES)
  expect([await total(PAID), await total(SOLD)]).toEqual([SALES, SALES])
})

test('seats and totals are done while the mail provider hangs', async () => {
  const arrived = outbox.mails.hang()
  await paid(await sell([0]))
  const running = run()
  await arrived
  expect((await map())[0]).toBe('s')
  expect([await total(PAID), await total(SOLD)]).toEqual([1, 1])
  await running
  expect(outbox.mails.sent.size).toBe(0)
  outbox.mails.accept()
  await run()
  await expectAtRest()
  expect(outbox.mails.sent.size).toBe(1)
})

test('Redis gone while seats are shown: the mail goes out, and the seats follow', async () => {
  await paid(await sell([0]))
  await relay(outbox.parts)
  outbox.origin.redis.faults.set({ kind: 'status', status: 503 }, 'EVALSHA')
  await run()
  expect(outbox.mails.sent.size).toBe(1)
  expect(await open()).toBe(1)
  outbox.origin.redis.faults.clear()
  await run()
  await expectAtRest()
})

/** Requests of both stores from now on, without those of the report of stock that follows a change of seats. */
function countRequests() {
  const redis = new Set<object>()
  const postgres = new Set<object>()
  let commands = 0
  outbox.origin.redis.faults.set({ kind: 'duplicate' }, (request) => {
    const text = request.commands.flat().join(' ')
    const ofStock = text.startsWith('EVALSHA') && !text.includes(`${PERFORMANCE}.`)
    if (!redis.has(request) && !ofStock) {
      redis.add(request)
      commands += request.commands.length
    }
    return false
  })
  outbox.origin.database.gateway.faults.set({ kind: 'duplicate' }, (request) => {
    if (!request.statements.some(({ sql }) => sql.includes('"halls"'))) postgres.add(request)
    return false
  })
  return () => ({ redis: redis.size, commands, postgres: postgres.size })
}

test('a sale and its payment take four requests of Redis each', async () => {
  await run()
  const sale = await sell([0])
  const ofSale = countRequests()
  nudge(outbox.parts)
  await outbox.beside()
  expect(ofSale()).toEqual({ redis: 4, commands: 8, postgres: 4 })
  await paid(sale)
  const ofPayment = countRequests()
  nudge(outbox.parts)
  await outbox.beside()
  expect(ofPayment()).toEqual({ redis: 4, commands: 7, postgres: 6 })
})

test('nudges of one moment share their requests', async () => {
  await run()
  for (let n = 0; n < 5; n += 1) await sell([n])
  const requests = countRequests()
  for (let n = 0; n < 20; n += 1) nudge(outbox.parts)
  await outbox.beside()
  // The second round of the one that runs finds nothing left.
  expect(requests()).toEqual({ redis: 8, commands: 16, postgres: 5 })
  await expectAtRest()
})

test('a failed nudge is only a line in the log, and cron does its work', async () => {
  await sell([0])
  outbox.origin.redis.faults.set({ kind: 'status', status: 503 }, 'XADD outbox')
  nudge(outbox.parts)
  await outbox.beside()
  expect(console.error).toHaveBeenCalled()
  outbox.origin.redis.faults.clear()
  await pump(outbox.parts)
  await expectAtRest()
})

test('rows handled more than thirty days ago are forgotten, with their records; others are not', async () => {
  await sell([0])
  await sell([1])
  await run()
  await sell([2])
  await query(`update outbox set handled_at = now() - interval '31 days' where id = 1`)
  await forgetHandled(outbox.parts.db)
  const ids = async (table: string, column: string) =>
    (await query(`select distinct ${column} as id from ${table} order by 1`)).map(({ id }) => Number(id))
  expect(await ids('outbox', 'id')).toEqual([2, 3])
  expect(await ids('outbox_handled', 'outbox_id')).toEqual([2])
})
