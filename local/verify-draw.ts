// `npm run verify-draw -- <draw document> <entries>`: computes a draw again, so that nobody has to believe the operator.
// Both are addresses or files. Exit status: 0 everything holds, 1 something does not, 2 it could not be checked.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readBeaconAnswer, roundAddress } from '../src/draw/beacon.ts'
import { drawDocument, type DrawDocument } from '../src/draw/document.ts'
import { verifyDraw, type Finding } from '../src/draw/verify.ts'

const USAGE = `npm run verify-draw -- <draw document: address or file> <entries: address or file>
  --visitor ID                         prints this visitor's rank and place
  --token-count N --token-head HEX     holds the chain against \`cnt\` and \`hed\` of a queue token kept from before the draw
  --beacon HEX                         the beacon's randomness, from a source of your own
  --check-beacon                       asks the beacon that the document names`

/** Anything that keeps a draw from being checked; shown without a stack. */
class CannotCheck extends Error {}

const FIRST_SHOWN = 10
const FETCH_TIMEOUT_MS = 60_000
const MARKS: Readonly<Record<Finding['verdict'], string>> = {
  holds: 'ok     ',
  fails: 'FAILS  ',
  open: 'open   ',
  note: 'note   ',
}

interface Request {
  readonly document: string
  readonly entries: string
  readonly visitor?: string | undefined
  readonly prefix?: { readonly entries: number; readonly head: string } | undefined
  readonly beacon?: string | undefined
  readonly checkBeacon: boolean
}

function readArguments(args: readonly string[]): Request {
  const { values, positionals } = parse(args)
  const [document, entries, ...more] = positionals
  if (document === undefined || entries === undefined || more.length > 0) throw new CannotCheck(USAGE)
  const count = values['token-count']
  const head = values['token-head']
  if ((count === undefined) !== (head === undefined)) {
    throw new CannotCheck('--token-count and --token-head belong together')
  }
  if (count !== undefined && !/^\d+$/.test(count))
    throw new CannotCheck('--token-count must be a whole number')
  for (const [name, hex] of Object.entries({ 'token-head': head, beacon: values.beacon })) {
    if (hex !== undefined && !/^[0-9a-fA-F]{64}$/.test(hex))
      throw new CannotCheck(`--${name} must be 64 hex digits`)
  }
  return {
    document,
    entries,
    visitor: values.visitor,
    ...(count !== undefined && head !== undefined && { prefix: { entries: Number(count), head } }),
    beacon: values.beacon,
    checkBeacon: values['check-beacon'] ?? false,
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const options = {
    visitor: text,
    'token-count': text,
    'token-head': text,
    beacon: text,
    'check-beacon': { type: 'boolean' },
  } as const
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new CannotCheck(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  }
}

async function read(source: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (!/^https?:/.test(source)) return new Uint8Array(await readFile(source))
    const response = await fetch(source, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
    if (!response.ok) throw new Error(`answers ${response.status}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (error) {
    throw new CannotCheck(`${source}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function readDocument(source: string): Promise<DrawDocument> {
  const text = new TextDecoder().decode(await read(source))
  try {
    return drawDocument.parse(JSON.parse(text))
  } catch (error) {
    throw new CannotCheck(
      `${source} is not the document of a draw: ${error instanceof Error ? error.message : ''}`,
    )
  }
}

/** The round's randomness by the beacon's own word, and whether its times are those that the document states. */
async function askBeacon({
  beaconChain,
  round,
}: DrawDocument): Promise<{ beacon?: string; findings: Finding[] }> {
  if (beaconChain === null || round === null) return { findings: [] }
  const ask = async (address: string): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode(await read(address)))
  const findings: Finding[] = []
  const base = beaconChain.url.replace(/\/+$/, '')
  const info = (await ask(`${base}/info`)) as { genesis_time?: unknown; period?: unknown }
  const same = info.genesis_time === beaconChain.genesis && info.period === beaconChain.period
  findings.push({
    verdict: same ? 'holds' : 'fails',
    text: same
      ? "The beacon's genesis and period are those of the document."
      : `The beacon says genesis ${String(info.genesis_time)} and period ${String(info.period)}, the document ${beaconChain.genesis} and ${beaconChain.period}: its rounds are published at other times.`,
  })
  const answer = await readBeaconAnswer(await ask(roundAddress(base, round)), round)
  if ('fault' in answer) return { findings: [...findings, { verdict: 'fails', text: `${answer.fault}.` }] }
  return { beacon: answer.randomness, findings }
}

async function run(args: readonly string[]): Promise<0 | 1 | 2> {
  const request = readArguments(args)
  const document = await readDocument(request.document)
  const entryFile = await read(request.entries)
  const asked = request.checkBeacon ? await askBeacon(document) : { findings: [] }
  const beacon = request.beacon ?? asked.beacon
  const { findings, order } = await verifyDraw(document, entryFile, { prefix: request.prefix, beacon })
  const all = [...findings, ...asked.findings]
  if (
    request.beacon !== undefined &&
    asked.beacon !== undefined &&
    request.beacon.toLowerCase() !== asked.beacon
  ) {
    all.push({ verdict: 'fails', text: `The beacon itself says ${asked.beacon}, not the value given.` })
  }

  console.log(`Draw of room ${document.room}, sale ${document.sale}`)
  for (const { verdict, text } of all) console.log(MARKS[verdict] + text)
  if (order.length > 0) {
    console.log(`\nFirst of ${order.length}, as drawn (those who had left by then were passed over):`)
    for (const [i, { visitor, place }] of order.slice(0, FIRST_SHOWN).entries()) {
      console.log(`${String(i + 1).padStart(8)}  ${visitor}  place ${place}`)
    }
  }
  if (request.visitor !== undefined && order.length > 0) {
    const rank = order.findIndex(({ visitor }) => visitor === request.visitor)
    const drawn = order[rank]
    const finding: Finding =
      drawn === undefined
        ? { verdict: 'fails', text: `${request.visitor} is not among the entries.` }
        : {
            verdict: 'holds',
            text: `${drawn.visitor}: rank ${rank + 1} of ${order.length}, place ${drawn.place}, value ${drawn.value}`,
          }
    console.log(`\n${MARKS[finding.verdict]}${finding.text}`)
    all.push(finding)
  }

  if (all.some(({ verdict }) => verdict === 'fails')) {
    console.log('\nThis draw does not hold.')
    return 1
  }
  if (!document.complete || order.length < Math.min(1, document.entries)) {
    console.log('\nSo far everything holds, but the draw cannot be computed yet.')
    return 2
  }
  console.log('\nThis draw holds.')
  return 0
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof CannotCheck)) throw error
  console.error(error.message)
  process.exitCode = 2
}
