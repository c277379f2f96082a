// One embedded Postgres server process: start, watch, stop.
// Called by postgres.ts. Listens on loopback only; never outlives the process that started it, even a killed one.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { chooseAccount, spawnAs } from './account.ts'
import { findBinaries } from './binaries.ts'
import { awaitFreeCluster, ensureCluster, SUPERUSER } from './cluster.ts'
import { claimClusterFolder, removeData, type ClusterFolder } from './cluster-folder.ts'

export interface EmbeddedOptions {
  /** Absolute. */
  readonly dataDir: string
  /** Found by itself unless given. */
  readonly port?: number | undefined
  /** False, for tests: no fsync, little memory, and `stop` removes the data that this start made. */
  readonly persistent: boolean
}

export interface EmbeddedServer {
  readonly port: number
  readonly user: string
  readonly password: string
  /** Resolves, with the last words of the log, if the server ends without having been asked to. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

const ATTEMPTS = 20
const RETRY_MS = 250
/** A fast shutdown only waits for a checkpoint; after this the server is told to leave without one. */
const FAST_SHUTDOWN_MS = 10_000
const LOG_LINES = 20

export async function startServer(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { persistent } = options
  const binaries = findBinaries()
  const folder = await claimClusterFolder(options.dataDir)
  const account = await chooseAccount(folder.clusterDir)
  await ensureCluster(folder, binaries.initdb, { account, durable: persistent })

  for (let attempt = 1; ; attempt++) {
    await awaitFreeCluster(folder)
    const port = options.port ?? (await findFreePort())
    const args = serverArguments(folder.clusterDir, port, persistent)
    const child = await spawnAs(account, binaries.postgres, args, folder.dir)
    const release = watch(child)
    const log: string[] = []
    const failure = await untilReady(child, log)
    if (failure === undefined) return running(child, log, release, { folder, port, persistent })
    release()
    if (attempt === ATTEMPTS || !isPassing(failure, options.port !== undefined)) {
      throw new Error(`The embedded Postgres on ${folder.dir}, port ${port}, did not start: ${failure}`)
    }
    await delay(RETRY_MS)
  }
}

/**
 * Somebody took the port between our look and the start; or the processes of a server that was killed have
 * not all noticed; or another stack won a race for the folder, which the next look reports in clear words.
 */
function isPassing(failure: string, portIsGiven: boolean): boolean {
  if (failure.includes('could not create any TCP/IP sockets')) return !portIsGiven
  return (
    failure.includes('pre-existing shared memory block') || failure.includes('lock file "postmaster.pid"')
  )
}

function serverArguments(clusterDir: string, port: number, persistent: boolean): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    // Errors of statements are the business of whoever sent them; what remains is the server's own story.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    ...(!persistent && {
      shared_buffers: '16MB',
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_wal_size: '128MB',
    }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', clusterDir, '-p', String(port), ...flags]
}

/** Resolves when connections are accepted, or with what the server said before it ended. */
async function untilReady(child: ChildProcess, log: string[]): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  if (!child.stderr) throw new Error('The server was started without a pipe for its log.')
  createInterface(child.stderr).on('line', (line) => {
    log.push(line)
    if (log.length > LOG_LINES) log.shift()
    if (line.includes('database system is ready to accept connections')) resolve(undefined)
  })
  child.once('close', (code) => resolve(lastWords(code, log)))
  child.once('error', (error) => resolve(error.message))
  return promise
}

function lastWords(code: number | null, log: readonly string[]): string {
  return `ended with code ${code ?? 'of a signal'}: ${log.join('\n') || 'it said nothing'}`
}

/**
 * Ends the server when this process is gone, however it went: a shell waits on a pipe that only this process
 * holds open. Returns what calls the watch off.
 */
function watch(child: ChildProcess): () => void {
  if (child.pid === undefined) return () => {}
  if (process.platform === 'win32') {
    const interrupt = (): void => void child.kill('SIGINT')
    process.once('exit', interrupt)
    return () => process.off('exit', interrupt)
  }
  const script = 'read -r _; kill -INT "$0" 2>/dev/null'
  const shell = spawn('/bin/sh', ['-c', script, String(child.pid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // The watch itself keeps nothing alive: neither its process nor its pipe.
  shell.unref()
  if (shell.stdin && 'unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return () => void shell.kill('SIGKILL')
}

function running(
  child: ChildProcess,
  log: readonly string[],
  release: () => void,
  options: { readonly folder: ClusterFolder; readonly port: number; readonly persistent: boolean },
): EmbeddedServer {
  const { folder, port, persistent } = options
  const closed = once(child, 'close')
  let stopping: Promise<void> | undefined
  const { promise: exited, resolve } = Promise.withResolvers<string>()
  child.once('close', (code) => {
    release()
    if (!stopping) resolve(`Postgres ${lastWords(code, log)}`)
  })

  async function shutDown(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT')
      const deadline = setTimeout(() => child.kill('SIGQUIT'), FAST_SHUTDOWN_MS)
      await closed
      clearTimeout(deadline)
    }
    if (!persistent) await removeData(folder)
  }

  return {
    port,
    user: SUPERUSER,
    password: folder.password,
    exited,
    stop: () => (stopping ??= shutDown()),
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free TCP port was found.')
  return address.port
}
