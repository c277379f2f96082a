// What an event file may not change of what is there already: refused when it is sent, and again when it is written.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { runImports } from '../../origin/import/run-imports.ts'
import { accept, progressOf } from './import-support.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent, type EventInput } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
})
afterEach(async () => {
  await origin.settled()
  await origin.database.query(
    'truncate halls, sections, seats, events, performances, imports, orders, dead_letters cascade',
  )
  await origin.parts.redis.flushall()
})
afterAll(() => origin.stop())

const send = (body: EventInput) =>
  origin.request('/api/admin/events/import', {
    headers: { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` },
    body,
  })
const drive = () => runImports(origin.parts, { idleMs: 0 })

/** The small event as event `q` or `q-bb`, each with its own hall. */
function named(event: string, ...performances: string[]): EventInput {
  const small = smallEvent()
  return {
    ...small,
    event: { ...small.event, id: event },
    performances: performances.flatMap((id) => small.performances.map((one) => ({ ...one, id }))),
    hall: { ...small.hall, id: `hall-of-${event}` },
  }
}

function inCurrency(currency: string, performances = ['night']): EventInput {
  const event = named('tiny', ...performances)
  return { ...event, event: { ...event.event, currency } }
}

const order = (performance: string) =>
  origin.database.query(
    `insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, seats,
       seat_count, total_minor, currency, pay_by)
     values ($1, $1, $1, 'h', 's', 'n', 'e', 'e', '[]', 0, 0, 'EUR', now())`,
    [performance],
  )
const owners = () => origin.database.query('select id, event_id, hall_id from performances order by id')
const currencies = () =>
  origin.database.query(
    'select p.id, p.currency, e.currency as event from performances p join events e on e.id = p.event_id order by 1',
  )

test('a performance of another event is refused when the file is sent, whichever of the two came first', async () => {
  for (const [first, second] of [
    [named('q', 'bb-cc'), named('q-bb', 'aa', 'cc')],
    [named('q-bb', 'cc'), named('q', 'aa', 'bb-cc')],
  ] as const) {
    await origin.importEvent(first)
    await origin.settled()
    // An order does not make it look like a fault of the hall.
    await order('q-bb-cc')
    const before = await owners()
    const refused = await send(second)
    expect(refused.status).toBe(422)
    expect(refused.body).toMatchObject({
      code: 'validation_failed',
      errors: [
        {
          field: '/performances/1/id',
          message: `performance "q-bb-cc" belongs to event "${first.event.id}"`,
        },
      ],
    })
    expect(refused.body['errors']).toHaveLength(1)
    expect(await owners()).toEqual(before)
    await origin.database.query('truncate halls, events, performances, imports, orders cascade')
  }
})

test('of two events that were accepted with the same performance, the second to be written fails', async () => {
  const { parts } = origin
  const ids = await Promise.all([
    accept(parts, named('q', 'bb-cc')).then(({ id }) => id),
    accept(parts, named('q-bb', 'cc')).then(({ id }) => id),
  ])
  await drive()
  const ended = await Promise.all(ids.map((id) => progressOf(parts, id)))
  expect(ended.map(({ status }) => status).toSorted()).toEqual(['done', 'failed'])
  const [winner] = ended.filter(({ status }) => status === 'done')
  const [loser] = ended.filter(({ status }) => status === 'failed')
  expect(loser?.error).toBe(`Performance "q-bb-cc" belongs to event "${winner?.event}".`)
  expect(await owners()).toEqual([
    { id: 'q-bb-cc', event_id: winner?.event, hall_id: `hall-of-${winner?.event}` },
  ])
  expect(await origin.database.query('select id from events')).toEqual([{ id: winner?.event }])
})

test('the currency may change until a seat of the event is ordered, and not afterwards', async () => {
  const refusal = {
    code: 'validation_failed',
    errors: [{ field: '/event/currency', message: 'must stay as it is: seats of this event were ordered' }],
  }
  await origin.importEvent(inCurrency('EUR', ['late', 'night']))
  await origin.importEvent(inCurrency('USD', ['late', 'night']))
  await origin.importEvent(inCurrency('EUR', ['late', 'night']))
  await origin.settled()
  await order(PERFORMANCE)
  expect((await send(inCurrency('USD'))).body).toMatchObject(refusal)
  // Not by a file that does not name the performance either.
  const other = await send(inCurrency('USD', ['late']))
  expect(other.status).toBe(422)
  expect(other.body).toMatchObject(refusal)
  expect(await currencies()).toEqual([
    { id: 'tiny-late', currency: 'EUR', event: 'EUR' },
    { id: PERFORMANCE, currency: 'EUR', event: 'EUR' },
  ])
  expect((await send(inCurrency('EUR'))).status).toBe(202)
})

test('a performance that a change of currency left out keeps its own once it is ordered', async () => {
  await origin.importEvent(inCurrency('EUR', ['late', 'night']))
  await origin.importEvent(inCurrency('USD', ['late']))
  await origin.settled()
  await order(PERFORMANCE)
  expect((await send(inCurrency('USD', ['late', 'night']))).body).toMatchObject({
    errors: [{ field: '/event/currency' }],
  })
  expect((await send(inCurrency('USD', ['late']))).status).toBe(202)
})

test('an order that is being placed while the currency changes is waited for, and the import fails', async () => {
  const { parts, database } = origin
  await origin.importEvent(inCurrency('EUR'))
  await origin.settled()
  const { id } = await accept(parts, inCurrency('USD'))
  await database.query('begin')
  let driving = Promise.resolve()
  try {
    await order(PERFORMANCE)
    driving = drive()
    await vi.waitFor(
      async () => {
        const { rows } = await parts.db.execute(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%order by id for update%'`,
        )
        expect(rows).toHaveLength(1)
      },
      { timeout: 20_000 },
    )
    await database.query('commit')
  } finally {
    await database.query('rollback')
    await driving
  }
  expect(await progressOf(parts, id)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('currency can no longer change'),
  })
  expect(await currencies()).toEqual([{ id: PERFORMANCE, currency: 'EUR', event: 'EUR' }])
})

test('a time with an offset that Postgres does not take is the instant that it says', async () => {
  const event = smallEvent()
  event.performances = event.performances.map((one) => ({ ...one, startsAt: '2026-12-25T19:30:00+23:30' }))
  await origin.importEvent(event)
  const [row] = await origin.database.query(
    `select to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as at from performances`,
  )
  expect(row).toEqual({ at: '2026-12-24 20:00' })
})
