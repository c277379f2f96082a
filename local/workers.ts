// Runs both Workers in workerd, from the same wrangler.toml files and the same bundles that `npm run deploy` uploads.
// Miniflare carries them rather than `wrangler dev`: one process less, no line a request, cron can be driven (ADR 0002).
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare'

// Read by wrangler when it is loaded: no telemetry from a local stack, and no banner in its output.
process.env['WRANGLER_SEND_METRICS'] ??= 'false'
process.env['WRANGLER_LOG'] ??= 'error'
const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler')

const run = promisify(execFile)
export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WRANGLER = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js')

export type WorkerName = 'foyer-edge' | 'foyer-origin'
const CONFIGS: Record<WorkerName, string> = {
  'foyer-edge': 'wrangler.toml',
  'foyer-origin': join('origin', 'wrangler.toml'),
}

/** Builds a Worker as a deployment would (`--dry-run`), into `folder`; returns the folder. */
export async function bundleWorker(name: WorkerName, folder: string): Promise<string> {
  try {
    await run(process.execPath, [WRANGLER, 'deploy', '--dry-run', '-c', CONFIGS[name], '--outdir', folder], {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_LOG: 'warn' },
    })
  } catch (cause) {
    const output = cause as { stdout?: string; stderr?: string }
    throw new Error(`${name} cannot be built:\n${output.stderr ?? ''}${output.stdout ?? ''}`, { cause })
  }
  return folder
}

async function workerOptions(
  name: WorkerName,
  folder: string,
  bindings: Readonly<Record<string, unknown>>,
): Promise<V4WorkerOptions> {
  // The secrets that the file requires come from us, so wrangler must not look for them (and warn).
  const { secrets: _required, ...config } = unstable_readConfig({ config: join(ROOT, CONFIGS[name]) })
  const { workerOptions: options } = unstable_getMiniflareWorkerOptions(
    config as Parameters<typeof unstable_getMiniflareWorkerOptions>[0],
  )
  const { modulesRules: _bundled, ...rest } = options
  const files = await readdir(folder)
  const modules = ['index.js', ...files.filter((file) => /\.(lua|html)$/.test(file))].map(async (file) => ({
    type: file === 'index.js' ? ('ESModule' as const) : ('Text' as const),
    path: file,
    contents: await readFile(join(folder, file), 'utf8'),
  }))
  return {
    ...rest,
    name,
    rootPath: ROOT,
    modules: await Promise.all(modules),
    bindings: { ...(config.vars as Record<string, unknown>), ...bindings },
  } as V4WorkerOptions
}

export interface WorkersOptions {
  /** 0 for any free port. */
  readonly port: number
  readonly host?: string
  /** Where the bundles lie: one folder a Worker, made by `bundleWorker`. */
  readonly bundles: Readonly<Record<WorkerName, string>>
  /** Secrets and vars added to those of the wrangler.toml files. */
  readonly bindings: Readonly<Record<WorkerName, Readonly<Record<string, unknown>>>>
  /** Every line that a Worker writes to its console. */
  readonly onLog?: (level: string, message: string) => void
}

export interface RunningWorkers {
  readonly url: string
  /** Resolves with the reason when the runtime dies by itself. Miniflare would start it again, with its caches empty. */
  readonly exited: Promise<string>
  /** Runs a Worker's `scheduled` handler, as the platform's cron would. */
  scheduled(name: WorkerName): Promise<void>
  stop(): Promise<void>
}

export async function startWorkers({
  port,
  host = '127.0.0.1',
  bundles,
  bindings,
  onLog,
}: WorkersOptions): Promise<RunningWorkers> {
  const workers = [
    await workerOptions('foyer-edge', bundles['foyer-edge'], bindings['foyer-edge']),
    await workerOptions('foyer-origin', bundles['foyer-origin'], bindings['foyer-origin']),
  ]
  let crashed: (reason: string) => void
  const exited = new Promise<string>((resolve) => (crashed = resolve))
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host,
      port,
      cf: false,
      workers,
      unsafeHandleRuntimeRestart: () => crashed("the Workers' runtime crashed"),
      handleStructuredLogs: ({ level, message }) => onLog?.(level, message),
    }),
  )
  const url = (await miniflare.ready).origin
  return {
    url,
    exited,
    async scheduled(name) {
      const worker = await miniflare.getWorker(name)
      await worker.scheduled({ cron: '* * * * *' })
    },
    stop: () => miniflare.dispose(),
  }
}
