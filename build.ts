// Bundles what browsers load (queue page, shop) into dist/, which wrangler serves as static assets.
// Run by wrangler itself before each build: `node build.ts edge|origin`; a second argument names another folder.
// The Workers themselves are bundled by wrangler.
import { cp, mkdir } from 'node:fs/promises'
import { build } from 'esbuild'

const targets = {
  edge: { from: 'edge/page', to: 'dist/edge-assets/.waiting-room', entries: ['queue.ts', 'queue.css'] },
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
await build({
  entryPoints: entries.map((entry) => `${from}/${entry}`),
  outdir: to,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'safari16'],
  logLevel: 'warning',
})
await cp(`${from}/static`, to, { recursive: true, force: true })
