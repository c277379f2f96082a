// What a wish for seats may name: the sections of a performance's hall and its price tiers, by id. Called where a hold is
// asked for by quantity. Reads Postgres each time: some dozen rows.

import { eq } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { priceTiers, sections, type SECTION_KINDS } from '../src/db/halls.ts'
import type { Performance } from './catalogue.ts'

export interface HallParts {
  readonly sections: ReadonlyMap<string, (typeof SECTION_KINDS)[number]>
  readonly tiers: ReadonlySet<string>
}

export async function findHallParts(db: Database, performance: Performance): Promise<HallParts> {
  const [parts, tiers] = await db.batch([
    db
      .select({ id: sections.id, kind: sections.kind })
      .from(sections)
      .where(eq(sections.hallId, performance.hallId)),
    db.select({ id: priceTiers.id }).from(priceTiers).where(eq(priceTiers.performanceId, performance.id)),
  ])
  return {
    sections: new Map(parts.map(({ id, kind }) => [id, kind])),
    tiers: new Set(tiers.map(({ id }) => id)),
  }
}
