// What a wish for seats may name: the sections of a performance's hall and its price tiers, by id. Called where a hold is
// asked for by quantity.

import type { SECTION_KINDS } from '../src/db/halls.ts'
import type { Catalogue } from './catalogue-cache.ts'
import type { Performance } from './catalogue.ts'

export interface HallParts {
  readonly sections: ReadonlyMap<string, (typeof SECTION_KINDS)[number]>
  readonly tiers: ReadonlySet<string>
}

export async function findHallParts(catalogue: Catalogue, performance: Performance): Promise<HallParts> {
  const overview = await catalogue.overview(performance.id)
  return {
    sections: new Map(overview?.sections.map(({ id, kind }) => [id, kind])),
    tiers: new Set(overview?.tiers.map(({ id }) => id)),
  }
}
