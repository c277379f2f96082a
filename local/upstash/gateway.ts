// The Upstash REST API in front of a Redis of our own, so that Workers run locally the client that they run in
// production. Started by the embedded stack and by tests, on loopback only. It never runs in production.
// A request's way: token → size → read (request.ts) → answer, with what fault a test ordered (answer.ts).

import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createFaults, type Faults } from '../faults.ts'
import { answerRequest, badRequest, type Answer } from './answer.ts'
import { encodeError } from './reply.ts'
import { readRequest, type CommandRequest } from './request.ts'
import { openStore, StoreUnavailable } from './store.ts'
import { streamSubscription } from './subscription.ts'

export interface UpstashGatewayOptions {
  /** `redis://…`, where commands go. */
  readonly redisUrl: string
  /** What clients must present. */
  readonly token: string
  /** Loopback port; a free one if not given. */
  readonly port?: number | undefined
}

export interface UpstashGateway {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** For tests; a text or pattern is looked for in the commands, one a line, arguments separated by spaces. */
  readonly faults: Faults<CommandRequest>
  stop(): Promise<void>
}

/** Upstash's limit on pay-as-you-go. */
export const BODY_LIMIT_BYTES = 10 * 1024 * 1024
/** Longer than clients keep an idle connection, so that the gateway is not the one to close it under a request. */
const KEEP_ALIVE_MS = 75_000
const METHODS = new Set(['HEAD', 'GET', 'POST', 'PUT'])
/** Upstash reads its own replicas by this; one Redis has nothing to synchronise. */
const SYNC_TOKEN = 'local'

/** Starts the gateway; throws when Redis cannot be reached or the port is taken. */
export async function startUpstashGateway(options: UpstashGatewayOptions): Promise<UpstashGateway> {
  const store = await openStore(options.redisUrl)
  const { controls: faults, take } = createFaults<CommandRequest>(({ commands }) =>
    commands.map((command) => command.join(' ')).join('\n'),
  )
  const authorized = tokenCheck(options.token)

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: target = '/', headers } = request
    const body = await readBody(request)
    if (!authorized(headers.authorization, target)) {
      return send(response, { status: 401, body: encodeError('WRONGPASS invalid or missing auth token') })
    }
    if (!METHODS.has(method)) {
      return send(response, { status: 405, body: encodeError(`ERR method ${method} is not allowed`) })
    }
    if (typeof body === 'number') return send(response, badRequest(tooLarge(body)))
    if ((headers['upstash-response-format'] ?? 'json') !== 'json') {
      return send(response, badRequest('ERR this gateway answers only in the json response format'))
    }
    const asked = readRequest(method, target, body)
    if (asked.route === 'unreadable') return send(response, badRequest(asked.message))
    if (asked.route === 'subscribe') return streamSubscription(options.redisUrl, asked, response)

    const base64 = headers['upstash-encoding'] === 'base64'
    const answer = await answerRequest(store, asked, { base64, fault: take(asked) })
    if (answer === 'hang up') request.socket.destroy()
    else send(response, answer)
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    handle(request, response).catch((error: unknown) => fail(request, response, error))
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    store.close()
    throw error
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the gateway has no TCP port')

  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    faults,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      store.close()
    },
  }
}

/** The whole body, or its size where that is over the limit: what is too much is read past and never kept. */
async function readBody(request: IncomingMessage): Promise<Buffer | number> {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= BODY_LIMIT_BYTES) chunks.push(chunk)
    else chunks.length = 0
  })
  await once(request, 'end')
  return bytes > BODY_LIMIT_BYTES ? bytes : Buffer.concat(chunks)
}

/** A header, where there is one, decides alone; `?_token=` serves clients that cannot send any. */
function tokenCheck(token: string): (authorization: string | undefined, target: string) => boolean {
  const expected = Buffer.from(token)
  return (authorization, target) => {
    const given = Buffer.from(
      authorization === undefined
        ? (new URLSearchParams(target.split('?')[1]).get('_token') ?? '')
        : authorization.replace(/^Bearer /i, ''),
    )
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'upstash-sync-token': SYNC_TOKEN,
  })
  response.end(body)
}

/** Redis away: 503. A bug: 500, with the error on stderr. A client that went away gets nothing. */
function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (request.destroyed && !request.complete) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (error instanceof StoreUnavailable) {
    send(response, { status: 503, body: encodeError(`ERR ${error.message}`) })
    return
  }
  console.error('Upstash gateway:', error)
  send(response, { status: 500, body: encodeError('ERR internal error of the local gateway') })
}

function tooLarge(bytes: number): string {
  return `ERR max request size exceeded. Limit: ${BODY_LIMIT_BYTES} bytes, Actual: ${bytes} bytes`
}
