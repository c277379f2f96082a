// `npm run verify-draw` as a suspicious visitor runs it: files or addresses, exit status, and words on what failed.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { spellHeader, readHeader } from '../../src/draw/entry-file.ts'
import {
  CHAIN,
  headOf,
  publish,
  RANDOMNESS,
  sha256,
  SIGNATURE,
  visitorOf,
  type Published,
} from './draw-files.ts'

const PROGRAM = fileURLToPath(new URL('../../local/verify-draw.ts', import.meta.url))
let folder: string
let server: Server
let url: string
/** What the server answers by path. */
const answers = new Map<string, string>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-draw-'))
  server = createServer((request, response) => {
    const body = answers.get(request.url ?? '')
    response.writeHead(body === undefined ? 404 : 200).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  url = `http://127.0.0.1:${address.port}`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

async function run(...args: string[]): Promise<{ status: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; output: string }>()
  execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
    resolve({ status: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
  })
  return await promise
}

let files = 0
async function save({ document, entries }: Published): Promise<[document: string, entries: string]> {
  files += 1
  const paths = [join(folder, `draw-${files}.json`), join(folder, `entries-${files}.txt`)] as const
  await writeFile(paths[0], JSON.stringify(document))
  await writeFile(paths[1], entries)
  return [...paths]
}

/** The same draw with a beacon that this test serves. */
function withOwnBeacon(): Published {
  const { document, entries } = publish()
  const chain = { ...CHAIN, url: `${url}/chain` }
  const terms = readHeader(document.header ?? '')
  if (terms === undefined) throw new Error('the header reads back')
  const header = spellHeader({ ...terms, beacon: chain.url })
  const moved = entries.replace(/^.*\n/, `${header}\n`)
  return { entries: moved, document: { ...document, header, head: sha256(moved), beaconChain: chain } }
}

it(
  'a draw that holds: from files, with the rank of a visitor and the head of a token',
  { timeout: 60_000 },
  async () => {
    const published = publish()
    const kept = ['--token-count', '7', '--token-head', headOf(published.entries, 8)]
    const args = [...(await save(published)), '--visitor', visitorOf(3), ...kept, '--beacon', RANDOMNESS]
    const { status, output } = await run(...args)
    expect(output).toContain('This draw holds.')
    expect(output).toMatch(new RegExp(`${visitorOf(3)}: rank \\d+ of 20, place \\d+`))
    expect(output).toContain('The first 7 entries are those of the head that you hold.')
    expect(output.match(/^ +\d+ {2}\S+ {2}place \d+$/gm)).toHaveLength(10)
    expect(status).toBe(0)
  },
)

it('a draw that holds: from addresses, with the beacon asked', { timeout: 60_000 }, async () => {
  const published = withOwnBeacon()
  answers.set('/draw', JSON.stringify(published.document))
  answers.set('/entries', published.entries)
  answers.set('/chain/info', JSON.stringify({ genesis_time: CHAIN.genesis, period: CHAIN.period }))
  const round = published.document.round ?? 0
  answers.set(
    `/chain/public/${round}`,
    JSON.stringify({ round, randomness: RANDOMNESS, signature: SIGNATURE }),
  )
  const args = [`${url}/draw`, `${url}/entries`, '--check-beacon']
  const { status, output } = await run(...args)
  expect(output).toContain("The beacon's value is the one used.")
  expect(status).toBe(0)

  // A beacon that is not what the document says of it.
  answers.set(
    '/chain/info',
    JSON.stringify({ genesis_time: CHAIN.genesis - 3_000_000, period: CHAIN.period }),
  )
  expect(await run(...args)).toMatchObject({ status: 1, output: expect.stringContaining('at other times') })
  answers.set('/chain/info', JSON.stringify({ genesis_time: CHAIN.genesis, period: CHAIN.period }))
  answers.set(
    `/chain/public/${round}`,
    JSON.stringify({ round, randomness: sha256('x'), signature: SIGNATURE }),
  )
  expect(await run(...args)).toMatchObject({
    status: 1,
    output: expect.stringContaining('SHA-256 of its signature'),
  })
  answers.set(`/chain/public/${round}`, JSON.stringify({ round, randomness: sha256('x') }))
  expect(await run(...args)).toMatchObject({ status: 1, output: expect.stringContaining('the draw used') })
})

it('a draw that does not hold ends with status 1 and names what failed', { timeout: 60_000 }, async () => {
  const [document, entries] = await save({
    ...publish(),
    entries: publish({ visitors: [1, 2, 3].map(visitorOf) }).entries,
  })
  const { status, output } = await run(document, entries)
  expect(output).toContain('FAILS')
  expect(output).toContain('an entry was added, removed, moved or altered')
  expect(output).toContain('This draw does not hold.')
  expect(status).toBe(1)
  const stranger = await run(...(await save(publish())), '--visitor', 'nobody-of-this-name')
  expect(stranger).toMatchObject({ status: 1, output: expect.stringContaining('is not among the entries') })
})

it('what cannot be checked ends with status 2 and says why', { timeout: 60_000 }, async () => {
  const pending = publish()
  const [document, entries] = await save({
    ...pending,
    document: { ...pending.document, complete: false, secret: null, beacon: null },
  })
  expect(await run(document, entries)).toMatchObject({
    status: 2,
    output: expect.stringContaining('cannot be computed yet'),
  })
  for (const [args, words] of [
    [[], 'npm run verify-draw'],
    [[document], 'npm run verify-draw'],
    [[document, entries, '--other'], '--other'],
    [[document, entries, '--token-count', '7'], 'belong together'],
    [[document, entries, '--beacon', 'xyz'], '64 hex digits'],
    [[join(folder, 'nothing.json'), entries], 'nothing.json'],
    [[entries, entries], 'is not the document of a draw'],
    [[`${url}/nowhere`, entries], 'answers 404'],
  ] as const) {
    expect(await run(...args)).toMatchObject({ status: 2, output: expect.stringContaining(words) })
  }
})
