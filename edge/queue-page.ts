// The queue page as a response: fills the placeholders of page/queue.html. Called where a held request wants HTML.
// Everything that came from outside is escaped, the page is never stored by a cache, and its policy allows no inline code.

import template from './page/queue.html'
import type { QueueView } from './queue-view.ts'

export interface QueuePage {
  readonly room: string
  readonly title: string
  readonly message: string
  /** Path of this room's queue API, without a slash at the end. */
  readonly base: string
  /** Path and query that the visitor asked for, and is sent to after admission. */
  readonly returnTo: string
  /** A state of the room, or why nobody is let in: `reject`, `store_down`. */
  readonly state: string
  /** `null` for one who has not joined, or must join again to be restored. */
  readonly queue: QueueView | null
  /** How long a called visitor has to enter, and after a missed call to return. */
  readonly claimWindowSeconds: number
  readonly lateGraceSeconds: number
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

export function queuePage(
  page: QueuePage,
  { status, cookies = [] }: { status: number; cookies?: readonly string[] },
): Response {
  const headers = new Headers({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex, nofollow',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    vary: 'accept, cookie, sec-fetch-dest, sec-fetch-mode',
  })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(renderQueuePage(page, template), { status, headers })
}

/** The HTML; a placeholder that is not known stays as it is, so that a test finds it. */
export function renderQueuePage(page: QueuePage, html: string): string {
  const values: Readonly<Record<string, string>> = {
    lang: 'en',
    title: escapeHtml(page.title),
    room: escapeHtml(page.room),
    message: escapeHtml(page.message),
    noscript: withoutScript(page),
    data: escapeJson(page),
  }
  return html.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder)
}

/** A button, never a refresh by itself (WCAG 2.2.1, failure F41). */
function withoutScript({ base, returnTo, queue, state }: QueuePage): string {
  const address = escapeHtml(returnTo)
  if (state === 'reject' || state === 'closed' || state === 'sold_out' || state === 'store_down') {
    return `<p><a href="${address}">Look again</a></p>`
  }
  if (queue === null) {
    return (
      '<p>More people have come than can be let in at once. Join the line to get your place: it is kept in this browser, ' +
      'and you come in when it is your turn.</p>' +
      `<form method="post" action="${escapeHtml(base)}/join"><input type="hidden" name="next" value="${address}">` +
      `<button>Join the line</button></form>`
    )
  }
  return `<p>You are number ${queue.position} in line.${waitOf(queue)}</p><p><a href="${address}">Look again</a></p>`
}

/** A range, as the page with script says it; nothing where the wait cannot be told. */
function waitOf({ etaSeconds }: QueueView): string {
  if (etaSeconds === null || etaSeconds.high === null) return ''
  const [low, high] = [etaSeconds.low, etaSeconds.high].map((seconds) =>
    Math.max(1, Math.round(seconds / 60)),
  )
  return low === high ? ` About ${low} min to go.` : ` About ${low} to ${high} min to go.`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

/** JSON inside a script element: "<" could end it, and the two separators are line ends to old parsers. */
const escapeJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
