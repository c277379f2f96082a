// The origin with a stand-in for the email provider, and the outbox fed straight: sales and refunds written to Postgres as
// the saga writes them, without holds or payments. Used by the tests of the outbox only.
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import type { Parts } from '../../origin/env.ts'
import { withSeatsLoaded } from '../../origin/load-seats.ts'
import { createResendNotifier } from '../../origin/notify/resend.ts'
import { CONSUMERS } from '../../origin/outbox/message.ts'
import { pump } from '../../origin/outbox/pump.ts'
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import { API_KEY, startMailServer, type MailServer } from './mail-server.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

export const FROM = 'Tickets <tickets@example.com>'
export const PUBLIC = 'https://tickets.example'
/** Seats of the small event's hall. */
const SEATS = 20

export interface Sale {
  readonly order: string
  readonly number: string
  readonly hold: string
  readonly ordinals: readonly number[]
}

export interface OutboxSetup {
  readonly origin: TestOrigin
  readonly mails: MailServer
  /** Work beside them is awaited by `beside` alone: reports of stock keep a pace of a second. */
  readonly parts: Parts
  readonly beside: () => Promise<void>
  readonly query: TestOrigin['database']['query']
  /** An order that has these seats and `seats.sold` of it. `live: false`: they were given back since. */
  readonly sell: (ordinals: readonly number[], options?: { live?: boolean }) => Promise<Sale>
  /** Gives the order's seats back, with `seats.freed`. Answers the row's id. */
  readonly giveBack: (sale: Sale) => Promise<number>
  readonly paid: (sale: Sale) => Promise<number>
  readonly closed: (sale: Sale, outcome: string) => Promise<number>
  readonly refunded: (
    sale: Sale,
    refund: { amount: number; seats: readonly number[]; whole: boolean },
  ) => Promise<number>
  readonly write: (topic: string, payload: unknown, order?: string) => Promise<number>
  /** One run of cron, with everything that is pending delivered again. */
  readonly run: () => Promise<void>
  /** As `run`, for tests in which something fails. */
  readonly tryToRun: () => Promise<void>
  /** The map in Redis, loaded where it was not. */
  readonly map: () => Promise<string>
  /** The map as it follows from Postgres. */
  readonly truth: () => Promise<string>
  readonly total: (name: string) => Promise<number>
  /** Rows that a consumer has not handled. */
  readonly open: () => Promise<number>
  readonly pending: () => Promise<number>
  readonly deadLetters: () => Promise<readonly Record<string, unknown>[]>
}

export function setUpOutbox(): OutboxSetup {
  let running: { origin: TestOrigin; mails: MailServer; parts: Parts } | undefined
  const besides: Promise<void>[] = []
  const now = () => {
    if (running === undefined) throw new Error('the origin is not running yet')
    return running
  }
  beforeAll(async () => {
    const mails = await startMailServer()
    const origin = await startOrigin({
      NOTIFIER: 'resend',
      NOTIFIER_API_URL: mails.url,
      NOTIFIER_FROM: FROM,
      RESEND_API_KEY: API_KEY,
      PUBLIC_URL: PUBLIC,
    })
    await origin.importEvent(smallEvent())
    // Shorter than a test may take, so that one can wait for it to be over.
    const notifier = createResendNotifier({ apiUrl: mails.url, apiKey: API_KEY, from: FROM, timeoutMs: 300 })
    running = {
      origin,
      mails,
      parts: { ...origin.parts, notifier, waitUntil: (work) => void besides.push(work) },
    }
  })
  beforeEach(async () => {
    const { origin, mails, parts } = now()
    besides.length = 0
    await origin.database.query('truncate orders, outbox, dead_letters, totals restart identity cascade')
    await parts.redis.flushdb()
    mails.clear()
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(console, 'log').mockReturnValue()
    await setup.map()
  })
  afterEach(() => {
    now().origin.redis.faults.clear()
    now().origin.database.gateway.faults.clear()
    vi.restoreAllMocks()
  })
  afterAll(async () => {
    await now().origin.stop()
    await now().mails.stop()
  })

  const query: OutboxSetup['query'] = (text, params) => now().origin.database.query(text, params)
  const newNumber = () => Math.random().toString(36).slice(2, 10)

  const setup: OutboxSetup = {
    get origin() {
      return now().origin
    },
    get mails() {
      return now().mails
    },
    get parts() {
      return now().parts
    },
    async beside() {
      await Promise.all(besides)
    },
    query,
    async sell(ordinals, { live = true } = {}) {
      const number = newNumber()
      const sale = { order: `order-${number}`, number, hold: `${PERFORMANCE}.${number}`, ordinals }
      const seats = ordinals.map((ordinal) => ({
        ordinal,
        seat: `A-1-${ordinal + 1}`,
        section: 'Front',
        row: '1',
        label: String(ordinal + 1),
        tier: 'Near',
        price: 5_000,
        fee: 250,
      }))
      await query(
        `with placed as (
           insert into orders (id, number, performance_id, hold_id, session, buyer_name, buyer_email, buyer_key, status,
             seats, seat_count, total_minor, currency, pay_by)
           values ($1, $2, $3, $4, 's', 'Ada <b>Buyer</b>', 'ada@example.com', $2, 'paid', $5::jsonb, $6, $7, 'EUR', now())
         ), sold as (
           insert into order_items (order_id, performance_id, seat_ordinal, price_minor, fee_minor, live)
           select $1, $3, unnest($8::int[]), 5000, 250, $9
         )
         insert into outbox (topic, order_id, performance_id, payload)
         values ('seats.sold', $1, $3, jsonb_build_object('hold', $4::text, 'ordinals', $8::int[]))`,
        [
          sale.order,
          number,
          PERFORMANCE,
          sale.hold,
          JSON.stringify(seats),
          ordinals.length,
          5_250 * ordinals.length,
          ordinals,
          live,
        ],
      )
      return sale
    },
    async giveBack({ order, ordinals }) {
      const [row] = await query(
        `with freed as (update order_items set live = false where order_id = $1)
         insert into outbox (topic, order_id, performance_id, payload)
         values ('seats.freed', $1, $2, jsonb_build_object('ordinals', $3::int[])) returning id`,
        [order, PERFORMANCE, ordinals],
      )
      return Number(row?.['id'])
    },
    paid: ({ order, number, ordinals }) =>
      setup.write(
        'order.paid',
        { number, event: 'tiny', total: 5_250 * ordinals.length, currency: 'EUR' },
        order,
      ),
    closed: ({ order, number }, outcome) =>
      setup.write('order.closed', { number, event: 'tiny', outcome, reason: 'seat_lost' }, order),
    refunded: ({ order, number }, refund) =>
      setup.write(
        'order.refunded',
        { number, event: 'tiny', currency: 'EUR', refund: crypto.randomUUID(), reason: 'kind', ...refund },
        order,
      ),
    async write(topic, payload, order = '') {
      const [row] = await query(
        'insert into outbox (topic, order_id, performance_id, payload) values ($1, $2, $3, $4) returning id',
        [topic, order, PERFORMANCE, JSON.stringify(payload)],
      )
      return Number(row?.['id'])
    },
    run: () => pump(now().parts, { idleMs: 0, batches: 1 }),
    tryToRun: () => setup.run().catch(() => undefined),
    async map() {
      const { parts } = now()
      const ask = () => parts.seats.availability(PERFORMANCE)
      const answer = await withSeatsLoaded(parts, { id: PERFORMANCE, seats: SEATS }, ask)
      return answer.status === 'full' ? answer.map : ''
    },
    async truth() {
      const [row] = await query(
        `select string_agg(case when i.order_id is not null then 's' when b.reason = 'accessible' then 'a'
             when b.reason is not null then 'b' else 'f' end, '' order by s.ordinal) as map
         from performances p join seats s on s.hall_id = p.hall_id
         left join order_items i on i.performance_id = p.id and i.seat_ordinal = s.ordinal and i.live
         left join blocked_seats b on b.performance_id = p.id and b.seat_ordinal = s.ordinal
         where p.id = $1`,
        [PERFORMANCE],
      )
      return String(row?.['map'])
    },
    async total(name) {
      const [row] = await query('select value from totals where name = $1', [name])
      return Number(row?.['value'] ?? 0)
    },
    async open() {
      const [row] = await query('select count(*)::int as n from outbox where handled_at is null')
      return Number(row?.['n'])
    },
    async pending() {
      const states = await Promise.all(
        CONSUMERS.map((consumer) => now().parts.streams.state(OUTBOX_STREAM, consumer)),
      )
      return states.reduce((sum, { pending }) => sum + pending, 0)
    },
    deadLetters: () => query('select * from dead_letters order by dead_at'),
  }
  return setup
}

/** `order.paid` of the tiny event. */
export const PAID = 'foyer_orders_total event="tiny",outcome="paid"'
export const SOLD = `foyer_seats_sold_total performance="${PERFORMANCE}"`
