// One signed webhook request, as Stripe sends it. Called by the event log for real deliveries and for test forgeries.
// Never follows redirects, never reads the answer's body, never logs the secret.

import { createHmac } from 'node:crypto'

const TIMEOUT_MS = 20_000

export interface WebhookPost {
  readonly url: string
  readonly secret: string
  readonly body: string
  /** Unix seconds, part of what is signed; receivers accept about five minutes of difference. */
  readonly timestamp: number
  readonly signal: AbortSignal
}

/** HTTP status of the receiver, or why there was none. */
export type PostResult =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unreachable'; readonly reason: string }

/** `t=UNIX,v1=HEX`, HMAC-SHA256 of `${t}.${body}` (Stripe's page "Verify webhook signatures manually"). */
export function signatureHeader(secret: string, timestamp: number, body: string): string {
  return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}

export async function postWebhook({
  url,
  secret,
  body,
  timestamp,
  signal,
}: WebhookPost): Promise<PostResult> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': signatureHeader(secret, timestamp, body),
      },
    })
    await response.body?.cancel()
    return { kind: 'answered', status: response.status }
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error) }
  }
}

export function accepted(result: PostResult): boolean {
  return result.kind === 'answered' && result.status >= 200 && result.status < 300
}

export function describe(result: PostResult): string {
  return result.kind === 'answered' ? `status ${result.status}` : result.reason
}

/** fetch hides the network's own words (ECONNREFUSED and the like) in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
