// Where the map in Redis and Postgres differ. Pure: called by `seats.ts` with what both say. Seats that a sale or a change
// under way explains are left out by their ordinals.

import { freshMaps, type KnownSeats } from '../../src/redis/seat-arguments.ts'
import type { Repair, Repairs } from './repairs.ts'

/** Counts by kind; empty where the two agree. A seat that is held and not sold agrees, whatever it is kept for. */
export function compareSeats(
  shown: { readonly map: string; readonly base: string },
  known: KnownSeats,
  { moving }: { moving: ReadonlySet<number> },
): Repairs {
  const { fresh, base } = freshMaps(known)
  const found: Partial<Record<Repair, number>> = {}
  const count = (kind: Repair) => {
    found[kind] = (found[kind] ?? 0) + 1
  }
  if (shown.map.length !== fresh.length || shown.base.length !== base.length) count('seat_base')
  for (let ordinal = 0; ordinal < fresh.length; ordinal += 1) {
    if (moving.has(ordinal)) continue
    const [mark, wanted] = [shown.map[ordinal], fresh[ordinal]]
    if (wanted === 's') {
      if (mark !== 's') count('seat_not_sold')
    } else if (mark === 's') count('seat_not_freed')
    else if ((mark !== 'h' && mark !== wanted) || shown.base[ordinal] !== base[ordinal]) count('seat_base')
  }
  return found
}
