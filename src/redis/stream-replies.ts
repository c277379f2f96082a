// What Redis answers to stream commands, parsed. Used by streams.ts alone; throws ZodError for a server that differs.

import { z } from 'zod'

export interface StreamEntry {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

const text = z.coerce.string()

/** `[id, [name, value, …]]`; null, or without fields, where the entry was deleted meanwhile. */
const entry = z.union([z.null(), z.tuple([text, z.union([z.null(), z.array(text)])])])

const entries = z.array(entry).transform((list): StreamEntry[] =>
  list.flatMap((one) => {
    if (one === null || one[1] === null) return []
    const [id, flat] = one
    const pairs = Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at], flat[2 * at + 1]])
    return { id, fields: Object.fromEntries(pairs) }
  }),
)

/** Of XAUTOCLAIM: where the next goes on (0-0 for the start), the entries, and from Redis 7 on the ids of deleted ones. */
export const claimReply = z
  .tuple([text, entries])
  .rest(z.unknown())
  .transform(([cursor, list]) => ({ cursor, entries: list }))

/** Of XREADGROUP on one stream: null where nothing is new. */
export const readReply = z
  .union([z.null(), z.array(z.tuple([z.unknown(), entries]))])
  .transform((streams) => streams?.flatMap(([, list]) => list) ?? [])

/** Of XPENDING with a range: `[id, consumer, idle, deliveries]` each. */
export const pendingReply = z
  .array(z.tuple([z.unknown(), z.unknown(), z.unknown(), z.coerce.number()]))
  .transform((list) => list.map(([, , , deliveries]) => deliveries))

/** Of XINFO GROUPS: names and values in turn. */
export const groupsReply = z
  .array(z.array(z.unknown()).transform((flat) => Object.fromEntries(pairsOf(flat))))
  .pipe(
    z.array(
      z.object({
        name: text,
        pending: z.coerce.number(),
        lag: z
          .union([z.null(), z.coerce.number()])
          .optional()
          .transform((lag) => lag ?? undefined),
      }),
    ),
  )

const pairsOf = (flat: readonly unknown[]): [string, unknown][] =>
  Array.from({ length: flat.length / 2 }, (_, at) => [String(flat[2 * at]), flat[2 * at + 1]])
