// A small draw as it is published, made without the code under test but for the spelling of the header.

import { createHash, createHmac } from 'node:crypto'
import { roundAfter, timeOfRoundMs } from '../../src/draw/beacon.ts'
import type { DrawDocument } from '../../src/draw/document.ts'
import { spellHeader } from '../../src/draw/entry-file.ts'

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
export const visitorOf = (n: number): string => sha256(`visitor ${n}`).slice(0, 24)

export const CHAIN = { url: 'https://beacon.example/chain', genesis: 1_600_000_000, period: 30 }
export const SIGNATURE = 'ab'.repeat(48)
export const RANDOMNESS = sha256(Buffer.from(SIGNATURE, 'hex'))
const CLOSES_MS = Date.parse('2027-03-01T09:00:00.000Z')

export interface Published {
  readonly document: DrawDocument
  readonly entries: string
}

export function publish({
  visitors = Array.from({ length: 20 }, (_, n) => visitorOf(n)),
  beacon = true,
}: { visitors?: readonly string[]; beacon?: boolean } = {}): Published {
  const secret = createHmac('sha256', 'key').update('demo|spring').digest('hex')
  const round = roundAfter(CLOSES_MS, CHAIN)
  const header = spellHeader({
    room: 'demo',
    sale: 'spring',
    epoch: 1,
    commitment: sha256(secret),
    closesMs: CLOSES_MS,
    beacon: beacon ? CHAIN.url : null,
    round: beacon ? round : 0,
  })
  const entries = [header, ...visitors].map((line) => `${line}\n`).join('')
  return {
    entries,
    document: {
      room: 'demo',
      sale: 'spring',
      commitment: sha256(secret),
      head: sha256(entries),
      entries: visitors.length,
      header,
      closes: new Date(CLOSES_MS).toISOString(),
      beaconChain: beacon ? CHAIN : null,
      round: beacon ? round : null,
      roundAt: beacon ? new Date(timeOfRoundMs(round, CHAIN)).toISOString() : null,
      beacon: beacon ? RANDOMNESS : null,
      secret,
      complete: true,
      algorithm: '',
      entriesUrl: 'https://shop.example/.waiting-room/demo/draw/entries',
    },
  }
}

/** As `head -n <lines> | sha256sum` tells. */
export const headOf = (entries: string, lines: number): string =>
  sha256(
    entries
      .split('\n')
      .slice(0, lines)
      .map((line) => `${line}\n`)
      .join(''),
  )
