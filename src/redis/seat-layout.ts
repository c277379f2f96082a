// The layout of a hall as the seat scripts read it (lua/seats/hall.lua): text with a line for each general area and each run
// of seats. Made when a performance is loaded into Redis. Pure; knows nothing of what is free.

import type { SeatRun } from '../db/halls.ts'

/** A section as `sections` has it. */
export interface LayoutSection {
  readonly id: string
  readonly kind: 'seated' | 'general'
  readonly firstOrdinal: number
  readonly seatCount: number
  readonly tierId: string
  readonly runs: readonly SeatRun[]
}

/** Rank of the farthest run; the nearest has 0. */
const RANKS = 1_000

/**
 * `kind place first count rank tier section`, areas (`g`) first, then runs (`s`) by rank. About 30 bytes a line: 25 KB for
 * 15,000 seats, some 200 KB for 100,000. Throws RangeError for an id with white space, which the import does not accept.
 */
export function layoutText(sections: readonly LayoutSection[]): string {
  const areas = sections
    .filter(({ kind }) => kind === 'general')
    .map(({ id, firstOrdinal, seatCount, tierId }) => line('g', 0, firstOrdinal, seatCount, 0, tierId, id))
  const runs = sections
    .flatMap((section) =>
      section.kind === 'seated' ? section.runs.map((run) => ({ ...run, section: section.id })) : [],
    )
    .toSorted((a, b) => a.firstOrdinal - b.firstOrdinal)
  let [nearest, farthest] = [Infinity, -Infinity]
  for (const { distance } of runs) {
    nearest = Math.min(nearest, distance)
    farthest = Math.max(farthest, distance)
  }
  const depth = farthest - nearest
  const rank = (distance: number) => (depth > 0 ? Math.round(((distance - nearest) / depth) * RANKS) : 0)
  const ranked = runs
    .map((run, place) => ({ ...run, place, rank: rank(run.distance) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map((run) => line('s', run.place, run.firstOrdinal, run.count, run.rank, run.tier, run.section))
  return [...areas, ...ranked].join('')
}

function line(kind: 'g' | 's', ...fields: readonly (string | number)[]): string {
  const wrong = fields.find((field) => !/^\S+$/.test(String(field)))
  if (wrong !== undefined) throw new RangeError(`"${wrong}" cannot stand in a layout`)
  return `${kind} ${fields.join(' ')}\n`
}
