// A Redis server as a child process: started, known to be ready, watched, stopped. Used by redis.ts.
// The child must print "Ready to accept connections" and end when its standard input does. It runs in a process group
// of its own, so that Ctrl-C reaches it only through `stop`, in the order that the stack chooses.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
}

export interface RedisProcess {
  /** Resolves with the reason when the server ends without `stop`. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

/** The server ended, or was not ready in time; the message ends with its own last words. */
export class RedisNotStarted extends Error {
  override readonly name = 'RedisNotStarted'
  readonly portTaken: boolean

  constructor(message: string, portTaken: boolean) {
    super(message)
    this.portTaken = portTaken
  }
}

/** Long enough for an append-only file of some gigabytes to load. */
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5_000
const PING_TIMEOUT_MS = 5_000
const READY = 'Ready to accept connections'
const KEPT_LINES = 40

/** Resolves when the server on this loopback port answers PING; throws `RedisNotStarted`. */
export async function startProcess(kind: string, program: Program, port: number): Promise<RedisProcess> {
  const child = spawn(program.command, program.args, {
    // A server without a data folder must not leave a file where we happen to run.
    cwd: tmpdir(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const output = watchOutput(child)
  let stopping = false
  const ended = endOf(child).then((how) => `${kind} ${how}${output.lastWords()}`)

  async function stop(): Promise<void> {
    stopping = true
    child.stdin.end()
    const forced = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(forced)
  }

  const late = new AbortController()
  const failure = await Promise.race([
    // The server's own word comes first: on a port that it lost, a stranger would answer the PING.
    output.ready.then(() => answerPing(`redis://127.0.0.1:${port}`)),
    ended,
    sleep(READY_TIMEOUT_MS, `${kind} was not ready within ${READY_TIMEOUT_MS} ms`, { signal: late.signal }),
  ]).catch((error: unknown) => `${kind} says it is ready and does not answer PING: ${String(error)}`)
  late.abort()
  if (failure !== undefined) {
    await stop()
    throw new RedisNotStarted(failure, /address (is )?already in use|EADDRINUSE/i.test(output.all()))
  }
  return {
    stop,
    exited: ended.then((reason) => (stopping ? new Promise<string>(() => undefined) : reason)),
  }
}

/** Resolves when the server answers PING; throws what ioredis says when it does not within five seconds. */
export async function answerPing(url: string): Promise<undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PING_TIMEOUT_MS,
    commandTimeout: PING_TIMEOUT_MS,
    retryStrategy: () => null,
  })
  let cause: unknown
  // ioredis reports why a connection failed only here; `connect` then rejects without the reason.
  redis.on('error', (error) => (cause = error))
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    throw cause ?? error
  } finally {
    redis.disconnect()
  }
  return undefined
}

function watchOutput(child: ChildProcess) {
  const lines: string[] = []
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      if (parts.some((line) => line.includes(READY))) resolve()
      lines.push(...parts.filter((line) => line.trim() !== ''))
      lines.splice(0, lines.length - KEPT_LINES)
    })
  }
  return {
    ready,
    all: () => lines.join('\n'),
    lastWords: () => (lines.length > 0 ? `; its last words: ${lines.at(-1)?.trim()}` : ''),
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  // Writing to a child that is gone is no news: its end is.
  child.stdin?.on('error', () => undefined)
  try {
    await once(child, 'close')
    return `ended with ${child.signalCode ?? `code ${child.exitCode}`}`
  } catch (error) {
    return `cannot be started: ${String(error)}`
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
}
