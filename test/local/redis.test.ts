// Redis for the embedded stack: which one is chosen, that it is ready, and that it ends when its owner does.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { findOnPath, startRedis, type RedisOptions } from '../../local/redis.ts'

const native = await findOnPath()
const kinds =
  native === undefined ? (['js-redis-server'] as const) : (['redis-server', 'js-redis-server'] as const)
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).toReversed()) await close()
})

async function start(options: RedisOptions) {
  const redis = await startRedis(options)
  closing.push(() => redis.stop())
  return redis
}

async function makeFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'foyer-redis-'))
  closing.push(() => rm(path, { recursive: true }))
  return path
}

async function writeProgram(folder: string, name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}

async function ask<T>(url: string, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null })
  try {
    return await question(client)
  } finally {
    client.disconnect()
  }
}

function accepts(url: string, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), host)
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

describe('choice', () => {
  test('a given URL is used as it is and survives stop', async () => {
    const owned = await start({ kind: 'js-redis-server' })
    const external = await startRedis({ url: owned.url })
    expect(external).toMatchObject({ kind: 'external', url: owned.url })
    await external.stop()
    expect(await ask(owned.url, (client) => client.ping())).toBe('PONG')
  })

  test('a given URL without a Redis is an error that names the host and never the password', async () => {
    const error: unknown = await startRedis({ url: 'redis://:hunter2@127.0.0.1:1' }).catch((thrown) => thrown)
    expect(String(error)).toContain('127.0.0.1:1')
    expect(String(error)).not.toContain('hunter2')
  })

  test.skipIf(native === undefined)('a server on PATH comes before the one from npm', async () => {
    const redis = await start({})
    expect(redis.kind).toBe(native?.kind)
    expect(redis.notice).toContain(redis.kind)
  })

  test('with nothing on PATH, js-redis-server runs and says that it is not for load', async () => {
    vi.stubEnv('PATH', await makeFolder())
    const redis = await start({})
    expect(redis.kind).toBe('js-redis-server')
    expect(redis.notice).toContain('not for load')
    expect(await ask(redis.url, (client) => client.ping())).toBe('PONG')
  })

  test('with nothing on PATH, asking for redis-server is an error', async () => {
    vi.stubEnv('PATH', await makeFolder())
    await expect(startRedis({ kind: 'redis-server' })).rejects.toThrow('on PATH')
  })

  test.skipIf(native === undefined)('valkey-server serves where there is no redis-server', async () => {
    const folder = await makeFolder()
    await writeProgram(folder, 'valkey-server', `exec ${native?.path} "$@"`)
    vi.stubEnv('PATH', [await makeFolder(), folder].join(delimiter))
    expect((await start({})).kind).toBe('valkey-server')
  })

  test('a server on PATH that cannot start is an error with its own words', async () => {
    const folder = await makeFolder()
    await writeProgram(folder, 'redis-server', 'echo cannot find libsomething >&2; exit 3')
    vi.stubEnv('PATH', folder)
    await expect(startRedis({})).rejects.toThrow(/code 3.*cannot find libsomething/)
  })
})

describe.each(kinds)('%s', (kind) => {
  test('it listens on 127.0.0.1 and on no other address', async () => {
    const { url } = await start({ kind })
    expect(await accepts(url)).toBe(true)
    // Another loopback address reaches only servers that bind every interface.
    expect(await accepts(url, '127.0.0.2')).toBe(false)
  })

  test('several run side by side without sharing data', async () => {
    const [one, two] = await Promise.all([start({ kind }), start({ kind })])
    await ask(one.url, (client) => client.set('k', 'v'))
    expect(await ask(two.url, (client) => client.get('k'))).toBeNull()
  })

  test('a taken port that was asked for is an error, not another port', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    closing.push(async () => taken.close())
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : undefined
    await expect(startRedis({ kind, port })).rejects.toThrow(kind)
  })

  test('stop ends it, and that is not reported as an exit', async () => {
    const redis = await startRedis({ kind })
    let reported = false
    void redis.exited.finally(() => (reported = true))
    await redis.stop()
    expect(await accepts(redis.url)).toBe(false)
    expect(reported).toBe(false)
  })

  test('it ends when the process that started it is killed', async () => {
    const module = fileURLToPath(new URL('../../local/redis.ts', import.meta.url))
    const script = `import { startRedis } from ${JSON.stringify(module)}
      const redis = await startRedis({ kind: ${JSON.stringify(kind)} })
      console.log(redis.url)`
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [url]: unknown[] = await once(createInterface(owner.stdout), 'line')
    expect(await accepts(String(url))).toBe(true)
    owner.kill('SIGKILL')
    await expect.poll(() => accepts(String(url)), { timeout: 10_000 }).toBe(false)
  })
})

describe.skipIf(native === undefined)('redis-server alone', () => {
  test('a crash is reported with the reason', async () => {
    const redis = await start({ kind: 'redis-server' })
    const info = await ask(redis.url, (client) => client.info('server'))
    process.kill(Number(/process_id:(\d+)/.exec(info)?.[1]), 'SIGKILL')
    expect(await redis.exited).toMatch(/-server ended with code 137; its last words: .+/)
  })

  test('with a data folder, data survives a restart', async () => {
    const dataDir = join(await makeFolder(), 'made', 'by', 'it')
    const first = await startRedis({ dataDir })
    await ask(first.url, (client) => client.set('kept', 'yes'))
    await first.stop()
    const second = await start({ dataDir })
    expect(await ask(second.url, (client) => client.get('kept'))).toBe('yes')
  })

  test('a port that is asked for again right after stop is free', async () => {
    const first = await startRedis({})
    await first.stop()
    const port = Number(new URL(first.url).port)
    expect((await start({ port })).url).toBe(first.url)
  })
})
