// `npm run bench -- availability`: 15,000 seats as the origin tells them (two bits a seat, compressed once; or what changed)
// beside a plain JSON list of seats, from the same memory of the same Worker. Bytes on the wire, and the time of a request
// until the client has read it into seats, one request at a time; medians of rounds in which all take turns.

import { Agent, get } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { ROOT } from '../local/workers.ts'
import { quantile } from './quantile.ts'

const ROUNDS = 200
const WARM_UP = 20

const PARTS = [
  { name: 'JSON list {id, state}', path: '/list' },
  { name: 'JSON list, compressed', path: '/list-gzip' },
  { name: 'whole map, packed', path: '/whole' },
  { name: 'changes of one hold', path: '/changes' },
] as const

interface Row {
  bytes: number
  readonly ms: number[]
}

export async function benchAvailability(): Promise<void> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      workers: [
        {
          name: 'seats',
          compatibilityDate: '2026-11-01',
          compatibilityFlags: ['no_nodejs_compat'],
          modules: [{ type: 'ESModule', path: 'index.js', contents: await bundled() }],
          // Past Miniflare's entry Worker, which is not part of the comparison.
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        },
      ],
    }),
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    await miniflare.ready
    const { origin } = await miniflare.unsafeGetDirectURL('seats')
    const rows = PARTS.map((): Row => ({ bytes: 0, ms: [] }))
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      for (const [at, { path }] of PARTS.entries()) {
        const beganAt = performance.now()
        const { bytes, gzip } = await fetchBytes(origin + path, agent)
        read(JSON.parse(String(gzip ? gunzipSync(bytes) : bytes)))
        const row = rows[at]
        if (row === undefined || round < 0) continue
        row.ms.push(performance.now() - beganAt)
        row.bytes = bytes.length
      }
    }
    print(rows)
  } finally {
    agent.destroy()
    await miniflare.dispose()
  }
}

/** What a client makes of it: a state for each seat that is told. */
function read(body: unknown): number {
  if (Array.isArray(body)) return body.length
  const { packed, seats } = Object(body) as { packed?: string; seats?: number }
  if (packed === undefined) return 0
  const bytes = atob(packed)
  return Array.from(
    { length: seats ?? 0 },
    (_, at) => 'fahx'[(bytes.charCodeAt(at >> 2) >> ((at & 3) * 2)) & 3],
  ).length
}

function fetchBytes(url: string, agent: Agent): Promise<{ bytes: Buffer; gzip: boolean }> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { 'accept-encoding': 'gzip' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ bytes: Buffer.concat(chunks), gzip: response.headers['content-encoding'] === 'gzip' }),
      )
    }).on('error', reject)
  })
}

function print(rows: readonly Row[]): void {
  const [list] = rows
  if (list === undefined) return
  console.log(
    `Availability of 15,000 seats, half of them sold: median of ${ROUNDS} requests, one at a time\n`,
  )
  console.log('what                         bytes    of list        ms    of list')
  for (const [at, { name }] of PARTS.entries()) {
    const { bytes, ms } = rows[at] ?? list
    console.log(
      [
        name.padEnd(24),
        String(bytes).padStart(9),
        `1/${(list.bytes / bytes).toFixed(0)}`.padStart(10),
        median(ms).toFixed(2).padStart(9),
        `1/${(median(list.ms) / median(ms)).toFixed(1)}`.padStart(10),
      ].join(' '),
    )
  }
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${ROOT}/bench/seats-worker.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error('esbuild made no output for the seats Worker')
  return output.text
}

const median = (values: readonly number[]): number => quantile(values, 0.5)
