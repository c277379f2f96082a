// The layout as the seat map shows it: sections with their boxes and prices, and the seats of one section.
// Called by `catalogue-cache.ts`. Reads at most one section's seats at once, so no answer carries a whole hall.
//
// Each reading is one transaction that reads the version first: what follows can then be newer than the version that it is
// shown under, never older, and a client that compares versions looks again.

import { and, asc, eq } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { performances, priceTiers, sections, seats } from '../src/db/halls.ts'
import { isId } from './catalogue.ts'

/** Boxes are in the units of the imported hall; prices in minor units, in the order of the event file. */
export async function readOverview(db: Database, performanceId: string) {
  if (!isId(performanceId)) return undefined
  const [[performance], tiers, parts] = await db.batch([
    selectVersion(db, performanceId),
    db
      .select({
        id: priceTiers.id,
        name: priceTiers.name,
        price: priceTiers.priceMinor,
        fee: priceTiers.feeMinor,
      })
      .from(priceTiers)
      .where(eq(priceTiers.performanceId, performanceId))
      .orderBy(asc(priceTiers.position)),
    db
      .select(sectionColumns)
      .from(performances)
      .innerJoin(sections, eq(sections.hallId, performances.hallId))
      .where(eq(performances.id, performanceId))
      .orderBy(asc(sections.firstOrdinal)),
  ])
  if (performance === undefined) return undefined
  const { version, currency } = performance
  return { version, tiers: tiers.map((tier) => ({ ...tier, currency })), sections: parts }
}

/**
 * One section and its seats by ordinal; `undefined` where the hall has no such section. A general area has no seats to
 * choose from: places there are asked for by quantity.
 */
export async function readSection(
  db: Database,
  { performanceId, sectionId }: { performanceId: string; sectionId: string },
) {
  if (!isId(performanceId) || !isId(sectionId)) return undefined
  const [[performance], [section], rows] = await db.batch([
    selectVersion(db, performanceId),
    db
      .select(sectionColumns)
      .from(performances)
      .innerJoin(sections, eq(sections.hallId, performances.hallId))
      .where(and(eq(performances.id, performanceId), eq(sections.id, sectionId))),
    db
      .select({
        ordinal: seats.ordinal,
        id: seats.id,
        row: seats.row,
        label: seats.label,
        x: seats.x,
        y: seats.y,
        tier: seats.tierId,
        accessible: seats.accessible,
      })
      .from(performances)
      .innerJoin(
        sections,
        and(
          eq(sections.hallId, performances.hallId),
          eq(sections.id, sectionId),
          eq(sections.kind, 'seated'),
        ),
      )
      .innerJoin(seats, and(eq(seats.hallId, sections.hallId), eq(seats.sectionId, sections.id)))
      .where(eq(performances.id, performanceId))
      .orderBy(asc(seats.ordinal)),
  ])
  if (performance === undefined || section === undefined) return undefined
  return { version: performance.version, section, seats: rows }
}

const selectVersion = (db: Database, performanceId: string) =>
  db
    .select({ version: performances.version, currency: performances.currency })
    .from(performances)
    .where(eq(performances.id, performanceId))

const sectionColumns = {
  id: sections.id,
  name: sections.name,
  kind: sections.kind,
  tier: sections.tierId,
  x: sections.x,
  y: sections.y,
  width: sections.width,
  height: sections.height,
  outline: sections.outline,
  firstOrdinal: sections.firstOrdinal,
  count: sections.seatCount,
}
