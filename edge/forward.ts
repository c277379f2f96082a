// Sends a request on to the origin, a service binding or a site by its address, and its response back: method, bodies,
// query and the visitor's own cookies as they came, both ways streaming. Our cookies and internal headers never pass; the
// pass that the origin sees is the one that the gate verified or signed, never what the client sent. The origin's command
// for a session is carried out here and never passes either.

import type { Trace } from '../src/http/traceparent.ts'
import { stripCookies } from './cookies.ts'
import { COMMAND_HEADER, readCommand } from './origin-command.ts'
import { PASS_HEADER } from './presented.ts'
import { Refusal } from './refusal.ts'
import type { PassDelivery, SessionCommands } from './session-commands.ts'
import { OriginUnreachable, type Origin } from './url-origin.ts'

/**
 * Headers that a client may not send: ours, those that later releases may give a meaning, and those by which some
 * frameworks take another path than the one that was asked for, and that the gate looked at.
 */
const INTERNAL = /^(?:wr|waiting-room)-|^x-(?:original|rewrite)-url$/

/** Lifetimes by which other caches go before Cache-Control (RFC 9213, and the vendors' own before it). */
const TARGETED_CACHE_HEADERS = ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control']

/** For a site that cannot be reached: nothing tells how long. */
const RETRY_AFTER_SECONDS = 5

export interface Forwarding {
  readonly origin: Origin
  readonly trace: Trace
  readonly cookieNames: ReadonlySet<string>
  /** The verified pass, if the visitor has one. */
  readonly token?: string | undefined
  /** A pass that was made or renewed for this request. */
  readonly delivery?: PassDelivery
  /** Left out where the visitor has no session. */
  readonly session?: SessionCommands
}

export async function forward(request: Request, options: Forwarding): Promise<Response> {
  // Copied with its redirect mode: what comes in says "manual", since a redirect is the visitor's to follow, not ours.
  const sent = new Request(request)
  const { headers } = sent
  for (const name of request.headers.keys()) if (INTERNAL.test(name)) headers.delete(name)
  const cookie = stripCookies(headers.get('cookie'), options.cookieNames)
  if (cookie === undefined) headers.delete('cookie')
  else headers.set('cookie', cookie)
  headers.set('traceparent', options.trace.traceparent)
  if (options.token !== undefined) headers.set(PASS_HEADER, options.token)
  const response = await options.origin.fetch(sent).catch((error: unknown) => {
    if (error instanceof OriginUnreachable) throw unreachable(error, options)
    throw isBrokenOff(request, error) ? brokenOff() : error
  })
  return withTokens(response, options)
}

/** The visitor gets the pass that was just made, so that trying again takes no second slot. */
const unreachable = (error: OriginUnreachable, { delivery: { cookies = [] } = {} }: Forwarding): Refusal =>
  new Refusal('origin_unreachable', {
    detail: 'The site behind the waiting room cannot be reached at this moment; try again in a few seconds.',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    reason: error.message,
    cookies,
  })

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

async function withTokens(response: Response, forwarding: Forwarding): Promise<Response> {
  const { delivery } = forwarding
  const commanded = response.headers.has(COMMAND_HEADER)
  if (delivery === undefined && !commanded) return response
  const marked = new Response(response.body, response)
  marked.headers.delete(COMMAND_HEADER)
  const {
    cookies = [],
    token,
    ended,
  } = commanded ? await carryOut(response.headers, forwarding) : { ...delivery, ended: false }
  for (const cookie of cookies) marked.headers.append('set-cookie', cookie)
  if (token !== undefined) marked.headers.set(PASS_HEADER, token)
  if (cookies.length > 0 || token !== undefined) keepPrivate(marked.headers)
  if (ended) marked.headers.set('cache-control', 'no-store')
  return marked
}

/** What the visitor gets once the site's command is done; an extended pass takes the place of one that was renewed before. */
async function carryOut(
  headers: Headers,
  { delivery, session }: Forwarding,
): Promise<PassDelivery & { readonly ended: boolean }> {
  const command = readCommand(headers, { hasSession: session !== undefined, nowMs: Date.now() })
  if (session !== undefined && command.action === 'end') return { cookies: session.end(), ended: true }
  const extended =
    session !== undefined && command.action === 'extend' ? await session.extend(command.untilMs) : undefined
  return { ...(extended ?? delivery), ended: false }
}

/** A shared cache must not store a response that carries somebody's pass, even where the origin's own part is public. */
function keepPrivate(headers: Headers): void {
  const kept = (headers.get('cache-control') ?? '')
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(?:public|private|s-maxage\b.*)$/i.test(directive))
  headers.set('cache-control', ['private', ...kept].join(', '))
  for (const name of TARGETED_CACHE_HEADERS) headers.delete(name)
}
