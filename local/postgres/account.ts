// As whom Postgres runs: it refuses to run as root, so a root user's stack lends it another account.
// Called by the embedded server for initdb and postgres. Creates no user and changes nothing on the machine.

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** `nobody` exists on every Linux and macOS, the others where the machine has a Postgres of its own. */
const CANDIDATES = ['postgres', '_postgres', 'nobody']

/**
 * `undefined`: the current user will do. A folder that already has data keeps its owner, also when a
 * `postgres` user appeared since; Postgres insists that data belongs to the account it runs as.
 */
export async function chooseAccount(clusterDir: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const existing = await stat(clusterDir).catch(() => undefined)
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid }
  for (const name of CANDIDATES) {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)])
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error(
    `Postgres refuses to run as root, and none of the accounts ${CANDIDATES.join(', ')} exists here. ` +
      'Start as another user, or set DATABASE_URL.',
  )
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  return run('id', [flag, name]).then(
    ({ stdout }) => Number(stdout),
    () => undefined,
  )
}

/**
 * Starts a program as the account, in a process group of its own, so that Ctrl-C in the terminal reaches
 * only the stack, which then stops its parts in order.
 *
 * Where the account may not enter a folder on the way to program or data (a checkout under /root, or one
 * made by mktemp), setpriv passes on root's right to do so, and nothing else.
 */
export async function spawnAs(
  account: Account | undefined,
  program: string,
  args: readonly string[],
  dataDir: string,
): Promise<ChildProcess> {
  const start = (command: string, all: readonly string[], as?: Account): ChildProcess =>
    spawn(command, all, {
      cwd: path.parse(dataDir).root,
      // Nothing of the user's PGDATA, PGPORT, PGOPTIONS or locale reaches the server.
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'ignore', 'pipe'],
      ...as,
    })

  if (account === undefined) return start(program, args)
  const barrier = (await findBarrier(path.dirname(program), account)) ?? (await findBarrier(dataDir, account))
  if (barrier === undefined) return start(program, args, account)
  if (!(await hasSetpriv())) {
    throw new Error(
      `Postgres refuses to run as root, and the account lent to it (uid ${account.uid}) may not enter ${barrier}. ` +
        'Move the project to a folder that everyone may enter, or set DATABASE_URL.',
    )
  }
  const lend = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override', '--clear-groups']
  return start('setpriv', [`--reuid=${account.uid}`, `--regid=${account.gid}`, ...lend, program, ...args])
}

/** The topmost folder, from the root to this one, that the account may not enter. */
async function findBarrier(innermost: string, account: Account): Promise<string | undefined> {
  const { root } = path.parse(innermost)
  let folder = root
  for (const part of innermost.slice(root.length).split(path.sep)) {
    folder = path.join(folder, part)
    const { mode, uid } = await stat(folder)
    const mayEnter = uid === account.uid ? constants.S_IXUSR : constants.S_IXOTH
    if ((mode & mayEnter) === 0) return folder
  }
  return undefined
}

async function hasSetpriv(): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const found = await Promise.allSettled(
    folders.map((folder) => access(path.join(folder, 'setpriv'), constants.X_OK)),
  )
  return found.some((result) => result.status === 'fulfilled')
}
