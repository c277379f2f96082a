// Computes a draw again from its public document and its entry file, and says in words what holds and what does not.
// Used by `npm run verify-draw` and by tests; trusts nothing but the two and what the visitor brings. Pure: no I/O.

import { msToRfc3339 } from '../time.ts'
import { BEACON_MARGIN_SECONDS, roundAfter, timeOfRoundMs } from './beacon.ts'
import type { DrawDocument } from './document.ts'
import { readHeader, type DrawTerms } from './entry-file.ts'
import { commitmentTo } from './secret.ts'
import { sha256 } from './sha256.ts'
import { drawnPlace, drawValue, type DrawInputs } from './value.ts'

export interface Finding {
  /** `open`: could not be checked yet; `note`: holds, but says something that a visitor should know. */
  readonly verdict: 'holds' | 'fails' | 'open' | 'note'
  readonly text: string
}

export interface DrawnEntry {
  readonly visitor: string
  readonly place: number
  readonly value: string
}

export interface Verification {
  readonly findings: readonly Finding[]
  /** Everyone in the order of the draw; empty until it can be computed. */
  readonly order: readonly DrawnEntry[]
}

/** What a visitor kept from the time before the draw, to hold against the document. */
export interface Kept {
  /** `cnt` and `hed` of the own queue token, or `entries` and `head` of a snapshot. */
  readonly prefix?: { readonly entries: number; readonly head: string } | undefined
  /** The beacon's randomness from a source of the visitor's own. */
  readonly beacon?: string | undefined
}

const VISITOR = /^[A-Za-z0-9_-]{16,64}$/
const NEWLINE = 10
/** Hashes in flight at once: enough to keep the runtime busy, few enough for its memory. */
const HASHED_AT_ONCE = 1_000

/** `entryFile` is the file's bytes, exactly as downloaded. */
export async function verifyDraw(
  document: DrawDocument,
  entryFile: Uint8Array<ArrayBuffer>,
  kept: Kept = {},
): Promise<Verification> {
  const findings: Finding[] = []
  const check = (holds: boolean, ifHolds: string, ifNot: string): boolean => {
    findings.push(holds ? { verdict: 'holds', text: ifHolds } : { verdict: 'fails', text: ifNot })
    return holds
  }
  const say = (verdict: 'open' | 'note', text: string) => findings.push({ verdict, text })

  if (document.header === null || document.head === null) {
    say(
      'open',
      'Nobody has entered yet: nothing can be checked but the commitment, once the draw is complete.',
    )
    return { findings, order: [] }
  }
  const [header = '', ...visitors] = linesOf(entryFile)
  check(
    entryFile.at(-1) === NEWLINE && visitors.every((visitor) => VISITOR.test(visitor)),
    'Every line of the entry file is a visitor id.',
    'The entry file holds a line that is no visitor id, or does not end with a line break.',
  )
  check(
    visitors.length === document.entries,
    `The entry file has ${document.entries} entries, as the document says.`,
    `The entry file has ${visitors.length} entries, but the document says ${document.entries}.`,
  )
  const repeated = visitors.length - new Set(visitors).size
  if (repeated > 0) {
    say(
      'note',
      `Lines that repeat an id: ${repeated}, of visitors who left and came back without their token. An id is drawn once.`,
    )
  }

  const head = await sha256(entryFile)
  check(
    head === document.head,
    `The chain of entries ends in the published head ${head}.`,
    `The entry file hashes to ${head}, but the published head is ${document.head}: an entry was added, removed, moved or altered.`,
  )
  if (kept.prefix !== undefined)
    await checkPrefix(kept.prefix, { entryFile, entries: visitors.length }, check)

  const terms = readHeader(header)
  if (
    check(
      header === document.header,
      'The header is the published one.',
      'The header of the entry file is not the published one.',
    ) &&
    terms === undefined
  ) {
    check(false, '', 'The header is not one of a draw: nothing was fixed beforehand.')
  }
  if (terms !== undefined) checkTerms(terms, document, { check, say })

  const beaconHolds = checkBeacon(document, kept, { check, say })
  if (document.secret === null) {
    say('open', 'The draw is not complete: its secret is not published yet, so no value can be computed.')
    return { findings, order: [] }
  }
  check(
    terms !== undefined && (await commitmentTo(document.secret)) === terms.commitment,
    'The secret is the one that the header committed to.',
    'The secret is not the one that the header committed to.',
  )
  if (!beaconHolds) return { findings, order: [] }
  const order = await drawOrder(visitors, {
    secret: document.secret,
    head: document.head,
    beacon: document.beacon,
  })
  return { findings, order }
}

type Check = (holds: boolean, ifHolds: string, ifNot: string) => boolean
interface Report {
  readonly check: Check
  readonly say: (verdict: 'open' | 'note', text: string) => void
}

/** What the visitor saw early must be the beginning of what is published now. */
async function checkPrefix(
  prefix: { readonly entries: number; readonly head: string },
  file: { readonly entryFile: Uint8Array<ArrayBuffer>; readonly entries: number },
  check: Check,
): Promise<void> {
  if (prefix.entries > file.entries) {
    check(false, '', `You hold a head of ${prefix.entries} entries, but the file has only ${file.entries}.`)
    return
  }
  const head = await sha256(firstLines(file.entryFile, 1 + prefix.entries))
  check(
    head === prefix.head.toLowerCase(),
    `The first ${prefix.entries} entries are those of the head that you hold.`,
    `The first ${prefix.entries} entries hash to ${head}, not to the head that you hold: what was entered before has been changed.`,
  )
}

/** The document may not say anything else than the header, which was fixed before the first entry. */
function checkTerms(terms: DrawTerms, document: DrawDocument, { check, say }: Report): void {
  check(
    terms.room === document.room &&
      terms.sale === document.sale &&
      terms.commitment === document.commitment &&
      terms.beacon === (document.beaconChain?.url ?? null) &&
      terms.round === (document.round ?? 0),
    'Room, sale, commitment, beacon and round are those of the header.',
    'Room, sale, commitment, beacon or round differ from the header.',
  )
  const closesMs = Date.parse(document.closes)
  check(
    closesMs <= terms.closesMs,
    `The entries closed at ${document.closes}, not after the time fixed by the header.`,
    `The entries closed at ${document.closes}, after the time fixed by the header (${msToRfc3339(terms.closesMs)}): whoever knew the outcome by then could still enter.`,
  )
  if (closesMs < terms.closesMs) {
    say(
      'note',
      `The entries closed earlier than the header said (${msToRfc3339(terms.closesMs)}): the opening was moved forward.`,
    )
  }
  if (terms.beacon === null || document.beaconChain === null) return
  const publishedMs = timeOfRoundMs(terms.round, document.beaconChain)
  const published = `Round ${terms.round} (${msToRfc3339(publishedMs)})`
  check(
    terms.round === roundAfter(terms.closesMs, document.beaconChain),
    `${published} is the first that the beacon publishes ${BEACON_MARGIN_SECONDS} s or more after the closing in the header.`,
    `${published} is not the first that the beacon publishes ${BEACON_MARGIN_SECONDS} s after the closing in the header.`,
  )
  check(
    publishedMs > closesMs,
    `${published} came when the entries had closed.`,
    `${published} came before the entries had closed (${document.closes}): the outcome could be known while entries were open.`,
  )
}

/** False where the values cannot be computed because the beacon's part is missing or wrong. */
function checkBeacon(document: DrawDocument, kept: Kept, { check, say }: Report): boolean {
  if (document.beaconChain === null) {
    say(
      'note',
      'No beacon: the operator knew the secret all along, and could have known the outcome before the closing.',
    )
    return check(
      document.beacon === null,
      'No beacon value is used.',
      'The document uses a beacon value without naming a beacon.',
    )
  }
  if (document.beacon === null) {
    if (document.complete)
      return check(false, '', 'The draw is said to be complete, but names no value of its beacon.')
    say('open', "The beacon's value is not known yet.")
    return false
  }
  if (kept.beacon === undefined) {
    say(
      'open',
      `Whether ${document.beacon} is what the beacon said in round ${document.round} was not checked: --check-beacon asks it.`,
    )
    return true
  }
  return check(
    kept.beacon.toLowerCase() === document.beacon,
    "The beacon's value is the one used.",
    `The beacon said ${kept.beacon.toLowerCase()}, but the draw used ${document.beacon}.`,
  )
}

/** Everyone in the order of the draw: by place, equal places by id. An id that stands twice is drawn once. */
export async function drawOrder(visitors: readonly string[], inputs: DrawInputs): Promise<DrawnEntry[]> {
  const once = [...new Set(visitors)]
  const drawn: DrawnEntry[] = []
  for (let from = 0; from < once.length; from += HASHED_AT_ONCE) {
    const some = once.slice(from, from + HASHED_AT_ONCE)
    const values = await Promise.all(some.map((visitor) => drawValue(visitor, inputs)))
    for (const [i, value] of values.entries()) {
      drawn.push({ visitor: some[i] ?? '', place: drawnPlace(value), value })
    }
  }
  return drawn.toSorted(inOrder)
}

/** The order of a draw, which is Redis's for a sorted set: by place, equal places by id. */
export const inOrder = (
  a: Pick<DrawnEntry, 'place' | 'visitor'>,
  b: Pick<DrawnEntry, 'place' | 'visitor'>,
): number => a.place - b.place || (a.visitor < b.visitor ? -1 : a.visitor > b.visitor ? 1 : 0)

function linesOf(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** As `head -n` cuts them: with the line break of the last. */
function firstLines(bytes: Uint8Array<ArrayBuffer>, count: number): Uint8Array<ArrayBuffer> {
  let end = 0
  for (let line = 0; line < count; line += 1) end = bytes.indexOf(NEWLINE, end) + 1
  return bytes.subarray(0, end)
}
