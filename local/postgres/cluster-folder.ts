// The folder that holds the embedded Postgres: `cluster/` is Postgres' own, `password` is its superuser's.
// Called by the embedded server. It claims a folder before anything is written, and it alone removes data.
// It never removes a folder that a caller named: only the two entries that it made, by name.

import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

const CLUSTER = 'cluster'
const PASSWORD = 'password'
/** The two, and drafts of them that an interrupted start left behind. */
const OURS = /^(?:cluster|password)(?:\.[\w.]+)?$/

export interface ClusterFolder {
  readonly dir: string
  readonly clusterDir: string
  readonly password: string
  /** Only what was empty or absent before may be removed by `removeData`. */
  readonly isNew: boolean
}

/**
 * Makes the folder if need be and reads or makes the password. Refuses, before touching anything, a path
 * that is empty or relative and a folder that holds anything else: an empty variable would name the project itself.
 */
export async function claimClusterFolder(dataDir: string): Promise<ClusterFolder> {
  if (!path.isAbsolute(dataDir)) {
    throw new Error(`The data folder of Postgres must be an absolute path, not "${dataDir}".`)
  }
  const dir = path.normalize(dataDir)
  await mkdir(dir, { recursive: true })
  const entries = await readdir(dir)
  const foreign = entries.find((entry) => !OURS.test(entry))
  if (foreign !== undefined) {
    throw new Error(`${dir} cannot hold Postgres' data: it has something else in it (${foreign}).`)
  }
  const password = await ensurePassword(path.join(dir, PASSWORD))
  return { dir, clusterDir: path.join(dir, CLUSTER), password, isNew: entries.length === 0 }
}

/** For tests' throw-away servers, after they stopped. Data that was there before the start is kept. */
export async function removeData(folder: ClusterFolder): Promise<void> {
  if (!folder.isNew || !(await exists(path.join(folder.clusterDir, 'PG_VERSION')))) return
  await rm(folder.clusterDir, { recursive: true })
  await rm(path.join(folder.dir, PASSWORD))
  // Plain rmdir: refuses a folder in which anything else appeared.
  await rmdir(folder.dir).catch((error: unknown) => {
    if (!hasCode(error, 'ENOTEMPTY')) throw error
  })
}

/** Of two stacks that begin at once, both get the password of the first. */
async function ensurePassword(file: string): Promise<string> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, randomBytes(24).toString('hex'), { mode: 0o600 })
  try {
    // A link, unlike a rename, never replaces a password that is there, and appears with its whole content.
    await link(draft, file)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
  return readFile(file, 'utf8')
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    },
  )
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
