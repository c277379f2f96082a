// The simulator's requests and replies as plain data, and the node:http server around them. It also carries out the
// faults that tests ask for. Nothing of a request is logged: it may hold a card number.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../faults.ts'

const LARGEST_BODY_BYTES = 256 * 1_024

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a fault may be matched by, and what `fired` gives: never the body or the query, which hold secrets. */
export interface PaymentRequest {
  readonly method: string
  readonly path: string
}

export interface ListenOptions {
  readonly port: number
  readonly handler: (request: HttpRequest) => Promise<HttpReply>
  readonly takeFault: (request: PaymentRequest) => Fault | undefined
}

/** Listens on the loopback interface. Rejects if the port is taken. */
export async function listen(options: ListenOptions): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    void answer(incoming, options).then(
      (reply) => {
        if (reply === undefined) {
          incoming.socket.destroy()
          return
        }
        const length = Buffer.byteLength(reply.body)
        outgoing.writeHead(reply.status, { ...reply.headers, 'content-length': length })
        outgoing.end(incoming.method === 'HEAD' ? undefined : reply.body)
      },
      (error: unknown) => {
        console.error('payments: a request failed:', error instanceof Error ? error.stack : error)
        const { status, headers, body } = failure(500, errorText(500))
        outgoing.writeHead(status, headers).end(body)
      },
    )
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(options.port, '127.0.0.1', resolve)
  await promise
  return server
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port')
  return address.port
}

/** Closes at once, whatever is still open. */
export async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}

/** `undefined` if the reply is to be dropped. */
async function answer(
  incoming: IncomingMessage,
  { handler, takeFault }: ListenOptions,
): Promise<HttpReply | undefined> {
  const method = incoming.method ?? 'GET'
  const url = URL.parse(incoming.url ?? '/', 'http://payments.invalid')
  if (url === null) return failure(400, errorText(400))
  const body = await readBody(incoming)
  if (body === undefined) return failure(413, errorText(413))
  const request = { method, url, headers: incoming.headers, body }
  const fault = takeFault({ method, path: url.pathname })
  if (fault === undefined) return handler(request)
  switch (fault.kind) {
    case 'drop-reply':
      await handler(request)
      return undefined
    case 'delay': {
      if (fault.when !== 'after') await sleep(fault.ms)
      const reply = await handler(request)
      if (fault.when === 'after') await sleep(fault.ms)
      return reply
    }
    case 'duplicate': {
      const first = await handler(request)
      await handler(request)
      return first
    }
    case 'status':
      return failure(fault.status, fault.body ?? errorText(fault.status))
    case 'error-body':
      return failure(fault.status ?? 400, JSON.stringify(fault.body))
  }
}

/** `undefined` if it is too large; it is read to its end all the same, so that the refusal reaches the client. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    bytes += chunk.length
    if (bytes <= LARGEST_BODY_BYTES) chunks.push(chunk)
  }
  return bytes > LARGEST_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

function failure(status: number, body: string): HttpReply {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/** As Stripe words an outage, its rate limit, or a request that it cannot read. */
function errorText(status: number): string {
  const error =
    status === 429
      ? {
          type: 'invalid_request_error',
          code: 'rate_limit',
          message: 'Too many requests hit the API too quickly.',
        }
      : status < 500
        ? { type: 'invalid_request_error', message: 'The request cannot be read.' }
        : { type: 'api_error', message: 'An unexpected error occurred.' }
  return JSON.stringify({ error })
}
