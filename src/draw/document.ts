// The public document of a draw, `GET …/draw`: everything that anybody needs to compute it again. Made by the edge, read
// by `npm run verify-draw`. The text below is what the document says of itself, so that it can be checked without us.

import { z } from 'zod'

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
const instant = z.iso.datetime({ offset: true })

export const drawDocument = z.object({
  room: z.string(),
  sale: z.string(),
  /** SHA-256 of the secret's text: public before the pre-queue opens, and in the header since the first entry. */
  commitment: hex32,
  /** SHA-256 of the entry file; `null` before the first entry, as is `header`. */
  head: hex32.nullable(),
  entries: z.number().int().min(0),
  /** First line of the entry file. */
  header: z.string().nullable(),
  /** When the entries closed (never before the last of them came) or will close. */
  closes: instant,
  /** The beacon's chain as configured; `null` for a draw without a beacon. */
  beaconChain: z
    .object({ url: z.string(), genesis: z.number().int(), period: z.number().int().min(1) })
    .nullable(),
  round: z.number().int().min(1).nullable(),
  /** When the round is published. */
  roundAt: instant.nullable(),
  /** The round's randomness, once the draw knows it. */
  beacon: hex32.nullable(),
  /** `null` until the draw is complete. */
  secret: hex32.nullable(),
  complete: z.boolean(),
  algorithm: z.string(),
  entriesUrl: z.string(),
})

export type DrawDocument = z.infer<typeof drawDocument>

export const ALGORITHM = [
  'The entry file is UTF-8 text, every line ended by "\\n": the header, then one visitor id a line in the order of entry.',
  'head = SHA-256 of the file; after n entries, of its first 1+n lines.',
  'commitment = SHA-256 of the secret (the 64 hex digits as text).',
  'The value of an entry = SHA-256 of "<visitor>|<secret>|<head>|<beacon>", all hex in lower case, the beacon empty where there is none.',
  'Its place = 1 + the first 50 bits of the value. The draw orders by place, equal places by visitor id.',
  'A visitor id that stands in the file twice (left and came back without a token) is drawn once: both lines have the same value.',
].join('\n')
