// Workers of a test's own making in one workerd, each reached through a socket of its own. For what `startEdge` does not
// offer: a part of the edge alone, or several isolates that share a cache.

import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles TypeScript as wrangler does; `source` imports from the root of the repository. */
export async function bundleSource(source: string, banner = ''): Promise<string> {
  const options: BuildOptions = {
    stdin: { contents: source, resolveDir: ROOT, loader: 'ts' },
    banner: { js: banner },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.lua': 'text', '.html': 'text' },
    logLevel: 'warning',
  }
  const [file] = (await build(options)).outputFiles ?? []
  if (file === undefined) throw new Error('esbuild gave no bundle')
  return file.text
}

export interface Workerd {
  /** By the Worker's name. */
  readonly origins: ReadonlyMap<string, string>
  stop(): Promise<void>
}

/** `scripts`: name → bundle. All have the same bindings. */
export async function startWorkerd(
  scripts: Readonly<Record<string, string>>,
  bindings: Readonly<Record<string, unknown>> = {},
): Promise<Workerd> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: () => undefined,
      workers: Object.entries(scripts).map(([name, contents]) => ({
        name,
        compatibilityDate: '2026-11-01',
        modules: [{ type: 'ESModule' as const, path: 'index.js', contents }],
        // Miniflare's type is its JSON type; these values are JSON.
        bindings: bindings as Record<string, string>,
        ratelimits: { JOIN_LIMITER: { namespace_id: '1', simple: { limit: 100_000, period: 60 as const } } },
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      })),
    }),
  )
  await miniflare.ready
  const origins = new Map<string, string>()
  for (const name of Object.keys(scripts)) {
    origins.set(name, (await miniflare.unsafeGetDirectURL(name)).origin)
  }
  return { origins, stop: () => miniflare.dispose() }
}
