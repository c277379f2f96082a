// The queue page as a response. Called where a held request wants HTML. The page is never stored by a cache, and its policy
// allows no inline code.

import template from './page/queue.html'
import { policy, type QueuePage, renderQueuePage } from './queue-html.ts'

const NONCE_BYTES = 16

export function queuePage(
  page: QueuePage,
  { status, cookies = [] }: { status: number; cookies?: readonly string[] },
): Response {
  const nonce = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))))
  const headers = new Headers({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex, nofollow',
    'content-security-policy': policy(page.settings, nonce),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    vary: 'accept, accept-language, cookie, sec-fetch-dest, sec-fetch-mode',
  })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(renderQueuePage(page, template, nonce), { status, headers })
}
