// A reply is lost, or the Worker dies, at each single request that a purchase sends: the n-th to Redis, to Postgres and to the
// provider, for n = 1, 2, 3 … until the purchase goes through without meeting it. Each n is a whole purchase.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../local/faults.ts'
import { CARDS } from './buyer.ts'
import { expectLedgerInOrder } from './operator.ts'
import { newKey, startOrigin, type Answer, type RequestOptions, type TestOrigin } from './origin.ts'
import {
  bringHall,
  cron,
  expectMapAgrees,
  expectMoneyAgrees,
  fresh,
  whileNothingMoves,
} from './reconcile-setup.ts'
import { PERFORMANCE } from './small-event.ts'

/** Far above what a purchase sends. */
const REQUESTS_MOST = 60
/** A browser that gets no answer, or a 5xx, repeats the request with the same key. */
const REPEATS = 4

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  origin.payments.settings.holdWebhooks = true
  await bringHall(origin)
})
afterAll(() => origin.stop())
beforeEach(() => {
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => vi.restoreAllMocks())

type Service = 'redis' | 'postgres' | 'provider'
const faultsOf = (service: Service) =>
  ({
    redis: origin.redis.faults,
    postgres: origin.database.gateway.faults,
    provider: origin.payments.faults,
  })[service]

/** Hits the requests `from` to `to` that any of them gets from now on. Answers whether it has hit one. */
function arm(
  services: readonly Service[],
  { from, to }: { from: number; to: number },
  fault: Fault,
): () => boolean {
  let seen = 0
  for (const service of services) {
    // The provider's client waits longer and longer after a 503; nobody is there to make anything of either.
    const answer = fault.kind === 'status' && service === 'provider' ? { ...fault, status: 400 } : fault
    faultsOf(service).set(answer, (request: object) => {
      // The buyer's browser on the provider's page is not the Worker.
      if ('path' in request && service === 'provider' && !String(request.path).startsWith('/v1/'))
        return false
      seen += 1
      return seen >= from && seen <= to
    })
  }
  return () => seen >= from
}

const clearFaults = () => {
  for (const service of ['redis', 'postgres', 'provider'] as const) faultsOf(service).clear()
}

type Ask = (path: string, options?: RequestOptions) => Promise<Answer>

const patiently: Ask = async (path, options) => {
  let answer = await origin.request(path, options)
  for (let repeats = 0; repeats < REPEATS && answer.status >= 500; repeats += 1) {
    expect(answer.headers.get('retry-after'), answer.text).not.toBeNull()
    answer = await origin.request(path, options)
  }
  return answer
}

class Purchase {
  #visitor: Record<string, string> = {}
  #key = newKey()
  #holdId = ''
  orderId = ''
  #page = ''
  readonly #ask: Ask
  constructor(ask: Ask) {
    this.#ask = ask
  }

  async hold(): Promise<number> {
    this.#visitor = await origin.admit()
    const { status, body } = await this.#ask(`/api/performances/${PERFORMANCE}/holds`, {
      headers: { ...this.#visitor, 'idempotency-key': newKey() },
      body: { seats: ['A-1-1', 'A-1-2'] },
    })
    this.#holdId = String(body['holdId'])
    return status
  }

  async order(): Promise<number> {
    const { status, body } = await this.#ask('/api/orders', {
      headers: { ...this.#visitor, 'idempotency-key': this.#key },
      body: { holdId: this.#holdId, buyer: { name: 'Ada Buyer', email: 'ada@example.com' } },
    })
    this.orderId = String(body['orderId'])
    return status
  }

  async pay(): Promise<number> {
    const { status, body } = await this.#ask(`/api/orders/${this.orderId}/pay`, { method: 'POST' })
    this.#page = String(body['redirectUrl'])
    return status
  }

  /** On the provider's page, with which nothing of ours has to do. */
  async card(): Promise<void> {
    const body = new URLSearchParams({ number: CARDS.good, expiry: '12/40', cvc: '123' })
    await (await fetch(this.#page, { method: 'POST', redirect: 'manual', body })).text()
  }

  async comeBack(): Promise<number> {
    return (await this.#ask(`/orders/${this.orderId}/return`)).status
  }
}

async function expectAllAgrees(): Promise<void> {
  await whileNothingMoves(origin)
  await expectMoneyAgrees(origin)
  await expectLedgerInOrder(origin)
  await expectMapAgrees(origin)
}

const intentsOf = ({ orderId }: Purchase) =>
  origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)

const statuses = async () =>
  (await origin.database.query('select status from orders')).map(({ status }) => status)

describe.each(['redis', 'postgres', 'provider'] as const)('the reply of %s is lost', (service) => {
  test('after each request in turn: the buyer who repeats has the tickets, and pays once', async () => {
    let n = 1
    for (; n <= REQUESTS_MOST; n += 1) {
      await fresh(origin)
      // The client of Redis repeats by itself: that reply is lost as well.
      const to = service === 'redis' ? n + 1 : n
      const met = arm([service], { from: n, to }, { kind: 'drop-reply' })
      const purchase = new Purchase(patiently)
      expect(await purchase.hold(), `hold ${n}`).toBe(201)
      expect(await purchase.order(), `order ${n}`).toBe(201)
      expect(await purchase.pay(), `pay ${n}`).toBe(202)
      await purchase.card()
      expect(await purchase.comeBack(), `return ${n}`).toBe(303)
      const hit = met()
      clearFaults()
      await cron(origin)
      expect(await statuses(), `after ${n}`).toEqual(['paid'])
      expect((await origin.request(`/api/orders/${purchase.orderId}/tickets`)).status).toBe(200)
      expect(intentsOf(purchase), `after ${n}`).toHaveLength(1)
      await expectAllAgrees()
      if (!hit) break
    }
    expect(n).toBeLessThan(REQUESTS_MOST)
    expect(n).toBeGreaterThan(3)
  })
})

describe('the Worker dies, and everything after', () => {
  /** Whatever the request answers: its sender is gone. */
  const deaf: Ask = (path, options) => origin.request(path, options)

  test.each(['hold', 'order', 'pay', 'comeBack'] as const)(
    'between any two requests of "%s": cron alone brings the order to rest',
    async (stage) => {
      let n = 1
      for (; n <= REQUESTS_MOST; n += 1) {
        await fresh(origin)
        const purchase = new Purchase(deaf)
        if (stage !== 'hold') await purchase.hold()
        if (stage === 'pay' || stage === 'comeBack') await purchase.order()
        if (stage === 'comeBack') {
          await purchase.pay()
          await purchase.card()
        }
        const all = ['redis', 'postgres', 'provider'] as const
        const met = arm(all, { from: n, to: Infinity }, { kind: 'status', status: 503 })
        await purchase[stage]()
        const hit = met()
        clearFaults()
        // By the order's own clock: cron's minute comes on top.
        const late = await origin.database.query(`select number from orders
          where status in ('authorised', 'committing', 'capturing', 'voiding') and retry_at > now() + interval '1 minute'`)
        expect(late).toEqual([])
        if (stage !== 'comeBack') {
          await origin.database.query(`update orders set pay_by = now() - interval '3 minutes'`)
        }
        await cron(origin)
        expect(await statuses(), `${stage} ${n}`).toEqual(
          stage === 'comeBack' ? ['paid'] : stage === 'hold' ? [] : expect.toSatisfy(allExpired),
        )
        await expectAllAgrees()
        if (!hit) break
      }
      expect(n).toBeLessThan(REQUESTS_MOST)
      expect(n).toBeGreaterThan(1)
    },
  )

  test.each(['order', 'pay'] as const)(
    'between any two requests of "%s", and the buyer repeats it: one order, one payment',
    async (stage) => {
      let n = 1
      for (; n <= REQUESTS_MOST; n += 1) {
        await fresh(origin)
        const purchase = new Purchase(deaf)
        await purchase.hold()
        if (stage === 'pay') await purchase.order()
        const all = ['redis', 'postgres', 'provider'] as const
        const met = arm(all, { from: n, to: Infinity }, { kind: 'status', status: 503 })
        await purchase[stage]()
        const hit = met()
        clearFaults()
        // Half a minute later: a key is claimed for no longer.
        await origin.database.query(`update idempotency_keys set locked_until = now() - interval '1 second'`)
        if (stage === 'order') expect(await purchase.order(), `order ${n}`).toBe(201)
        expect(await purchase.pay(), `pay ${n}`).toBe(202)
        await purchase.card()
        await purchase.comeBack()
        expect(await statuses(), `${stage} ${n}`).toEqual(['paid'])
        expect(intentsOf(purchase), `${stage} ${n}`).toHaveLength(1)
        if (!hit) break
      }
      expect(n).toBeLessThan(REQUESTS_MOST)
      expect(n).toBeGreaterThan(2)
    },
  )

  const allExpired = (ends: readonly unknown[]) => ends.every((end) => end === 'expired')
})
