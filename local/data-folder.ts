// Claims a data folder for one running stack: `.local/1`, or the next number where another live stack holds it, so that
// stacks run side by side and a lone one finds its data again. A claim of a process that is gone is taken over.
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

const MOST_STACKS = 20

export interface DataFolder {
  readonly path: string
  release(): Promise<void>
}

/** Throws when twenty stacks already run here. `fresh` empties the folder after it is claimed. */
export async function claimDataFolder(root: string, { fresh }: { fresh: boolean }): Promise<DataFolder> {
  // What is emptied below must not depend on where the process happens to stand.
  if (!isAbsolute(root))
    throw new Error(`the data folder must be an absolute path, not ${JSON.stringify(root)}`)
  await mkdir(root, { recursive: true })
  for (let number = 1; number <= MOST_STACKS; number += 1) {
    const claim = join(root, `${number}.pid`)
    if (!(await take(claim))) continue
    const path = join(root, String(number))
    if (fresh) await rm(path, { recursive: true, force: true })
    await mkdir(path, { recursive: true })
    return { path, release: () => rm(claim, { force: true }) }
  }
  throw new Error(`${MOST_STACKS} stacks run from ${root} already: stop one`)
}

async function take(claim: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = await open(claim, 'wx')
      await file.writeFile(String(process.pid))
      await file.close()
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(await readFile(claim, 'utf8').catch(() => ''))
      if (owner > 0 && isAlive(owner)) return false
      await rm(claim, { force: true })
    }
  }
  return false
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
