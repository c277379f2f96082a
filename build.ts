// Bundles what browsers load (queue page, shop) into dist/, which wrangler serves as static assets.
// Run by wrangler itself before each build: `node build.ts edge|origin`; a second argument names another folder.
// The Workers themselves are bundled by wrangler.
import { cp, mkdir } from 'node:fs/promises'
import { build, type BuildOptions } from 'esbuild'
import { LANGUAGES } from './src/config/languages.ts'

const targets = {
  edge: { from: 'edge/page', to: 'dist/edge-assets/.waiting-room', entries: ['queue.css'] },
  origin: {
    from: 'origin/shop',
    to: 'dist/origin-assets/shop-assets',
    entries: ['shop.ts', 'order.ts', 'shop.css'],
  },
} as const

const name = process.argv[2]
if (name !== 'edge' && name !== 'origin') {
  console.error('usage: node build.ts edge|origin [folder]')
  process.exit(2)
}
const { from, entries } = targets[name]
const to = process.argv[3] ?? targets[name].to
// Written over, never emptied first: another stack may be serving from the same folder.
await mkdir(to, { recursive: true })
const options: BuildOptions = {
  bundle: true,
  minify: true,
  format: 'esm',
  // Modules are UTF-8 whatever a server says, and escapes would double the size of Korean and Japanese.
  charset: 'utf8',
  target: ['es2022', 'safari16'],
  logLevel: 'warning',
}
await build({ ...options, entryPoints: entries.map((entry) => `${from}/${entry}`), outdir: to })
// One script for each language, whole: over poor reception a second file is a second chance to fail.
if (name === 'edge') {
  await Promise.all(
    LANGUAGES.map((language) => {
      const contents = `import { text } from './text/${language}.ts'\nimport { startPage } from './queue.ts'\nstartPage(text)`
      const outfile = `${to}/queue-${language}.js`
      return build({
        ...options,
        stdin: { contents, resolveDir: from, sourcefile: `start-${language}.ts` },
        outfile,
      })
    }),
  )
}
await cp(`${from}/static`, to, { recursive: true, force: true })
