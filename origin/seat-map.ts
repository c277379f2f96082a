// The layout as the seat map shows it: sections with their boxes and prices, and the seats of one section.
// Called by the route of seats. Reads at most one section's seats at once, so no answer carries a whole hall.

import { and, asc, eq } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { priceTiers, sections, seats } from '../src/db/halls.ts'
import { isId, type Performance } from './catalogue.ts'

/** Boxes are in the units of the imported hall; prices in minor units, cheapest position first as imported. */
export async function readOverview(db: Database, performance: Performance) {
  const [tiers, parts] = await Promise.all([
    db
      .select({
        id: priceTiers.id,
        name: priceTiers.name,
        price: priceTiers.priceMinor,
        fee: priceTiers.feeMinor,
      })
      .from(priceTiers)
      .where(eq(priceTiers.performanceId, performance.id))
      .orderBy(asc(priceTiers.position)),
    db
      .select(sectionColumns)
      .from(sections)
      .where(eq(sections.hallId, performance.hallId))
      .orderBy(asc(sections.firstOrdinal)),
  ])
  return {
    version: performance.version,
    tiers: tiers.map((tier) => ({ ...tier, currency: performance.currency })),
    sections: parts,
  }
}

/** One section and its seats by ordinal; `undefined` where the hall has no such section. */
export async function readSection(db: Database, performance: Performance, sectionId: string) {
  if (!isId(sectionId)) return undefined
  const [[section], rows] = await Promise.all([
    db
      .select(sectionColumns)
      .from(sections)
      .where(and(eq(sections.hallId, performance.hallId), eq(sections.id, sectionId))),
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
      .from(seats)
      .where(and(eq(seats.hallId, performance.hallId), eq(seats.sectionId, sectionId)))
      .orderBy(asc(seats.ordinal)),
  ])
  return section === undefined ? undefined : { version: performance.version, section, seats: rows }
}

const sectionColumns = {
  id: sections.id,
  name: sections.name,
  tier: sections.tierId,
  x: sections.x,
  y: sections.y,
  width: sections.width,
  height: sections.height,
  outline: sections.outline,
  firstOrdinal: sections.firstOrdinal,
  count: sections.seatCount,
}
