// A shop for looking at its pages: the demo's own hall, holds and orders in memory. Used by serve.ts; it sells nothing,
// checks little, and is never shipped.

import { readFile } from 'node:fs/promises'
import { renderSVG } from 'uqr'
import { packMap } from '../../../origin/availability-copy.ts'
import { eventFile } from '../../../origin/import/event-file.ts'
import { layOut } from '../../../origin/import/lay-out.ts'
import type { Reply } from './fake-room.ts'
import type { Call } from './serve.ts'

const file = eventFile.parse(JSON.parse(await readFile('local/demo/event.json', 'utf8')))
const { seats, sections } = layOut(file.hall)
const { event, performances } = file
const currency = event.currency

/** A sale half an hour old: most of the front is gone, some is held. Always the same. */
const marks = seats.map(({ ordinal, section }, index) => {
  const roll = (Math.imul(index + 1, 2_654_435_761) >>> 0) / 2 ** 32
  const sold = section.startsWith('P')
    ? 0.97
    : section === 'S5'
      ? 1
      : 0.25 + 0.5 * Math.abs(Math.sin(ordinal / 2_900))
  if (roll < sold) return 's'
  return roll > 0.97 ? 'h' : roll > 0.965 ? 'b' : 'f'
})
const START = Date.UTC(2026, 11, 1, 19)

interface Taken {
  readonly seats: readonly ReturnType<typeof describe>[]
  readonly total: number
}
const holds = new Map<string, Taken>()
interface Made extends Taken {
  status: string
  readonly failure: string | null
  readonly refunded?: number
  readonly holdId?: string
}
const orders = new Map<string, Made>()
/** What each Idempotency-Key came with. */
const asked = new Map<string, string>()
let holdsMade = 0
const PAY_BY = new Date(Date.now() + 600_000).toISOString()

function describe(id: string) {
  const seat = seats.find((candidate) => candidate.id === id)
  if (seat === undefined) throw new Error(`the demo has no seat ${id}`)
  const tier = performances[0]?.tiers.find((candidate) => candidate.id === seat.tier)
  const { row, label } = seat
  const section = sections.find((candidate) => candidate.id === seat.section)?.name
  return { id, section, row, label, tier: seat.tier, price: tier?.price ?? 0, fee: tier?.fee ?? 0 }
}

function take(ids: readonly string[]): Taken {
  const taken = ids.map(describe)
  return { seats: taken, total: taken.reduce((sum, { price, fee }) => sum + price + fee, 0) }
}

for (const status of ['awaiting_payment', 'capturing', 'paid', 'voided', 'expired', 'stuck']) {
  orders.set(status, { ...take(['C5-F-12', 'C5-F-13']), status, failure: null })
}
orders.set('declined', {
  ...take(['C5-F-12', 'C5-F-13']),
  status: 'awaiting_payment',
  failure: 'card_declined',
})

orders.set('part-refunded', {
  ...take(['C5-F-12', 'C5-F-13']),
  status: 'paid',
  failure: null,
  refunded: 3_000,
})
const place = { id: 'F-GA-17', section: 'Floor', row: 'GA', label: '17', tier: 'floor', price: 3_000, fee: 0 }
orders.set('standing', { seats: [place], total: 3_000, status: 'paid', failure: null })

const shown = performances.map(({ id, name, startsAt, room }) => ({
  id,
  eventId: event.id,
  eventName: event.name,
  name,
  startsAt,
  room,
  currency,
  seats: seats.length,
}))

export async function shopPage({ pathname }: URL): Promise<string | undefined> {
  const [, kind, id = ''] = pathname.split('/')
  if (kind === 'performances') {
    const performance = shown.find((candidate) => candidate.id === id)
    return await fill('performance', `${event.name}: ${performance?.name ?? ''}`, { performance })
  }
  if (kind === 'orders') return await fill('order', `${event.name}: your order`, { orderId: id })
  if (kind === '' || kind === 'events') return await fill('event', event.name, { event, performances: shown })
  return undefined
}

async function fill(page: string, title: string, data: unknown): Promise<string> {
  const html = await readFile(`origin/shop/${page}.html`, 'utf8')
  return html
    .replaceAll('{{title}}', () => title)
    .replace('{{data}}', () => JSON.stringify(data).replaceAll('<', '\\u003c'))
}

const ok = (body: unknown, status = 200): Reply => ({ status, body })
const problem = (status: number, code: string, more: object = {}): Reply => ({
  status,
  body: { status, code, ...more },
})

export function answerShop({ method, path, headers, body }: Call): Reply {
  const url = new URL(path, 'http://127.0.0.1')
  const [, , kind = '', id = '', verb = ''] = url.pathname.split('/')
  if (kind === 'performances' && verb === 'seats') return layout(url.searchParams.get('section'))
  if (kind === 'performances' && verb === 'availability') {
    return url.searchParams.has('since')
      ? ok({ version: 7, changes: {} })
      : ok({ version: 7, seats: marks.length, packed: packMap(marks.join('')) })
  }
  if (kind === 'performances' && verb === 'holds') return hold(id, body)
  if (kind === 'holds') return holdCall(method, id, verb)
  if (kind === 'orders') return order(method, id, verb, { body, key: String(headers['idempotency-key']) })
  return problem(404, 'not_found')
}

function layout(section: string | null): Reply {
  if (section !== null) return ok({ section, seats: seats.filter((seat) => seat.section === section) })
  const tiers = (performances.at(-1)?.tiers ?? []).map((tier) => ({ ...tier, currency }))
  return ok({ performance: shown[0], version: 1, tiers, sections })
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

function hold(performance: string, body: unknown): Reply {
  const wanted = listOf(typeof body === 'object' && body !== null && 'seats' in body ? body.seats : [])
  const taken = wanted.filter((id) => marks[seats.findIndex((seat) => seat.id === id)] !== 'f')
  if (taken.length > 0) {
    return problem(409, 'seats_taken', { conflicts: taken.map((seat) => ({ seat, state: 'sold' })) })
  }
  holdsMade += 1
  const holdId = `${performance}.${holdsMade}`
  holds.set(holdId, take(wanted))
  return showHold(holdId, 201)
}

function showHold(holdId: string, status = 200): Reply {
  const held = holds.get(holdId)
  if (held === undefined) return problem(404, 'not_found')
  const times = { expiresInSeconds: 300, expiresAt: '', lastsUntil: new Date(START + 900_000).toISOString() }
  return ok({ holdId, ...held, currency, ...times }, status)
}

function holdCall(method: string, holdId: string, verb: string): Reply {
  if (method !== 'DELETE') return verb === 'extend' ? ok({ expiresInSeconds: 420 }) : showHold(holdId)
  const made = orders.get('made')
  if (made?.holdId === holdId) made.status = 'cancelled'
  holds.delete(holdId)
  return { status: 204, body: undefined }
}

function order(
  method: string,
  id: string,
  verb: string,
  { body, key }: { body: unknown; key: string },
): Reply {
  if (method === 'POST' && id === '') {
    const holdId = typeof body === 'object' && body !== null && 'holdId' in body ? String(body.holdId) : ''
    const held = holds.get(holdId)
    if (held === undefined) return problem(409, 'hold_expired')
    const same = asked.get(key) === JSON.stringify(body)
    if (asked.has(key) && !same) return problem(422, 'idempotency_key_reused', { detail: 'A key.' })
    const open = orders.get('made')
    if (open?.holdId === holdId && open.status === 'awaiting_payment' && !same) {
      return problem(409, 'order_conflict', { detail: 'There is an order for this hold already.' })
    }
    asked.set(key, JSON.stringify(body))
    orders.set('made', { ...held, holdId, status: 'awaiting_payment', failure: null })
    return ok({ orderId: 'made' }, 201)
  }
  const found = orders.get(id)
  if (found === undefined) return problem(404, 'not_found')
  if (verb === 'pay') {
    found.status = 'paid'
    return ok({ status: found.status, redirectUrl: 'http://127.0.0.1/elsewhere' }, 202)
  }
  if (verb === 'tickets') {
    const tickets = found.seats.map((seat) => ({
      ...seat,
      seat: seat.id,
      qr: renderSVG(`foyer ${seat.id}`.repeat(12)),
    }))
    return ok({ tickets })
  }
  const { status, failure, seats: items, total, refunded = 0 } = found
  return ok({
    orderId: id,
    number: '7K3M-9QXA',
    status,
    failure,
    items,
    total,
    refunded,
    currency,
    payBy: PAY_BY,
    performance: shown.at(-1),
  })
}
