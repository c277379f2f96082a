// The seats of a hold with what they cost, as the catalogue shows them: no request to Postgres where the isolate or Redis
// knows the section. For holds alone, which show prices and do not charge them: an order reads Postgres (`place.ts`).
// Whatever the catalogue does not know, Postgres is asked for, so nothing is unknown before it says so.

import type { Database } from '../src/db/client.ts'
import type { Catalogue } from './catalogue-cache.ts'
import { describeSeats, seatOrdinals, type Performance, type SeatDescription } from './catalogue.ts'

export interface HallSources {
  readonly db: Database
  readonly catalogue: Catalogue
}

/** By ordinal. `unknown` names ids that the hall does not have. */
export async function findSeatsById(
  { db, catalogue }: HallSources,
  performance: Performance,
  ids: readonly string[],
): Promise<{ readonly seats: readonly SeatDescription[]; readonly unknown: readonly string[] }> {
  const overview = await catalogue.overview(performance.id)
  const found: SeatDescription[] = []
  for (const id of ids) {
    // A seat's id begins with that of its section.
    const part = await catalogue.section(performance.id, id.split('-')[0] ?? '')
    const seat = part && seatsById(part).get(id)
    if (part !== undefined && seat !== undefined) found.push(...describe(seat, part, overview))
  }
  if (found.length === ids.length) return { seats: found.toSorted(byOrdinal), unknown: [] }
  const { ordinals, unknown } = await seatOrdinals(db, performance.id, ids)
  return { seats: unknown.length > 0 ? [] : await describeSeats(db, performance.id, ordinals), unknown }
}

/** By ordinal. */
export async function findSeatsByOrdinal(
  { db, catalogue }: HallSources,
  performance: Performance,
  ordinals: readonly number[],
): Promise<readonly SeatDescription[]> {
  const overview = await catalogue.overview(performance.id)
  const found: SeatDescription[] = []
  for (const ordinal of ordinals) {
    const place = overview?.sections.find((part) => isWithin(part, ordinal))
    const part = place && (await catalogue.section(performance.id, place.id))
    const seat = part?.seats[ordinal - part.section.firstOrdinal]
    if (part !== undefined && seat?.ordinal === ordinal) found.push(...describe(seat, part, overview))
  }
  return found.length === ordinals.length
    ? found.toSorted(byOrdinal)
    : await describeSeats(db, performance.id, ordinals)
}

type Overview = Awaited<ReturnType<Catalogue['overview']>>
type Section = NonNullable<Awaited<ReturnType<Catalogue['section']>>>
type Seat = Section['seats'][number]

// By section as the catalogue remembers it: made once, and gone with it.
const indexes = new WeakMap<Section, ReadonlyMap<string, Seat>>()

function seatsById(section: Section): ReadonlyMap<string, Seat> {
  const known = indexes.get(section)
  if (known !== undefined) return known
  const index = new Map(section.seats.map((seat) => [seat.id, seat]))
  indexes.set(section, index)
  return index
}

/** Nothing where the overview, read at another moment, has no such tier. */
function describe({ ordinal, id, row, label, tier }: Seat, { section }: Section, overview: Overview) {
  const priced = overview?.tiers.find((candidate) => candidate.id === tier)
  if (priced === undefined) return []
  const { name, price, fee } = priced
  return [{ ordinal, id, section: section.name, row, label, tier: name, price, fee }]
}

const isWithin = (part: { readonly firstOrdinal: number; readonly count: number }, ordinal: number) =>
  ordinal >= part.firstOrdinal && ordinal < part.firstOrdinal + part.count

const byOrdinal = (a: SeatDescription, b: SeatDescription): number => a.ordinal - b.ordinal
