// Redis for the embedded stack and for tests: one that is given, else redis-server or valkey-server from PATH, else
// js-redis-server from npm. A started server listens on loopback only and ends with this process, also after a crash.
// It never touches an external Redis beyond a PING, and never installs anything.

import { once } from 'node:events'
import { access, constants, mkdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answerPing, RedisNotStarted, startProcess, type Program } from './redis-process.ts'

/** What may be asked for. `redis-server` also accepts valkey-server and throws where neither is on PATH. */
export type RedisKind = 'auto' | 'redis-server' | 'js-redis-server'
/** What may be started. */
export type ServerKind = 'redis-server' | 'valkey-server' | 'js-redis-server'

export interface RedisOptions {
  /** An existing Redis (`REDIS_URL`): used as it is, never stopped. */
  readonly url?: string | undefined
  /** Where redis-server keeps its data over restarts, losing at most the last second; memory only without it. */
  readonly dataDir?: string | undefined
  /** Loopback port; a free one if not given. */
  readonly port?: number | undefined
  /** `auto` by default. */
  readonly kind?: RedisKind | undefined
}

export interface RunningRedis {
  /** `redis://127.0.0.1:PORT`, or the given one. */
  readonly url: string
  readonly kind: 'external' | ServerKind
  /** One sentence for people: which one, and what that means. Holds no password. */
  readonly notice: string
  /** Resolves with the reason when the server ends without `stop`; never for an external one. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

/** Another process may take a free port before Redis binds it. */
const PORT_ATTEMPTS = 5

/** Resolves when the server answers PING; throws with the server's own words when it does not start. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  if (options.url !== undefined) return useExternal(options.url)
  const native = options.kind === 'js-redis-server' ? undefined : await findOnPath()
  if (native === undefined && options.kind === 'redis-server') {
    throw new Error('Neither redis-server nor valkey-server is on PATH')
  }
  const kind = native?.kind ?? 'js-redis-server'
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir)
  if (native !== undefined && dataDir !== undefined) await mkdir(dataDir, { recursive: true })

  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort())
    try {
      const program = native ? nativeProgram(native.path, port, dataDir) : javascriptProgram(port)
      const running = await startProcess(kind, program, port)
      return { url: `redis://127.0.0.1:${port}`, kind, notice: noticeOf(kind, port, dataDir), ...running }
    } catch (error) {
      const again = error instanceof RedisNotStarted && error.portTaken && options.port === undefined
      if (!again || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

async function useExternal(url: string): Promise<RunningRedis> {
  if (!/^rediss?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new Error('REDIS_URL must be a redis:// or rediss:// address')
  }
  const { host } = new URL(url)
  try {
    await answerPing(url)
  } catch (error) {
    throw new Error(`The Redis of REDIS_URL (${host}) does not answer PING`, { cause: error })
  }
  return {
    url,
    kind: 'external',
    notice: `Redis: the one of REDIS_URL (${host}), used as it is; its own settings decide what survives a restart.`,
    exited: new Promise(() => undefined),
    stop: () => Promise.resolve(),
  }
}

function noticeOf(kind: ServerKind, port: number, dataDir: string | undefined): string {
  if (kind === 'js-redis-server') {
    return (
      'Redis: js-redis-server from npm, in memory; fine for a look and for tests, not for load: ' +
      'for that, put redis-server or valkey-server on PATH.'
    )
  }
  const life = dataDir === undefined ? 'its data is in memory only' : `its data is kept in ${dataDir}`
  return `Redis: ${kind} from PATH on port ${port}, fit for load; ${life}.`
}

/** The first `redis-server` in the folders of PATH, else the first `valkey-server`. */
export async function findOnPath(): Promise<
  { kind: 'redis-server' | 'valkey-server'; path: string } | undefined
> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const kind of ['redis-server', 'valkey-server'] as const) {
    for (const folder of folders) {
      const path = resolve(folder, kind)
      if (await isProgram(path)) return { kind, path }
    }
  }
  return undefined
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/**
 * The server's life hangs on a pipe: when our end closes, for whatever reason, `read` returns and the server gets
 * SIGTERM. A handler on 'exit' would not run after SIGKILL, and redis-server itself watches nobody.
 */
const UNDER_WATCH = `exec 3<&0
"$@" </dev/null 3<&- & server=$!
( read -r _ <&3; kill "$server" ) >/dev/null 2>&1 & watch=$!
exec 3<&-
wait "$server"; status=$?
kill "$watch" 2>/dev/null
exit "$status"`

function nativeProgram(path: string, port: number, dataDir: string | undefined): Program {
  const storage =
    dataDir === undefined
      ? ['--appendonly', 'no']
      : ['--dir', dataDir, '--appendonly', 'yes', '--appendfsync', 'everysec']
  const server = [path, '--bind', '127.0.0.1', '--port', `${port}`, '--save', '', ...storage]
  return { command: '/bin/sh', args: ['-c', UNDER_WATCH, 'sh', ...server] }
}

function javascriptProgram(port: number): Program {
  const script = fileURLToPath(new URL('redis-in-javascript.ts', import.meta.url))
  return { command: process.execPath, args: [script, `${port}`] }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has no port')
  return address.port
}
