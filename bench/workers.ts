// The measured Workers in one workerd: the edge as it is deployed, a bare Hono "hello", which is also the edge's origin, and
// a bare forward to it. Each is reached through a socket of its own, past Miniflare's entry Worker and past the assets
// router, which are not part of the comparison.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare'
import { makeSecrets } from '../local/secrets.ts'
import { bundleWorker, ROOT } from '../local/workers.ts'

const COMPATIBILITY_DATE = '2026-11-01'
const DIRECT = { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] }

export interface BenchWorkers {
  readonly edge: string
  readonly hello: string
  /** Forwards everything to `hello` over a service binding. */
  readonly forward: string
  /** The edge's QUEUE_KEYS, to sign tokens with. */
  readonly queueKeys: string
  stop(): Promise<void>
}

export async function startBenchWorkers(options: {
  folder: string
  rooms: Readonly<Record<string, unknown>>
  redisRestUrl: string
  redisRestToken: string
}): Promise<BenchWorkers> {
  const { VISITOR_SECRET, QUEUE_KEYS, ADMISSION_KEYS, ADMIN_TOKEN } = await makeSecrets()
  const bundle = await bundleWorker('foyer-edge', join(options.folder, 'edge'))
  const texts = (await readdir(bundle)).filter((file) => /\.(lua|html)$/.test(file))
  const edge: V4WorkerOptions = {
    name: 'edge',
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ['no_nodejs_compat'],
    modules: [
      { type: 'ESModule', path: 'index.js', contents: await readFile(join(bundle, 'index.js'), 'utf8') },
      ...(await Promise.all(
        texts.map(async (path) => ({
          type: 'Text' as const,
          path,
          contents: await readFile(join(bundle, path), 'utf8'),
        })),
      )),
    ],
    bindings: {
      VISITOR_SECRET,
      QUEUE_KEYS,
      ADMISSION_KEYS,
      ADMIN_TOKEN,
      UPSTASH_REDIS_REST_URL: options.redisRestUrl,
      UPSTASH_REDIS_REST_TOKEN: options.redisRestToken,
      ISSUER: 'foyer',
      COOKIES: 'plain',
      COALESCE_WINDOW_MS: 30,
      COALESCE_CLAIM_MS: 250,
      JOINS_PER_MINUTE_LOCAL: 1_000_000,
      JOINS_PER_MINUTE_GLOBAL: 1_000_000,
      // Miniflare's type is its JSON type; these settings are JSON.
      ROOMS: options.rooms as Record<string, string>,
    },
    ratelimits: { JOIN_LIMITER: { namespace_id: '1', simple: { limit: 1_000_000, period: 60 } } },
    serviceBindings: { ORIGIN: 'hello', ASSETS: 'hello' },
    ...DIRECT,
  }
  const hello: V4WorkerOptions = {
    name: 'hello',
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ['no_nodejs_compat'],
    modules: [{ type: 'ESModule', path: 'index.js', contents: await bundledHello() }],
    ...DIRECT,
  }
  const forward: V4WorkerOptions = {
    name: 'forward',
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ['no_nodejs_compat'],
    modules: [
      {
        type: 'ESModule',
        path: 'index.js',
        contents: 'export default { fetch: (request, env) => env.ORIGIN.fetch(request) }',
      },
    ],
    serviceBindings: { ORIGIN: 'hello' },
    ...DIRECT,
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ host: '127.0.0.1', port: 0, cf: false, workers: [edge, hello, forward] }),
  )
  await miniflare.ready
  return {
    edge: (await miniflare.unsafeGetDirectURL('edge')).origin,
    hello: (await miniflare.unsafeGetDirectURL('hello')).origin,
    forward: (await miniflare.unsafeGetDirectURL('forward')).origin,
    queueKeys: QUEUE_KEYS,
    stop: () => miniflare.dispose(),
  }
}

async function bundledHello(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Hono } from 'hono'; export default new Hono().get('/', (c) => c.text('hello'))`,
      resolveDir: ROOT,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error('esbuild made no output for the hello Worker')
  return output.text
}
