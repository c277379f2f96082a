// `npm run check:config`: reads the variables of both wrangler.toml files as the Workers would, prints what is wrong with
// them in words, and fails if a Worker could not run with them. `npm run deploy` begins with it (`--deploy`), so that a
// slip stays on this machine. Asks for no secret and reaches no network.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { checkConfiguration } from './configuration.ts'

// Read by wrangler when it is loaded: no telemetry, and no banner in the output.
process.env['WRANGLER_SEND_METRICS'] ??= 'false'
process.env['WRANGLER_LOG'] ??= 'error'
const { unstable_readConfig: readConfig } = await import('wrangler')

const { values: options } = parseArgs({
  options: {
    deploy: { type: 'boolean', default: false },
    /** Another folder with both files. */
    root: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
})

function varsOf(file: string): object {
  try {
    return readConfig({ config: join(options.root, file) }).vars
  } catch (error) {
    // What wrangler says of a file that is no TOML, without its stack.
    const { message, location } = error as Error & { location?: { line?: number } }
    const line = location?.line === undefined ? '' : ` (line ${location.line})`
    console.error(`${file} cannot be read${line}: ${message}`)
    process.exit(1)
  }
}

const { faults, unset, warnings } = checkConfiguration(
  { edge: varsOf('wrangler.toml'), origin: varsOf(join('origin', 'wrangler.toml')) },
  { nowMs: Date.now() },
)
for (const warning of warnings) console.warn(`warning: ${warning}`)
const stopping = options.deploy ? [...faults, ...unset] : faults
if (!options.deploy) for (const name of unset) console.warn(`before you deploy: ${name}`)
if (stopping.length > 0) {
  console.error(`The configuration has ${stopping.length} fault${stopping.length === 1 ? '' : 's'}:`)
  for (const fault of stopping) console.error(`- ${fault}`)
  process.exitCode = 1
}
