// What a visitor's phone has to fetch: a thousand people at once load the queue page over a hall's poor reception.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import template from '../../edge/page/queue.html'
import { renderQueuePage } from '../../edge/queue-html.ts'
import { TEXTS } from '../../edge/texts.ts'
import { LANGUAGES } from '../../src/config/languages.ts'
import { fakePage } from './edge/fake-page.ts'

const run = promisify(execFile)
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-pages-'))
  for (const target of ['edge', 'origin']) {
    await run(process.execPath, ['build.ts', target, join(folder, target)])
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const addressesIn = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="(\/[^"]+\.\w+)"/g)].map(([, path]) => path ?? '')

async function gzippedBytes(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(file)).length))
  return sizes.reduce((sum, size) => sum + size, 0)
}

test.each(LANGUAGES)(
  'the whole queue page in %s is under 20 KB on the wire, in four requests',
  async (language) => {
    const html = renderQueuePage(fakePage({ acceptLanguage: language }), template, '')
    const named = addressesIn(html)
    expect(named).toContain(`/.waiting-room/queue-${language}.js`)
    expect(named).toHaveLength(3)
    const files = named.map((path) => join(folder, 'edge', path.slice('/.waiting-room/'.length)))
    expect((await gzippedBytes(files)) + gzipSync(html).length).toBeLessThan(20_000)
    // Only the chosen language is in it.
    const script = await readFile(join(folder, 'edge', `queue-${language}.js`), 'utf8')
    for (const other of LANGUAGES) {
      expect(script.includes(TEXTS[other].draw.how[0] ?? ''), other).toBe(other === language)
    }
  },
)

test("the shop's scripts are under 60 KB on the wire", async () => {
  const scripts = ['shop.js', 'order.js'].map((file) => join(folder, 'origin', file))
  expect(await gzippedBytes(scripts)).toBeLessThan(60_000)
})

test('every file that a page names is built', async () => {
  const pages = [
    ['edge/page/queue.html', 'edge', '/.waiting-room/'],
    ['origin/shop/event.html', 'origin', '/shop-assets/'],
    ['origin/shop/performance.html', 'origin', '/shop-assets/'],
    ['origin/shop/order.html', 'origin', '/shop-assets/'],
  ] as const
  for (const [page, target, base] of pages) {
    const html = (await readFile(page, 'utf8')).replaceAll('{{lang}}', 'en')
    const named = addressesIn(html)
    expect(named.length, page).toBeGreaterThan(2)
    for (const path of named) {
      expect(path.startsWith(base), `${page} names ${path}`).toBe(true)
      expect((await readFile(join(folder, target, path.slice(base.length)))).length).toBeGreaterThan(0)
    }
  }
})
