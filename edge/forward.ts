// Sends a request on to the origin over the service binding, and its response back: method, bodies, query and the
// visitor's own cookies as they came, both ways streaming. Our cookies and internal headers never pass; the pass that
// the origin sees is the one that the gate verified or signed, never what the client sent.

import type { Trace } from '../src/http/traceparent.ts'
import { stripCookies } from './cookies.ts'
import { PASS_HEADER } from './presented.ts'
import { Refusal } from './refusal.ts'

/** Headers that a client may not send: ours, and those that later releases may give a meaning. */
const INTERNAL = /^(?:wr|waiting-room)-/

export interface Forwarding {
  /** The service binding. */
  readonly origin: { fetch(request: Request): Promise<Response> }
  readonly trace: Trace
  readonly cookieNames: ReadonlySet<string>
  /** The verified pass, if the visitor has one. */
  readonly token?: string | undefined
  /** `Set-Cookie` values for the visitor. */
  readonly cookies?: readonly string[]
  /** A renewed pass for a client that presented its own by header. */
  readonly renewedToken?: string | undefined
}

export async function forward(request: Request, options: Forwarding): Promise<Response> {
  const headers = new Headers(request.headers)
  for (const name of request.headers.keys()) if (INTERNAL.test(name)) headers.delete(name)
  const cookie = stripCookies(request.headers.get('cookie'), options.cookieNames)
  if (cookie === undefined) headers.delete('cookie')
  else headers.set('cookie', cookie)
  headers.set('traceparent', options.trace.traceparent)
  if (options.token !== undefined) headers.set(PASS_HEADER, options.token)
  // A redirect is the visitor's to follow, not ours.
  const response = await options.origin
    .fetch(new Request(request, { headers, redirect: 'manual' }))
    .catch((error: unknown) => {
      throw isBrokenOff(request, error) ? brokenOff() : error
    })
  return withTokens(response, options)
}

/**
 * Whether the sender went away within its body: workerd's one message for a lost connection, and there was a body to lose.
 * The origin going away at that moment looks the same; telling them apart takes the flag `enable_request_signal`.
 */
const isBrokenOff = (request: Request, error: unknown): boolean =>
  request.body !== null && error instanceof Error && error.message.startsWith('Network connection lost')

/** An everyday thing and no fault of ours: one line in the log, without a stack. */
const brokenOff = (): Refusal =>
  new Refusal('internal', {
    detail: 'The request was not completed. It is safe to try again.',
    reason: 'connection_lost',
  })

function withTokens(response: Response, { cookies = [], renewedToken }: Forwarding): Response {
  if (cookies.length === 0 && renewedToken === undefined) return response
  const marked = new Response(response.body, response)
  for (const cookie of cookies) marked.headers.append('set-cookie', cookie)
  if (renewedToken !== undefined) marked.headers.set(PASS_HEADER, renewedToken)
  keepPrivate(marked.headers)
  return marked
}

/** A shared cache must not store a response that carries somebody's pass, even where the origin's own part is public. */
function keepPrivate(headers: Headers): void {
  const kept = (headers.get('cache-control') ?? '')
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(?:public|private|s-maxage\b.*)$/i.test(directive))
  headers.set('cache-control', ['private', ...kept].join(', '))
}
