// Two buyers of one seat, in every order in which their steps can fall: hold, expiry, payment, commit. Each of the 70 orders
// runs against the real parts on a seat of its own; at the end every seat has one owner at most, and money agrees with seats.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { CARDS, order } from './buyer.ts'
import { expectLedgerInOrder } from './operator.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { cron, expectMoneyAgrees, expireHold, fresh, mapOf } from './reconcile-setup.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

/** Seats of the hall: one for each order of steps. */
const INTERLEAVINGS = 70

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  const { hall, performances, ...event } = smallEvent()
  await origin.importEvent({
    ...event,
    performances: performances.map((performance) => ({ ...performance, blocked: [] })),
    hall: {
      id: hall.id,
      name: hall.name,
      sections: [
        {
          id: 'A',
          name: 'Front',
          tier: 'near',
          rows: [{ label: '1', count: INTERLEAVINGS, line: { x: 0, y: 0, dx: 9, dy: 0 } }],
        },
        {
          id: 'B',
          name: 'Back',
          tier: 'far',
          rows: [{ label: '1', count: 1, line: { x: 0, y: 1, dx: 9, dy: 0 } }],
        },
      ],
    },
  })
})
afterAll(() => origin.stop())
beforeEach(() => fresh(origin, { seats: INTERLEAVINGS + 1 }))

type StepName = 'hold' | 'expire' | 'pay' | 'commit'

class Buyer {
  holdId: string | undefined
  orderId: string | undefined
  /** The card was taken. */
  authorised = false
  readonly #seat: string
  constructor(seat: string) {
    this.#seat = seat
  }

  async take(step: StepName): Promise<void> {
    if (step === 'hold') return await this.#hold()
    if (this.holdId === undefined || this.orderId === undefined) return
    if (step === 'expire') await expireHold(origin, this.holdId)
    else if (step === 'pay') await this.#pay(this.orderId)
    else await origin.request(`/orders/${this.orderId}/return`)
  }

  async #hold(): Promise<void> {
    const visitor = await origin.admit()
    const held = await origin.request(`/api/performances/${PERFORMANCE}/holds`, {
      headers: visitor,
      body: { seats: [this.#seat] },
    })
    expect([201, 409]).toContain(held.status)
    if (held.status === 409) return
    this.holdId = String(held.body['holdId'])
    const placed = await order(origin, { holdId: this.holdId, visitor })
    expect(placed.status, placed.text).toBe(201)
    this.orderId = String(placed.body['orderId'])
  }

  async #pay(orderId: string): Promise<void> {
    const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
    expect([202, 409], begun.text).toContain(begun.status)
    if (begun.status === 409) return
    const response = await fetch(String(begun.body['redirectUrl']), {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ number: CARDS.good, expiry: '12/40', cvc: '123' }),
    })
    await response.text()
    this.authorised = true
  }
}

/** Every way to merge two lists of four, as who takes the next step. */
function interleavings(first: number, second: number): readonly string[] {
  if (first === 0) return ['b'.repeat(second)]
  if (second === 0) return ['a'.repeat(first)]
  return [
    ...interleavings(first - 1, second).map((rest) => `a${rest}`),
    ...interleavings(first, second - 1).map((rest) => `b${rest}`),
  ]
}

test.each([
  ['before they pay', ['hold', 'expire', 'pay', 'commit']],
  ['between payment and commit', ['hold', 'pay', 'expire', 'commit']],
] as const)('holds that run out %s: one owner in every order of steps', async (_when, steps) => {
  const all = interleavings(4, 4)
  expect(all).toHaveLength(INTERLEAVINGS)
  const pairs: { seat: string; turns: string; buyers: readonly [Buyer, Buyer] }[] = []
  for (const [at, turns] of all.entries()) {
    const seat = `A-1-${at + 1}`
    const buyers = [new Buyer(seat), new Buyer(seat)] as const
    const taken = [0, 0]
    for (const turn of turns) {
      const who = turn === 'a' ? 0 : 1
      const step = steps[taken[who] ?? 0]
      taken[who] = (taken[who] ?? 0) + 1
      if (step !== undefined) await buyers[who].take(step)
    }
    pairs.push({ seat, turns, buyers })
  }
  // Whoever did not pay until here never will.
  await origin.database.query(
    `update orders set pay_by = now() - interval '3 minutes' where status = 'awaiting_payment'`,
  )
  await cron(origin)
  await cron(origin)

  const rows = await origin.database.query('select id, status from orders')
  const statuses = new Map(rows.map(({ id, status }) => [String(id), String(status)]))
  for (const { turns, buyers } of pairs) {
    const ends = buyers.map(({ orderId }) => statuses.get(orderId ?? ''))
    const paid = ends.filter((end) => end === 'paid').length
    expect(paid, `${turns}: ${ends.join(', ')}`).toBeLessThanOrEqual(1)
    // Two who have paid: one has the seat, the other the money.
    if (buyers.every(({ authorised }) => authorised)) expect(paid, `${turns}: ${ends.join(', ')}`).toBe(1)
    for (const end of ends) expect(['paid', 'voided', 'expired', undefined]).toContain(end)
  }
  expect(pairs.filter(({ buyers }) => buyers.every(({ authorised }) => authorised)).length).toBeGreaterThan(5)
  await expectMoneyAgrees(origin)
  await expectLedgerInOrder(origin)
  const sold = await origin.database.query('select seat_ordinal from order_items where live order by 1')
  const map = await mapOf(origin, { seats: INTERLEAVINGS + 1 })
  const shown = map.split('').flatMap((mark, ordinal) => (mark === 's' ? [ordinal] : []))
  expect(shown).toEqual(sold.map(({ seat_ordinal: ordinal }) => ordinal))
  expect(map).toMatch(/^[fs]+$/)
})
