// The real edge Worker in workerd, before a real Redis and an origin that echoes. Used by every test of this folder; each
// test file starts its own, each test uses a room of its own where places matter. All on loopback, on free ports.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { startRedis, type RedisOptions } from '../../local/redis.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { CLOCK_BANNER, CLOCK_ENTRY, CLOCK_PATH } from './own-clock.ts'

export const REDIS_TOKEN = 'test-redis-token'
const COMPATIBILITY_DATE = '2026-11-01'

/** Tells what reached it, streams a body back slowly, redirects, sets cookies: what an origin may do. */
const ECHO = `
export default {
  async fetch(request) {
    const url = new URL(request.url)
    if (url.pathname === '/shop/redirect') return Response.redirect('http://elsewhere.example/x', 302)
    if (url.pathname === '/shop/upper') {
      const upper = new TransformStream({ transform(chunk, to) { to.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())) } })
      return new Response(request.body.pipeThrough(upper))
    }
    const headers = { 'cache-control': 'public, max-age=60, s-maxage=600', 'set-cookie': 'origin=1; Path=/' }
    const body = { method: request.method, path: url.pathname + url.search, headers: Object.fromEntries(request.headers), body: await request.text() }
    return Response.json(body, { headers })
  },
}`

/** What bodies hold, as far as tests read it: the API's fields, the echo's, and a problem's. */
interface Body {
  readonly code: string
  readonly detail: string
  readonly errors: readonly { readonly field: string; readonly message: string }[]
  readonly faults: readonly string[]
  readonly room: string
  readonly visitor: string
  readonly place: number
  readonly epoch: number
  readonly at: number
  readonly position: number
  readonly waiting: number
  readonly message: string
  readonly sessions: number
  readonly state: string
  readonly called: number
  readonly calledTotal: number
  readonly degraded: boolean
  readonly queueToken: string
  readonly admissionToken: string
  readonly expiresAt: string
  readonly sessionEndsAt: string
  readonly keys: readonly unknown[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON; throws where it is none. */
  readonly json: Body
  /** Name → value of every cookie that was set; '' where it was cleared. */
  readonly cookies: Readonly<Record<string, string>>
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | readonly string[]
}

export interface Edge {
  readonly url: string
  readonly secrets: Awaited<ReturnType<typeof makeSecrets>>
  readonly gateway: UpstashGateway
  readonly redis: Redis
  /** Every line that the Worker logged. */
  readonly logs: string[]
  send(path: string, call?: Call): Promise<Answer>
  /** `POST` with a JSON body, as the page and native clients send it. */
  post(path: string, headers?: Readonly<Record<string, string>>, body?: unknown): Promise<Answer>
  /** A top-level navigation of a browser. */
  visit(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  scheduled(): Promise<void>
  /** Sets the clock of an edge that has its own: so far from the real one, or standing still. */
  setClock(clock: { readonly shiftMs: number } | { readonly frozenMs: number }): Promise<void>
  stop(): Promise<void>
}

export interface EdgeOptions {
  readonly rooms: Readonly<Record<string, unknown>>
  readonly vars?: Readonly<Record<string, unknown>>
  /** Bindings that are left out, as where a secret was never set. */
  readonly without?: readonly string[]
  readonly joinsPerLocation?: number
  /** As a deployment leaves its rooms; false for stores that are empty and nobody knows why. */
  readonly armed?: boolean
  /** Stores and secrets of another edge, beside which this one is a further isolate; their owner stops them. */
  readonly on?: Pick<Edge, 'secrets' | 'gateway' | 'redis'>
  /** Date says what `setClock` tells it; the real time until then. */
  readonly ownClock?: boolean
}

/** What `POST /.waiting-room/admin/arm` does, for rooms that a test may have configured wrongly as well. */
export async function armRooms(redis: Redis, rooms: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, settings] of Object.entries(rooms)) {
    const sale: unknown = Object(Object(settings).sale).name
    await redis.hset(`wr:{${name}}:state`, 'armed', typeof sale === 'string' ? sale : 'default')
  }
}

export async function startEdge({
  rooms,
  vars = {},
  without = [],
  joinsPerLocation = 100_000,
  armed = true,
  on,
  ownClock = false,
}: EdgeOptions): Promise<Edge> {
  const [stores, script] = await Promise.all([
    on === undefined ? startStores() : { ...on, stop: () => Promise.resolve() },
    bundle(ownClock),
  ])
  const { secrets, gateway, redis } = stores
  if (armed) await armRooms(redis, rooms)
  const { VISITOR_SECRET, QUEUE_KEYS, ADMISSION_KEYS, ADMIN_TOKEN } = secrets
  const bindings: Record<string, unknown> = {
    ISSUER: 'foyer',
    COOKIES: 'secure',
    COALESCE_WINDOW_MS: 5,
    COALESCE_CLAIM_MS: 5,
    JOINS_PER_MINUTE_LOCAL: 10_000,
    JOINS_PER_MINUTE_GLOBAL: 10_000,
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN,
    VISITOR_SECRET,
    QUEUE_KEYS,
    ADMISSION_KEYS,
    ADMIN_TOKEN,
    ROOMS: rooms,
    ...vars,
  }
  for (const name of without) delete bindings[name]
  const logs: string[] = []
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: ({ message }) => logs.push(message),
      workers: [
        {
          name: 'edge',
          compatibilityDate: COMPATIBILITY_DATE,
          modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
          // Miniflare's type is its JSON type; these values are JSON.
          bindings: bindings as Record<string, string>,
          serviceBindings: { ORIGIN: 'echo' },
          ratelimits: {
            JOIN_LIMITER: { namespace_id: '1', simple: { limit: joinsPerLocation, period: 60 } },
          },
        },
        { name: 'echo', compatibilityDate: COMPATIBILITY_DATE, modules: true, script: ECHO },
      ],
    }),
  )
  const url = (await miniflare.ready).origin
  const send: Edge['send'] = (path, call) => exchange(url, path, call)
  return {
    url,
    secrets,
    gateway,
    redis,
    logs,
    send,
    post: (path, headers = {}, body = {}) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    visit: (path, headers = {}) =>
      send(path, {
        headers: {
          accept: 'text/html,*/*;q=0.8',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          ...headers,
        },
      }),
    async scheduled() {
      const worker = await miniflare.getWorker('edge')
      await worker.scheduled({ cron: '* * * * *' })
    },
    async setClock(clock) {
      const { status } = await send(CLOCK_PATH, { method: 'POST', body: JSON.stringify(clock) })
      if (status !== 204) throw new Error('this edge has no clock of its own')
    },
    async stop() {
      await miniflare.dispose()
      await stores.stop()
    },
  }
}

/** A real Redis behind the real gateway, with the secrets of one deployment. */
export async function startStores(
  options: RedisOptions = {},
): Promise<Pick<Edge, 'secrets' | 'gateway' | 'redis' | 'stop'>> {
  const [server, secrets] = await Promise.all([startRedis(options), makeSecrets()])
  const gateway = await startUpstashGateway({ redisUrl: server.url, token: REDIS_TOKEN })
  const redis = new Redis(server.url)
  return {
    secrets,
    gateway,
    redis,
    async stop() {
      redis.disconnect()
      await gateway.stop()
      await server.stop()
    },
  }
}

let key = 0
/** An Idempotency-Key that no other call of this process uses. */
export const freshKey = (): string => `test-key-${process.pid}-${Date.now()}-${(key += 1)}`.padEnd(32, 'x')

/** The first value that `probe` gives; asks until then, and fails with `what` after ten seconds. */
export async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error(`did not happen within 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** `Cookie` header from what was set. */
export const cookieHeader = (cookies: Readonly<Record<string, string>>): string =>
  Object.entries(cookies)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

async function bundle(ownClock: boolean): Promise<string> {
  const folder = fileURLToPath(new URL('../../edge/', import.meta.url))
  const { outputFiles } = await build({
    ...(ownClock
      ? { banner: { js: CLOCK_BANNER }, stdin: { contents: CLOCK_ENTRY, resolveDir: folder } }
      : { entryPoints: [`${folder}index.ts`] }),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.lua': 'text', '.html': 'text' },
    logLevel: 'warning',
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error('esbuild gave no bundle')
  return file.text
}

/** Over node:http, since `fetch` writes its own Sec-Fetch headers and follows redirects; the path goes out as it is. */
function exchange(
  origin: string,
  path: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = httpRequest(origin, { path, method, headers }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        get json() {
          return JSON.parse(text)
        },
        cookies: cookiesOf(response.headers['set-cookie'] ?? []),
      })
    })
  })
  request.on('error', reject)
  for (const part of typeof body === 'string' ? [body] : (body ?? [])) request.write(part)
  request.end()
  return promise
}

const cookiesOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => {
      const [pair = ''] = line.split(';')
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
