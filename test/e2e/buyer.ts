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
