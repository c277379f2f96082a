// The embedded Postgres as the stack uses it: real servers in folders of their own under the system's temporary one.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startPostgres, type RunningPostgres } from '../../local/postgres.ts'

/** Always a new folder of our own: the only path that these tests ever remove. */
let scratch: string
beforeEach(async ({ onTestFinished }) => {
  const made = await mkdtemp(path.join(tmpdir(), 'foyer-postgres-'))
  scratch = made
  // Asked for first, hence done last: after the servers of the test have stopped.
  onTestFinished(() => rm(made, { recursive: true }))
})

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<RunningPostgres> {
  const running = await startPostgres({ dataDir: path.join(scratch, 'data'), ...options })
  onTestFinished(() => running.stop())
  return running
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

/** A process that ended but was not yet collected by its new parent (state Z) is not alive. */
function isAlive(pid: number): boolean {
  const processes = execFileSync('ps', ['-eo', 'pid=,stat='], { encoding: 'utf8' }).split('\n')
  return processes.some((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line))
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(path.join(dataDir, 'cluster', 'postmaster.pid'), 'utf8'), 10)
}

/** A stack of its own: a Node process that starts Postgres and prints the process id of the server. */
async function startElsewhere(uid?: number) {
  const moduleUrl = new URL('../../local/postgres.ts', import.meta.url).href
  const dataDir = path.join(scratch, 'data')
  const script = `
    const { startPostgres } = await import(${JSON.stringify(moduleUrl)})
    const { readFile } = await import('node:fs/promises')
    const running = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} })
    process.once('SIGTERM', () => running.stop().then(() => { process.exitCode = 7; clearInterval(busy) }))
    const busy = setInterval(() => {}, 1000)
    console.log((await readFile(${JSON.stringify(dataDir)} + '/cluster/postmaster.pid', 'utf8')).split('\\n')[0])`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const exit = once(child, 'exit')
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, exit, pid: Number(line) }
}

describe('data', () => {
  test('survives a restart, with the same password', async () => {
    const first = await start()
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const second = await start()
    expect(await ask(second.url, 'SELECT answer FROM kept')).toEqual([42])
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
  })

  test('that is thrown away leaves no folder, and no neighbour is touched', async () => {
    await writeFile(path.join(scratch, 'neighbour'), 'stays')
    const running = await start({ persistent: false })
    await running.stop()
    expect(await readdir(scratch)).toEqual(['neighbour'])
  })

  test('that was there before is not removed by a start that throws its own away', async () => {
    const kept = await start()
    await ask(kept.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await kept.stop()
    await (await start({ persistent: false })).stop()
    expect(await ask((await start()).url, 'SELECT answer FROM kept')).toEqual([42])
  })

  test.each(['', '.', 'data'])(
    'is refused at the path %j, which depends on the current folder',
    async (dataDir) => {
      await expect(startPostgres({ dataDir, persistent: false })).rejects.toThrow('must be an absolute path')
    },
  )

  test('is refused in a folder that holds anything else, which stays as it was', async () => {
    const dataDir = path.join(scratch, 'project')
    await mkdir(dataDir)
    await writeFile(path.join(dataDir, 'package.json'), '{}')
    await expect(startPostgres({ dataDir, persistent: false })).rejects.toThrow(
      'something else in it (package.json)',
    )
    expect(await readdir(dataDir)).toEqual(['package.json'])
  })
})

describe('access', () => {
  test('needs the random password, kept in a file that only its owner reads', async () => {
    const running = await start({ persistent: false })
    const file = path.join(scratch, 'data', 'password')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(new URL(running.url).password).toBe(await readFile(file, 'utf8'))
    const wrong = new URL(running.url)
    wrong.password = 'guess'
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    expect(running.notice).not.toContain(new URL(running.url).password)
  })

  test('is by loopback only', async () => {
    const running = await start({ persistent: false })
    expect(await ask(running.url, 'SHOW listen_addresses')).toEqual(['127.0.0.1'])
    expect(await ask(running.url, 'SHOW unix_socket_directories')).toEqual([''])
  })

  test('finds the database made, also an oddly named one', async () => {
    const running = await start({ persistent: false, database: 'an "odd" name' })
    expect(await ask(running.url, 'SELECT current_database()')).toEqual(['an "odd" name'])
  })
})

describe('another stack', () => {
  test('on the same folder is told so', async () => {
    await start()
    await expect(startPostgres({ dataDir: path.join(scratch, 'data') })).rejects.toThrow(
      'Another stack is running on',
    )
  })

  test('that starts on the same new folder at the same moment does not spoil it', async () => {
    const dataDir = path.join(scratch, 'data')
    const results = await Promise.allSettled([startPostgres({ dataDir }), startPostgres({ dataDir })])
    const started = results.filter((result) => result.status === 'fulfilled').map((result) => result.value)
    onTestFinished(async () => void (await Promise.all(started.map((running) => running.stop()))))
    expect(started).toHaveLength(1)
    expect(await ask(started[0]?.url ?? '', 'SELECT 1')).toEqual([1])
    const [refusal] = results.filter((result) => result.status === 'rejected')
    expect(String(refusal?.reason)).toContain('Another stack is running on')
  })

  test('runs beside this one on a folder of its own', async () => {
    const one = await start({ persistent: false })
    const two = await start({ persistent: false, dataDir: path.join(scratch, 'other') })
    expect(new URL(one.url).port).not.toBe(new URL(two.url).port)
  })

  test('that holds the port which was asked for is reported, not stepped aside from', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const starting = startPostgres({ dataDir: path.join(scratch, 'data'), port })
    await expect(starting).rejects.toThrow(`port ${port}, did not start`)
  })
})

describe('a crash', () => {
  test('of the stack takes the server along, and the next start comes up', async () => {
    const { child, exit, pid } = await startElsewhere()
    child.kill('SIGKILL')
    await exit
    const next = await start()
    expect(isAlive(pid)).toBe(false)
    expect(await ask(next.url, 'SELECT 1')).toEqual([1])
  })

  test('of the server is reported with its last words', async () => {
    const running = await start()
    process.kill(await postmasterPid(path.join(scratch, 'data')), 'SIGQUIT')
    expect(await running.exited).toMatch(/^Postgres ended with code \d+: .*immediate shutdown/s)
  })

  test('of the server leaves a lock that does not prevent the next start, nor does a stranger with its number', async () => {
    const running = await start()
    const dataDir = path.join(scratch, 'data')
    const pid = await postmasterPid(dataDir)
    process.kill(pid, 'SIGKILL')
    await running.exited
    const pidFile = path.join(dataDir, 'cluster', 'postmaster.pid')
    const lock = await readFile(pidFile, 'utf8')
    await writeFile(pidFile, lock.replace(String(pid), String(process.pid)))
    expect(await ask((await start()).url, 'SELECT 1')).toEqual([1])
  })
})

describe('stop', () => {
  test('ends the server although a transaction is open, and may be called twice', async () => {
    const running = await start()
    const pid = await postmasterPid(path.join(scratch, 'data'))
    const client = new Client({ connectionString: running.url })
    client.on('error', () => {})
    await client.connect()
    await client.query('BEGIN')
    await Promise.all([running.stop(), running.stop()])
    expect(isAlive(pid)).toBe(false)
  })

  test('leaves the exit code to the stack, and no process', async () => {
    const { child, exit, pid } = await startElsewhere()
    child.kill('SIGTERM')
    expect(await exit).toEqual([7, null])
    expect(isAlive(pid)).toBe(false)
    // The watcher is a shell that names the server's process.
    await vi.waitFor(() => {
      const all = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      expect(
        all.split('\n').filter((line) => line.includes('read -r _') && line.endsWith(` ${pid}`)),
      ).toEqual([])
    })
  })
})

test.runIf(process.getuid?.() === 0)('a plain user can run it too', async () => {
  const NOBODY = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
  execFileSync('chown', [String(NOBODY), scratch])
  const { child, exit } = await startElsewhere(NOBODY)
  expect((await stat(path.join(scratch, 'data', 'cluster'))).uid).toBe(NOBODY)
  child.kill('SIGTERM')
  expect(await exit).toEqual([7, null])
})

describe('DATABASE_URL', () => {
  test('wins, gets its database made, and is left running', async () => {
    const server = await start({ persistent: false })
    const url = new URL(server.url)
    url.pathname = '/made_on_demand'
    const dataDir = path.join(scratch, 'unused')
    const external = await startPostgres({ url: url.href, dataDir })
    expect(external.kind).toBe('external')
    expect(external.notice).toMatch(/^Postgres 18\.\d+ at 127\.0\.0\.1:\d+\/made_on_demand \(DATABASE_URL\)$/)
    await external.stop()
    expect(await ask(external.url, 'SELECT current_database()')).toEqual(['made_on_demand'])
    expect(await readdir(scratch)).toEqual(['data'])
  })

  test('that leads nowhere is reported without its password', async () => {
    const starting = startPostgres({ url: 'postgres://me:s3cret@127.0.0.1:1/x', dataDir: scratch })
    await expect(starting).rejects.toThrow(
      /^The Postgres of DATABASE_URL \(127\.0\.0\.1:1\/x\) cannot be used: .*ECONNREFUSED/,
    )
    await expect(starting).rejects.not.toThrow('s3cret')
  })
})
