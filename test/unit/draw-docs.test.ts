// The worked example of docs/draw.md is run as it stands, and its numbers are those that the code computes.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readBeaconAnswer, roundAfter } from '../../src/draw/beacon.ts'
import { readHeader } from '../../src/draw/entry-file.ts'
import { commitmentTo } from '../../src/draw/secret.ts'
import { drawOrder } from '../../src/draw/verify.ts'

const docs = readFileSync(new URL('../../docs/draw.md', import.meta.url), 'utf8')
const [, script = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(docs) ?? []
const [, output = ''] = /^```text\n([\s\S]*?)^```$/m.exec(docs) ?? []

it('docs/draw.md shows a draw that any shell computes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'foyer-draw-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const printed = execFileSync('sh', ['-e'], { input: script, cwd: folder, encoding: 'utf8' })
  expect(printed).toBe(output)
})

it('docs/draw.md shows what the code computes', async () => {
  const [header = '', ...visitors] =
    /<<'END'\n([\s\S]*?)^END$/m.exec(script)?.[1]?.trimEnd().split('\n') ?? []
  const value = (name: string) => new RegExp(`^${name}=(\\w{64})$`, 'm').exec(script)?.[1] ?? ''
  const [secret, beacon] = [value('secret'), value('beacon')]
  const terms = readHeader(header)
  expect(terms?.commitment).toBe(await commitmentTo(secret))
  // quicknet, as the page says.
  expect(roundAfter(terms?.closesMs ?? 0, { genesis: 1_692_803_367, period: 3 })).toBe(1_000)
  expect(await readBeaconAnswer({ round: 1_000, randomness: beacon }, 1_000)).toEqual({ randomness: beacon })

  const head = /^head {10}(\w{64})$/m.exec(output)?.[1] ?? ''
  const order = await drawOrder(visitors, { secret, head, beacon })
  const lines = order.map(({ visitor, place }) => `${String(place).padStart(16, '0')}  ${visitor}`)
  expect(output.trimEnd().split('\n').slice(-4)).toEqual(lines)
})
