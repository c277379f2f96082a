// Test projects by what they need: `unit` (nothing), `local` (the stand-ins against the real clients),
// `redis` (scripts on a real server), `workerd` (modules inside the runtime), `worker` and `origin` (each Worker against real
// stores), `holds` (its seats), `history` (the order of everything that happens to a seat), `storm` (a thousand buyers, and
// each protection taken out), `e2e` (the whole stack and a browser).
import { readFile } from 'node:fs/promises'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type Plugin } from 'vitest/config'

/** `.lua` and `.html` import as text, as wrangler's `rules` make them in the Workers. */
const textModules: Plugin = {
  name: 'text-modules',
  enforce: 'pre',
  async load(id) {
    if (!/\.(lua|html)$/.test(id)) return null
    return `export default ${JSON.stringify(await readFile(id, 'utf8'))}`
  },
}

const node = (name: string, testTimeout: number) => ({
  plugins: [textModules],
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: 60_000 },
})

export default defineConfig({
  test: {
    globalSetup: './test/what-is-missing.ts',
    // What a passing test prints is noise; a failing one shows everything.
    silent: 'passed-only',
    projects: [
      node('unit', 10_000),
      node('local', 30_000),
      node('redis', 60_000),
      node('worker', 60_000),
      node('origin', 60_000),
      node('holds', 60_000),
      node('history', 60_000),
      node('storm', 180_000),
      node('e2e', 120_000),
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-11-01' } })],
        test: { name: 'workerd', include: ['test/workerd/**/*.test.ts'] },
      },
    ],
  },
})
