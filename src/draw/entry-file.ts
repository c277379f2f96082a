// The entry file of a draw: a header line that fixes the terms, then one visitor id a line in the order of entry. Its
// running SHA-256 is the head that every token and snapshot shows. Used by `npm run verify-draw` and the edge. Pure.

/** What the first line says, and nobody can change after the first entry. */
export interface DrawTerms {
  readonly room: string
  readonly sale: string
  /** Generation of the store in which the file was begun. */
  readonly epoch: number
  /** Hex SHA-256 of the secret's text. */
  readonly commitment: string
  /** When the entries close at the latest (ms since 1970). */
  readonly closesMs: number
  /** Address of the beacon's chain; `null` without one. */
  readonly beacon: string | null
  /** The beacon's round; 0 without a beacon. */
  readonly round: number
}

/** The header line, without its "\n". `join` spells the same line in Redis; a test compares them. */
export function spellHeader(terms: DrawTerms): string {
  const { room, sale, epoch, commitment, closesMs, beacon, round } = terms
  const closes = new Date(closesMs).toISOString()
  return `foyer-draw-1 room=${room} sale=${sale} epoch=${epoch} commitment=${commitment} closes=${closes} beacon=${beacon ?? 'none'} round=${round}`
}

const HEADER =
  /^foyer-draw-1 room=(\S+) sale=(\S+) epoch=(\d+) commitment=([0-9a-f]{64}) closes=(\S+) beacon=(\S+) round=(\d+)$/

/** `undefined` for a line that is no header of this version. */
export function readHeader(line: string): DrawTerms | undefined {
  const [, room, sale, epoch, commitment, closes, beacon, round] = HEADER.exec(line) ?? []
  const closesMs = Date.parse(closes ?? '')
  if (room === undefined || sale === undefined || commitment === undefined || Number.isNaN(closesMs))
    return undefined
  return {
    room,
    sale,
    epoch: Number(epoch),
    commitment,
    closesMs,
    beacon: beacon === undefined || beacon === 'none' ? null : beacon,
    round: Number(round),
  }
}
