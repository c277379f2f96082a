// One buyer of a storm: wants one to four seats, by name or the best there are, orders with a click or two, pays at the
// provider, comes back. Knows no more than a browser does. What a buyer decides follows from the seed.
import type { Requests } from './requests.ts'
import { PERFORMANCE } from './hall.ts'
import type { Shop } from './shop.ts'

/** Always good; good in the share that the simulator is set to. */
export const CARDS = { good: '4242424242424242', uncertain: '4000000000080202' } as const

export type Outcome =
  | 'no_seats'
  /** Redis forgot the hold before it was ordered. */
  | 'hold_lost'
  | 'ordered'
  | 'walked_away'
  | 'cancelled'
  | 'paid_at_provider'
  /** The order could no longer be paid. */
  | 'too_late'

export class Buyer {
  outcome: Outcome = 'no_seats'
  holdId = ''
  /** Number of seats that they hold, or held. */
  seats = 0
  orderId = ''
  /** Answers to clicks of one buyer that named different orders. */
  readonly otherOrders: string[] = []
  readonly #shop: Shop
  readonly #requests: Requests
  readonly #random: () => number
  readonly #headers: Record<string, string>
  readonly #email = `${crypto.randomUUID()}@buyers.example`

  constructor(
    shop: Shop,
    {
      requests,
      random,
      headers,
    }: { requests: Requests; random: () => number; headers: Record<string, string> },
  ) {
    this.#shop = shop
    this.#requests = requests
    this.#random = random
    this.#headers = headers
  }

  static async enter(
    shop: Shop,
    { requests, random }: { requests: Requests; random: () => number },
  ): Promise<Buyer> {
    return new Buyer(shop, { requests, random, headers: await shop.admit() })
  }

  /** Three tries, each for other seats; a third of the buyers want the best that there are. */
  async hold(): Promise<boolean> {
    const best = this.#random() < 0.3
    const quantity = 1 + Math.floor(this.#random() * 4)
    for (let tries = 0; tries < 3; tries += 1) {
      const body = best ? { bestAvailable: { quantity } } : { seats: this.#someSeats(quantity) }
      const answer = await this.#requests.send(
        'hold',
        `${this.#shop.url}/api/performances/${PERFORMANCE}/holds`,
        {
          headers: { ...this.#headers, 'idempotency-key': this.#key() },
          body,
          right: ['seats_taken'],
        },
      )
      if (answer.status === 201) {
        this.holdId = String(answer.body['holdId'])
        this.seats = (answer.body['seats'] as unknown[]).length
        return true
      }
      if (best) return false
    }
    return false
  }

  /** `clicks` at once with one key, as an impatient finger or a browser that repeats; all must name one order. */
  async order({ clicks = this.#random() < 0.2 ? 2 : 1 }: { clicks?: number } = {}): Promise<boolean> {
    const headers = { ...this.#headers, 'idempotency-key': this.#key() }
    const body = { holdId: this.holdId, buyer: { name: 'Ada Buyer', email: this.#email } }
    const answers = await Promise.all(
      Array.from({ length: clicks }, () =>
        // A hold that Redis lost is unknown (404) or ended; the one order of a hold is no conflict with itself.
        this.#requests.send('order', `${this.#shop.url}/api/orders`, {
          headers,
          body,
          right: ['not_found', 'hold_expired'],
        }),
      ),
    )
    const orders = new Set(
      answers.filter(({ status }) => status === 201).map((answer) => String(answer.body['orderId'])),
    )
    const [first, ...others] = orders
    this.otherOrders.push(...others)
    if (first === undefined) {
      this.outcome = 'hold_lost'
      return false
    }
    this.orderId = first
    this.outcome = 'ordered'
    return true
  }

  /** Up to three cards; who is refused three times cancels or just leaves. */
  async pay(card: string): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      const begun = await this.#requests.send('pay', `${this.#shop.url}/api/orders/${this.orderId}/pay`, {
        right: ['order_conflict'],
      })
      if (begun.status !== 202) {
        this.outcome = 'too_late'
        return
      }
      const page = String(begun.body['redirectUrl'])
      // Paid by an earlier try of which the answer was lost: the order's own page.
      if (page.startsWith(this.#shop.url)) {
        this.outcome = 'paid_at_provider'
        return
      }
      const entered = await this.#requests.send('card', page, {
        body: new URLSearchParams({ number: card, expiry: '12/40', cvc: '123' }),
        right: [402, 410],
      })
      if (entered.status === 303) {
        this.outcome = 'paid_at_provider'
        if (entered.location !== null)
          await this.#requests.send('return', entered.location, { method: 'GET' })
        return
      }
      if (entered.status === 410) break
    }
    await this.leave()
  }

  async leave(): Promise<void> {
    this.outcome = 'walked_away'
    if (this.#random() < 0.5) return
    const answer = await this.#requests.send(
      'cancel',
      `${this.#shop.url}/api/orders/${this.orderId}/cancel`,
      { right: ['order_conflict'] },
    )
    if (answer.status === 200) this.outcome = 'cancelled'
  }

  async look(): Promise<string> {
    const answer = await this.#requests.send('look', `${this.#shop.url}/api/orders/${this.orderId}`, {
      method: 'GET',
    })
    return String(answer.body['status'])
  }

  #someSeats(quantity: number): readonly string[] {
    const { rows } = this.#shop.hall
    const row = rows[Math.floor(this.#random() * rows.length)] ?? []
    const first = Math.floor(this.#random() * (row.length - quantity + 1))
    return row.slice(first, first + quantity)
  }

  /** 32 characters, of the seed. */
  #key(): string {
    return Array.from({ length: 32 }, () => Math.floor(this.#random() * 16).toString(16)).join('')
  }
}
