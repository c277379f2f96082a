// Rounds of a public randomness beacon that speaks drand's HTTP API: which round a draw uses, when that is published, and
// whether an answer hangs together. Used by the edge and by `npm run verify-draw`. Pure; callers fetch.

import { sha256 } from './sha256.ts'

/** Round 1 is published at `genesis` (seconds since 1970), the others every `period` seconds. */
export interface BeaconTimes {
  readonly genesis: number
  readonly period: number
}

/** The round is published at least so long after the entries close, so that no clock that lags shows it before. */
export const BEACON_MARGIN_SECONDS = 10

/** First round published at least `BEACON_MARGIN_SECONDS` after the closing; never below 1. */
export function roundAfter(closesMs: number, { genesis, period }: BeaconTimes): number {
  return Math.max(1, Math.ceil((closesMs / 1_000 + BEACON_MARGIN_SECONDS - genesis) / period) + 1)
}

/** When a round is published (ms since 1970). */
export function timeOfRoundMs(round: number, { genesis, period }: BeaconTimes): number {
  return (genesis + (round - 1) * period) * 1_000
}

/** `<url>/public/<round>`, as drand's servers spell it. */
export const roundAddress = (url: string, round: number): string =>
  `${url.replace(/\/+$/, '')}/public/${round}`

/** What a beacon says of one round. `signature` is left out by beacons whose randomness is not the hash of one. */
export interface BeaconAnswer {
  readonly round: number
  readonly randomness: string
  readonly signature?: string | undefined
}

const HEX_32 = /^[0-9a-f]{64}$/

/**
 * The randomness of the round that was asked for, or what is wrong with the answer. Where there is a signature, the
 * randomness must be its SHA-256, as drand states; the signature itself is not verified against the chain's key.
 */
export async function readBeaconAnswer(
  answer: unknown,
  round: number,
): Promise<{ readonly randomness: string } | { readonly fault: string }> {
  if (!isAnswer(answer)) return { fault: 'the beacon did not answer {round, randomness}' }
  const randomness = answer.randomness.toLowerCase()
  if (answer.round !== round)
    return { fault: `the beacon answered round ${answer.round} instead of ${round}` }
  if (!HEX_32.test(randomness)) return { fault: "the beacon's randomness is not 64 hex digits" }
  if (answer.signature !== undefined) {
    const bytes = bytesOfHex(answer.signature)
    if (bytes === undefined) return { fault: "the beacon's signature is not hex" }
    if ((await sha256(bytes)) !== randomness)
      return { fault: "the beacon's randomness is not the SHA-256 of its signature" }
  }
  return { randomness }
}

function isAnswer(value: unknown): value is BeaconAnswer {
  if (typeof value !== 'object' || value === null) return false
  const { round, randomness, signature } = value as Partial<Record<keyof BeaconAnswer, unknown>>
  return (
    typeof round === 'number' &&
    typeof randomness === 'string' &&
    (signature === undefined || typeof signature === 'string')
  )
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) return undefined
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
