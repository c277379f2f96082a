// Messages that fail: how often they are tried, when they are buried and with what reason, and how an operator has them
// delivered again. What fails never holds up what does not.
import { expect, test, vi } from 'vitest'
import { TOO_MANY_CONNECTIONS } from '../../local/neon/gateway.ts'
import { bury } from '../../origin/outbox/dead-letters.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import { PAID, setUpOutbox } from './outbox-setup.ts'

const outbox = setUpOutbox()
const { sell, paid, run, tryToRun, total, open, query, write } = outbox

const admin = () => ({ authorization: `Bearer ${outbox.origin.env.ADMIN_TOKEN}` })
const listDead = async (search = '') => {
  const { status, body, text } = await outbox.origin.request(`/api/admin/dead-letters${search}`, {
    headers: admin(),
  })
  expect(status, text).toBe(200)
  return body['deadLetters'] as unknown as readonly Record<string, never>[]
}
const redrive = (id: unknown) =>
  outbox.origin.request(`/api/admin/dead-letters/${String(id)}/redrive`, { method: 'POST', headers: admin() })

async function runTimes(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await tryToRun()
}

test('a message that cannot be understood is tried five times and buried; those behind it are not held up', async () => {
  const poison = await write(
    'order.paid',
    { number: 'X', event: 'tiny', total: 'much', currency: 'EUR' },
    'nobody',
  )
  await paid(await sell([0]))
  await run()
  expect(await total(PAID)).toBe(1)
  await runTimes(3)
  expect(await listDead()).toEqual([])
  await runTimes(1)
  const letters = await listDead()
  expect(letters.map(({ message, attempts }) => [message, attempts])).toEqual([
    [String(poison), 5],
    [String(poison), 5],
  ])
  expect(new Set(letters.map(({ consumer }) => consumer))).toEqual(new Set(['notify', 'totals']))
  expect(letters[0]?.['reason']).toContain('total')
  expect(await outbox.pending()).toBe(0)
  expect(await open(), 'it is not published again for ever').toBe(0)
})

test('a buried message whose cause is mended is delivered again, to the consumer that gave it up', async () => {
  const row = await paid(await sell([0]))
  outbox.mails.refuse({ status: 422, body: { name: 'validation_error', message: 'no' } })
  await run()
  const [letter] = await listDead('?consumer=notify')
  expect(letter).toMatchObject({ stream: OUTBOX_STREAM, message: String(row), attempts: 1, redrivenAt: null })
  outbox.mails.accept()
  const { status, body } = await redrive(letter?.['id'])
  expect(status).toBe(202)
  expect(body['redrivenAt']).toEqual(expect.any(String))
  await outbox.origin.settled()
  await run()
  expect(outbox.mails.sent.size).toBe(1)
  expect(await total(PAID), 'totals had it already').toBe(1)
  expect(await open()).toBe(0)
  expect(await listDead()).toEqual([])
  expect(await listDead('?state=redriven')).toHaveLength(1)
})

test('a redrive that is asked for twice delivers once, and one that fails again is buried again', async () => {
  await paid(await sell([0]))
  outbox.mails.refuse({ status: 422 })
  await run()
  const [letter] = await listDead()
  const [first, second] = [await redrive(letter?.['id']), await redrive(letter?.['id'])]
  expect([first.status, second.status]).toEqual([202, 202])
  expect(second.body['redrivenAt']).toBe(first.body['redrivenAt'])
  await outbox.origin.settled()
  await run()
  const letters = await outbox.deadLetters()
  expect(letters).toHaveLength(2)
  expect(letters.map(({ redriven_at }) => redriven_at === null)).toEqual([false, true])
})

test('a redrive survives the loss of Redis that follows it', async () => {
  await paid(await sell([0]))
  outbox.mails.refuse({ status: 422 })
  await run()
  const [letter] = await listDead()
  outbox.mails.accept()
  outbox.origin.redis.faults.set({ kind: 'status', status: 503 })
  expect((await redrive(letter?.['id'])).status).toBe(202)
  await outbox.origin.settled()
  outbox.origin.redis.faults.clear()
  await outbox.parts.redis.flushdb()
  await query('update outbox set taken_at = null')
  await run()
  expect(outbox.mails.sent.size).toBe(1)
})

test('an entry that no row of ours made is buried under its own id, and a redrive appends it for its consumer', async () => {
  const [entry] = await outbox.parts.streams.append(OUTBOX_STREAM, [{ nonsense: 'yes' }])
  await runTimes(5)
  const letters = await listDead()
  expect(letters.map(({ message }) => message)).toEqual([entry, entry, entry])
  expect(letters[0]?.['fields']).toEqual({ nonsense: 'yes' })
  expect((await redrive(letters[0]?.['id'])).status).toBe(202)
  await runTimes(5)
  expect((await outbox.deadLetters()).filter(({ redriven_at }) => redriven_at === null)).toHaveLength(3)
  expect(await outbox.pending()).toBe(0)
})

test('an entry whose row is forgotten is dropped, not buried', async () => {
  await paid(await sell([0]))
  await run()
  await query('truncate outbox cascade')
  await outbox.parts.redis.xgroup(OUTBOX_STREAM, { type: 'DESTROY', group: 'totals' })
  await run()
  expect(await outbox.pending()).toBe(0)
  expect(await listDead()).toEqual([])
  expect(await total(PAID)).toBe(1)
})

test('an outage buries nothing, however often a message is delivered in it', async () => {
  await paid(await sell([0]))
  outbox.mails.refuse({ status: 503 })
  await runTimes(8)
  expect(await listDead()).toEqual([])
  outbox.mails.accept()
  await run()
  expect(outbox.mails.sent.size).toBe(1)
})

test('an outage that lasts half a day is given up, with its reason', async () => {
  await paid(await sell([0]))
  outbox.mails.refuse({ status: 401, body: { name: 'invalid_api_key', message: 'API key is invalid' } })
  await run()
  expect(await listDead()).toEqual([])
  const later = Date.now() + 13 * 3_600_000
  vi.spyOn(Date, 'now').mockImplementation(() => later)
  await run()
  vi.mocked(Date.now).mockRestore()
  const [letter] = await listDead()
  expect(letter?.['reason']).toBe('NotifierUnavailable: 401 invalid_api_key API key is invalid')
})

test('Postgres gone at the moment of burying: the message is buried by the next run', async () => {
  await paid(await sell([0]))
  outbox.mails.refuse({ status: 422 })
  outbox.origin.database.gateway.faults.next('into "dead_letters"', TOO_MANY_CONNECTIONS)
  await expect(run()).rejects.toThrow()
  await run()
  expect(await listDead()).toHaveLength(1)
  expect(await outbox.pending()).toBe(0)
})

test('burying the same message twice is one letter, with the later reason', async () => {
  const letter = {
    stream: 'imports',
    consumer: 'importers',
    message: 'i:1',
    payload: { a: 'b' },
    attempts: 5,
  }
  await bury(outbox.parts.db, { ...letter, reason: 'first' })
  await bury(outbox.parts.db, { ...letter, reason: 'second '.repeat(200) })
  const letters = await listDead('?stream=imports&consumer=importers')
  expect(letters).toHaveLength(1)
  expect(String(letters[0]?.['reason'])).toHaveLength(500)
  expect(await listDead('?stream=outbox')).toEqual([])
})

test('a letter of another stream is appended to it with the consumer that it is for', async () => {
  const letter = {
    stream: 'imports',
    consumer: 'importers',
    message: 'i:2',
    payload: { batch: '7' },
    attempts: 5,
  }
  await bury(outbox.parts.db, { ...letter, reason: 'no' })
  const [listed] = await listDead()
  outbox.origin.redis.faults.set({ kind: 'status', status: 503 }, 'XADD imports')
  expect((await redrive(listed?.['id'])).status).toBe(503)
  expect(await listDead(), 'it was not delivered, so it is open').toHaveLength(1)
  outbox.origin.redis.faults.clear()
  expect((await redrive(listed?.['id'])).status).toBe(202)
  const [message] = await outbox.parts.streams.read('imports', 'importers', { consumer: 'one', count: 5 })
  expect(message?.fields).toEqual({ batch: '7', only: 'importers' })
})

test('the list has the latest first, in pages, and never an order’s id', async () => {
  for (let n = 0; n < 3; n += 1) {
    await bury(outbox.parts.db, {
      stream: 'outbox',
      consumer: 'notify',
      message: String(n),
      payload: { id: String(n), order: 'the-key-of-the-order' },
      reason: 'no',
      attempts: 5,
    })
  }
  const latest = await listDead('?limit=2')
  expect(latest.map(({ message }) => message)).toEqual(['2', '1'])
  const older = await listDead(`?limit=2&before=${String(latest[1]?.['deadAt'])}`)
  expect(older.map(({ message }) => message)).toEqual(['0'])
  expect(JSON.stringify([latest, older])).not.toContain('the-key-of-the-order')
})

test.each([
  'limit=0',
  'limit=501',
  'limit=x',
  'state=dead',
  'before=yesterday',
  'stream=No%20Such',
  'sort=1',
])('an unusable query names its field: %s', async (search) => {
  const { status, body } = await outbox.origin.request(`/api/admin/dead-letters?${search}`, {
    headers: admin(),
  })
  expect(status).toBe(422)
  expect(body['code']).toBe('validation_failed')
})

test.each(['not-a-uuid', '00000000-0000-4000-8000-000000000000'])(
  'an unknown dead letter is 404: %s',
  async (id) => {
    expect((await redrive(id)).status).toBe(404)
  },
)

test.each([
  ['GET', '/api/admin/dead-letters'],
  ['GET', '/api/admin/totals'],
  ['POST', '/api/admin/dead-letters/00000000-0000-4000-8000-000000000000/redrive'],
])('%s %s is for operators alone', async (method, path) => {
  expect((await outbox.origin.request(path, { method })).status).toBe(401)
})

test('the totals are named and labelled', async () => {
  const sale = await sell([0, 1])
  await paid(sale)
  await outbox.refunded(sale, { amount: 5_250, seats: [0], whole: false })
  await outbox.refunded(sale, { amount: 5_250, seats: [1], whole: true })
  await outbox.giveBack(sale)
  await outbox.closed(await sell([2]), 'voided')
  await run()
  const { body } = await outbox.origin.request('/api/admin/totals', { headers: admin() })
  const tiny = { event: 'tiny' }
  const night = { performance: 'tiny-night' }
  expect(body['totals']).toEqual([
    { name: 'foyer_orders_total', labels: { ...tiny, outcome: 'paid' }, value: 1 },
    { name: 'foyer_orders_total', labels: { ...tiny, outcome: 'refunded' }, value: 1 },
    { name: 'foyer_orders_total', labels: { ...tiny, outcome: 'voided' }, value: 1 },
    { name: 'foyer_paid_minor_total', labels: { ...tiny, currency: 'EUR' }, value: 10_500 },
    { name: 'foyer_refunded_minor_total', labels: { ...tiny, currency: 'EUR' }, value: 10_500 },
    { name: 'foyer_refunds_total', labels: tiny, value: 2 },
    { name: 'foyer_seats_given_back_total', labels: night, value: 2 },
    { name: 'foyer_seats_sold_total', labels: night, value: 3 },
  ])
})
