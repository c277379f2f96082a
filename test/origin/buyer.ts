// A buyer at the origin: holds, orders, pays on the provider's page, all over HTTP as a browser would.
import { expect } from 'vitest'
import { newKey, type Answer, type TestOrigin } from './origin.ts'
import { PERFORMANCE } from './small-event.ts'

export const CARDS = {
  good: '4242424242424242',
  declined: '4000000000000002',
} as const

export interface Placed {
  readonly orderId: string
  readonly holdId: string
  readonly key: string
  readonly visitor: Record<string, string>
  readonly answer: Answer
}

export async function hold(
  origin: TestOrigin,
  seats: readonly string[],
  visitor: Record<string, string>,
): Promise<string> {
  const held = await origin.request(`/api/performances/${PERFORMANCE}/holds`, {
    headers: visitor,
    body: { seats },
  })
  expect(held.status, held.text).toBe(201)
  return String(held.body['holdId'])
}

export function order(
  origin: TestOrigin,
  {
    holdId,
    visitor,
    key = newKey(),
    email = `${newKey()}@example.com`,
    extra = {},
  }: { holdId: string; visitor: Record<string, string>; key?: string; email?: string; extra?: object },
): Promise<Answer> {
  return origin.request('/api/orders', {
    headers: { ...visitor, 'idempotency-key': key },
    body: { holdId, buyer: { name: 'Ada Buyer', email }, ...extra },
  })
}

/** Holds and orders; fails the test where either is refused. */
export async function place(
  origin: TestOrigin,
  seats: readonly string[],
  { email }: { email?: string } = {},
): Promise<Placed> {
  const visitor = await origin.admit()
  const holdId = await hold(origin, seats, visitor)
  const key = newKey()
  const answer = await order(origin, { holdId, visitor, key, ...(email !== undefined && { email }) })
  expect(answer.status, answer.text).toBe(201)
  return { orderId: String(answer.body['orderId']), holdId, key, visitor, answer }
}

/** Begins the payment and enters the card on the provider's page; answers where the provider sends the buyer. */
export async function payOnPage(
  origin: TestOrigin,
  orderId: string,
  card: string = CARDS.good,
): Promise<{ status: number; location: string | null }> {
  const begun = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  expect(begun.status, begun.text).toBe(202)
  const response = await fetch(String(begun.body['redirectUrl']), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ number: card, expiry: '12/40', cvc: '123' }),
  })
  await response.text()
  return { status: response.status, location: response.headers.get('location') }
}

export async function statusOf(origin: TestOrigin, orderId: string): Promise<string> {
  const { body } = await origin.request(`/api/orders/${orderId}`)
  return String(body['status'])
}
