// `npm start` as a developer runs it: what it prints, and that nothing of it is left behind, however it ends.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url))
let started: Start[] = []
let folder: string

interface Start {
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves with the text once it is printed. */
  readonly printed: (text: string) => Promise<string>
  readonly ended: Promise<number | null>
}

function start(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Start {
  const child = spawn(process.execPath, [START, ...flags], {
    env: { ...process.env, DATA_FOLDER: folder, ...env },
    stdio: 'pipe',
  })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const printed = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (output.includes(text)) resolve(output)
      }
      listeners.add(look)
      look()
      void ended.then((code) =>
        reject(new Error(`ended with ${code} before it printed "${text}":\n${output}`)),
      )
    })
  const run = { child, output: () => output, printed, ended }
  started.push(run)
  return run
}

const urlOf = (run: Start): string => /Ready on (\S+)/.exec(run.output())?.[1] ?? ''

/** Ids of all processes whose command line or working folder belongs to the group of the stack. */
async function groupOf(parent: number): Promise<number[]> {
  const stats = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')),
  )
  const processes = stats.flatMap((stat) => {
    const match = /^(\d+) \(.*\) \S+ (\d+)/s.exec(stat)
    return match === null ? [] : [{ pid: Number(match[1]), parent: Number(match[2]) }]
  })
  const family = new Set([parent])
  for (let grown = true; grown;) {
    grown = false
    for (const { pid, parent: its } of processes) {
      if (family.has(its) && !family.has(pid)) {
        family.add(pid)
        grown = true
      }
    }
  }
  return [...family]
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Awaits that all are gone; a zombie that nobody reaps counts as gone. */
async function gone(pids: readonly number[]): Promise<readonly number[]> {
  const deadlineMs = Date.now() + 10_000
  for (;;) {
    const left = []
    for (const pid of pids.filter(isAlive)) {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')
      if (!stat.includes(') Z')) left.push(pid)
    }
    if (left.length === 0 || Date.now() > deadlineMs) return left
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-start-'))
})

afterEach(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGTERM')
    await ended
  }
  started = []
  await rm(folder, { recursive: true, force: true })
})

describe.skipIf(process.platform !== 'linux')(
  'npm start (its processes are read from /proc: Linux only)',
  () => {
    it('prints Ready and the links, and Ctrl-C leaves no process', async () => {
      const { child, printed, ended, output } = start(['--quiet', '--fresh'], {
        PORT: '0',
        ADMIN_TOKEN: 'chosen-by-me-and-long-enough',
      })
      await printed('Ctrl-C stops everything')
      const url = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output())?.[1]
      expect(url).toBeDefined()
      expect(output()).toMatch(/redis|valkey/i)
      expect(output()).toMatch(/postgres/i)
      expect(output()).toContain('chosen-by-me-and-long-enough')
      expect((await fetch(`${url}/.waiting-room/demo/now`)).status).toBe(200)
      const family = await groupOf(child.pid ?? 0)
      expect(family.length).toBeGreaterThan(3)
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      expect(await gone(family)).toEqual([])
    })

    it('stops every part when one crashes, and prints the reason last', async () => {
      const { child, printed, ended, output } = start(['--quiet', '--fresh'], { PORT: '0' })
      await printed('Ctrl-C stops everything')
      const family = await groupOf(child.pid ?? 0)
      const names = await Promise.all(
        family.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')),
      )
      const workerd = family[names.findIndex((name) => name.startsWith('workerd'))]
      expect(workerd).toBeDefined()
      process.kill(workerd ?? 0, 'SIGKILL')
      expect(await ended).toBe(1)
      expect(output().trimEnd().split('\n').at(-1)).toMatch(/^Foyer stopped: .*runtime/)
      expect(await gone(family)).toEqual([])
    })

    it('leaves no process when it is killed without warning', async () => {
      const { child, printed, ended } = start(['--quiet', '--fresh'], { PORT: '0' })
      await printed('Ctrl-C stops everything')
      const family = await groupOf(child.pid ?? 0)
      child.kill('SIGKILL')
      await ended
      expect(await gone(family)).toEqual([])
    })

    it('runs beside another, and keeps what was made over a restart', async () => {
      // At the same moment, both after the usual port.
      const first = start(['--quiet'], { PORT: '' })
      const second = start(['--quiet'], { PORT: '' })
      for (const run of [first, second]) await run.printed('Ctrl-C stops everything')
      expect(urlOf(first)).not.toBe(urlOf(second))
      for (const run of [first, second]) expect((await fetch(`${urlOf(run)}/healthz`)).status).toBe(200)

      const joinAgain = (run: Start) =>
        fetch(`${urlOf(run)}/.waiting-room/demo/join`, {
          method: 'POST',
          headers: { 'idempotency-key': 'the-same-before-and-after', 'content-type': 'application/json' },
          body: '{}',
        }).then(async (response) => {
          const { visitor, place } = (await response.json()) as { visitor: string; place: number }
          return { visitor, place }
        })
      const before = [await joinAgain(first), await joinAgain(second)]
      for (const run of [first, second]) {
        run.child.kill('SIGINT')
        expect(await run.ended).toBe(0)
      }
      const again = start(['--quiet'], { PORT: '0' })
      await again.printed('Ctrl-C stops everything')
      // A lone stack takes the first data folder, whichever of the two had it.
      expect(before).toContainEqual(await joinAgain(again))
      again.child.kill('SIGINT')
      expect(await again.ended).toBe(0)

      const fresh = start(['--quiet', '--fresh'], { PORT: '0' })
      await fresh.printed('Ctrl-C stops everything')
      expect(before).not.toContainEqual(await joinAgain(fresh))
    })

    it('says what is wrong with a flag or a port', async () => {
      const flag = start(['--loud'])
      expect(await flag.ended).toBe(2)
      expect(flag.output()).toContain('--quiet')
      const port = start([], { PORT: 'eighty' })
      expect(await port.ended).toBe(2)
      expect(port.output()).toContain('PORT = "eighty": must be a whole number from 0 to 65535')
    })
  },
)
