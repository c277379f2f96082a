// A buyer without a browser: the whole way with bearer tokens alone, as a native client goes it.
import { randomBytes, randomInt } from 'node:crypto'
import type { TestStack } from './stack.ts'

const address = () => `198.${18 + randomInt(2)}.${randomInt(256)}.${randomInt(256)}`
export const newKey = () => randomBytes(16).toString('base64url')

export interface Answer<Body> {
  readonly status: number
  readonly body: Body
  readonly headers: Headers
}

/** One request with a JSON body; the answer's body is parsed where it is JSON. */
export async function request<Body = Record<string, unknown>>(
  url: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer<Body>> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') ?? false
  return {
    status: response.status,
    body: (json ? JSON.parse(text) : { text }) as Body,
    headers: response.headers,
  }
}

/** Joins and claims until admitted; returns the headers that every later request carries. */
export async function admit(stack: TestStack, room = 'demo'): Promise<Record<string, string>> {
  const base = `${stack.url}/.waiting-room/${room}`
  const from = { 'cf-connecting-ip': address() }
  const joined = await request<{ queueToken: string }>(`${base}/join`, {
    method: 'POST',
    headers: { ...from, 'idempotency-key': newKey() },
    body: {},
  })
  if (joined.status !== 201) throw new Error(`join answered ${joined.status}: ${JSON.stringify(joined.body)}`)
  const authorization = `Bearer ${joined.body.queueToken}`
  for (;;) {
    // Every look at the snapshot moves the front, as a waiting page's does.
    await request(`${base}/now`)
    const claimed = await request<{ admissionToken: string }>(`${base}/claim`, {
      method: 'POST',
      headers: { ...from, authorization },
      body: {},
    })
    if (claimed.status === 200) return { ...from, 'waiting-room-token': claimed.body.admissionToken }
    if (claimed.status !== 202)
      throw new Error(`claim answered ${claimed.status}: ${JSON.stringify(claimed.body)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export interface Order {
  readonly orderId: string
  readonly status: string
  readonly total: number
}

/** Four steps of a purchase after the hold: order, pay, the provider's page with a card, and back. */
export async function buy(
  stack: TestStack,
  {
    holdId,
    headers,
    card = '4242 4242 4242 4242',
  }: { holdId: string; headers: Record<string, string>; card?: string },
): Promise<string> {
  const orderId = await order(stack, { holdId, headers })
  await pay(stack, orderId, card)
  return orderId
}

export async function order(
  stack: TestStack,
  { holdId, headers }: { holdId: string; headers: Record<string, string> },
): Promise<string> {
  const email = `${newKey()}@buyers.example`
  const made = await request<Order>(`${stack.url}/api/orders`, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': newKey() },
    body: { holdId, buyer: { name: 'A buyer', email } },
  })
  if (made.status !== 201) throw new Error(`order answered ${made.status}: ${JSON.stringify(made.body)}`)
  return made.body.orderId
}

/** Goes to the provider's page and enters the card there; follows the return to our side. */
export async function pay(stack: TestStack, orderId: string, card: string): Promise<void> {
  const started = await request<{ redirectUrl: string }>(`${stack.url}/api/orders/${orderId}/pay`, {
    method: 'POST',
    body: {},
  })
  if (started.status !== 202)
    throw new Error(`pay answered ${started.status}: ${JSON.stringify(started.body)}`)
  const entered = await fetch(started.body.redirectUrl, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ number: card, expiry: '12/34', cvc: '123' }),
  })
  const back = entered.headers.get('location')
  if (entered.status !== 303 || back === null)
    throw new Error(`the provider's page answered ${entered.status}: ${await entered.text()}`)
  await fetch(back, { redirect: 'manual' })
}

/** Looks at the order until it rests in one of the states. */
export async function settled(stack: TestStack, orderId: string, states: readonly string[]): Promise<string> {
  const deadlineMs = Date.now() + 30_000
  for (;;) {
    const { body } = await request<Order>(`${stack.url}/api/orders/${orderId}`)
    if (states.includes(body.status)) return body.status
    if (Date.now() > deadlineMs) throw new Error(`order ${orderId} stays ${body.status}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
