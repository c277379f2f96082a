// The journey of one request through the gateway: credentials, route, body, fault, execution, answer.
// Called by the server in gateway.ts for each request; throws only for bugs.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Fault } from '../faults.ts'
import { checkCredentials, type Credentials } from './credentials.ts'
import { answerMessage } from './error-answer.ts'
import { echoedHeaders, parseSqlRequest, type SqlRequest } from './request.ts'
import { GONE, runSqlRequest, type Outcome } from './run.ts'

export interface Context {
  readonly credentials: Credentials
  readonly pool: Pool
  readonly take: (request: SqlRequest) => Fault | undefined
  readonly bodyLimitBytes: number
}

/** The request was executed and its client shall not learn so. */
const DROP_REPLY = 'drop-reply'

export async function answerRequest(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const header = request.headers['neon-connection-string']
  const verdict = checkCredentials(typeof header === 'string' ? header : undefined, context.credentials)
  if (!verdict.allowed) return send(response, answerMessage(verdict.status, verdict.message, verdict.code))
  if (new URL(request.url ?? '/', 'http://gateway').pathname !== '/sql') {
    return send(response, answerMessage(404, 'only /sql is served here'))
  }
  if (request.method !== 'POST') return send(response, answerMessage(405, 'only POST is served here'))

  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const body = await readBody(request, context.bodyLimitBytes)
  if (body === 'gone') return
  if (body === 'too-large') {
    response.setHeader('connection', 'close')
    return send(response, answerMessage(413, `request is too large (max is ${context.bodyLimitBytes} bytes)`))
  }
  const parsed = parseSqlRequest(request.headers, body)
  if (typeof parsed === 'string') return send(response, answerMessage(400, parsed))

  const outcome = await executeWithFaults(context, parsed, gone.signal)
  if (outcome === DROP_REPLY) return void response.destroy()
  if (outcome === GONE || gone.signal.aborted) return
  if (Buffer.byteLength(outcome.body) > context.bodyLimitBytes) {
    return send(
      response,
      answerMessage(507, `response is too large (max is ${context.bodyLimitBytes} bytes)`),
    )
  }
  send(
    response,
    outcome,
    parsed.transaction && outcome.status === 200 ? echoedHeaders(parsed.transaction) : {},
  )
}

async function executeWithFaults(
  context: Context,
  request: SqlRequest,
  signal: AbortSignal,
): Promise<Outcome | typeof GONE | typeof DROP_REPLY> {
  const execute = () => runSqlRequest(context.pool, request, signal)
  const fault = context.take(request)
  if (fault?.kind === 'status') return { status: fault.status, body: fault.body ?? '' }
  if (fault?.kind === 'error-body') return { status: fault.status ?? 400, body: JSON.stringify(fault.body) }
  if (fault?.kind === 'delay' && fault.when !== 'after') await delayUnlessGone(fault.ms, signal)
  const outcome = await execute()
  if (fault?.kind === 'duplicate') await execute()
  if (fault?.kind === 'delay' && fault.when === 'after') await delayUnlessGone(fault.ms, signal)
  return fault?.kind === 'drop-reply' ? DROP_REPLY : outcome
}

/** Ends early for a client that left; whoever executes next looks at the signal itself. */
async function delayUnlessGone(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

async function readBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | 'too-large' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return 'too-large'
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limitBytes) resolve('too-large')
      else chunks.push(chunk)
    })
    request.once('end', () => resolve(Buffer.concat(chunks)))
    // A client that leaves in the middle of its body; after `end` this changes nothing.
    request.once('close', () => resolve('gone'))
    request.once('error', () => resolve('gone'))
  })
}

export function send(
  response: ServerResponse,
  outcome: { readonly status: number; readonly body: string },
  headers: Record<string, string> = {},
): void {
  const body = Buffer.from(outcome.body)
  response.writeHead(outcome.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  })
  response.end(body)
}
