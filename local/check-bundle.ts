// `npm run check:bundle`: builds both Workers as a deployment would, and fails if the edge's bundle contains anything that
// opens Postgres. The lint forbids the import; this catches what comes in through a dependency or through src.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker } from './workers.ts'

const FORBIDDEN = ['node_modules/drizzle-orm/', 'node_modules/@neondatabase/', 'node_modules/pg/', 'src/db/']

const folder = await mkdtemp(join(tmpdir(), 'foyer-bundle-'))
try {
  await Promise.all([
    bundleWorker('foyer-edge', join(folder, 'edge')),
    bundleWorker('foyer-origin', join(folder, 'origin')),
  ])
  // The source map lists every file that went in, whatever the bundler renamed.
  const { sources } = JSON.parse(await readFile(join(folder, 'edge', 'index.js.map'), 'utf8')) as {
    sources: string[]
  }
  const found = sources.filter((source) => FORBIDDEN.some((part) => source.includes(part)))
  if (sources.length === 0) throw new Error('the source map of the edge names no source')
  if (found.length > 0) {
    console.error(`The edge never opens Postgres, but its bundle contains:\n- ${found.join('\n- ')}`)
    process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
