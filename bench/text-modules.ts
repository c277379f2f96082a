// Lets plain Node import `.lua` and `.html` files as text, as wrangler's `rules` and the test runner do.
// Import this first, and what imports such files afterwards with `import()`: a static import would be read too early.

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  load(url, context, nextLoad) {
    if (!/^file:.*\.(lua|html)$/.test(url)) return nextLoad(url, context)
    const text = readFileSync(fileURLToPath(url), 'utf8')
    return { format: 'module', shortCircuit: true, source: `export default ${JSON.stringify(text)}` }
  },
})
