// What the parts of an event file must have in common: ids that stand once, seats that exist, prices for every tier. Called
// by the schema once each part is well formed. Pure; every fault is an issue with its path.

import type { z } from 'zod'
import type { EventFile } from './event-file.ts'
import { placeCount, placesOf } from './places.ts'

export const SEATS_LIMIT = 100_000

export function checkParts(file: EventFile, context: z.RefinementCtx<EventFile>): void {
  const fault = (path: (string | number)[], message: string) => {
    context.addIssue({ code: 'custom', path, message })
  }
  const once = (ids: readonly string[], path: (index: number) => (string | number)[], what: string) => {
    const seen = new Set<string>()
    for (const [index, id] of ids.entries()) {
      if (seen.has(id)) fault(path(index), `${what} "${id}" stands here a second time`)
      seen.add(id)
    }
  }
  const count = file.hall.sections.reduce((sum, part) => sum + placeCount(part), 0)
  if (count > SEATS_LIMIT) {
    fault(['hall', 'sections'], `${count} seats: at most ${SEATS_LIMIT} are accepted`)
    return
  }
  const seatIds = file.hall.sections.flatMap((part) => placesOf(part).map(({ id }) => id))
  const known = new Set(seatIds)
  if (known.size < seatIds.length) {
    once(seatIds, () => ['hall', 'sections'], 'seat')
  }
  once(
    file.hall.sections.map(({ id }) => id),
    (i) => ['hall', 'sections', i, 'id'],
    'section',
  )
  for (const [i, id] of file.hall.accessible.entries()) {
    if (!known.has(id)) fault(['hall', 'accessible', i], `the hall has no seat "${id}"`)
  }
  once(
    file.performances.map(({ id }) => id),
    (i) => ['performances', i, 'id'],
    'performance',
  )
  for (const [p, { tiers, blocked, house }] of file.performances.entries()) {
    once(
      tiers.map(({ id }) => id),
      (i) => ['performances', p, 'tiers', i, 'id'],
      'tier',
    )
    for (const [list, ids] of Object.entries({ blocked, house })) {
      once(ids, (i) => ['performances', p, list, i], 'seat')
      for (const [i, id] of ids.entries()) {
        if (!known.has(id)) fault(['performances', p, list, i], `the hall has no seat "${id}"`)
      }
    }
    const taken = new Set(blocked)
    for (const [i, id] of house.entries()) {
      if (taken.has(id))
        fault(['performances', p, 'house', i], `seat "${id}" is blocked: it cannot be the house's`)
    }
    const priced = new Set(tiers.map(({ id }) => id))
    for (const [s, part] of file.hall.sections.entries()) {
      if (!priced.has(part.tier)) {
        fault(
          ['hall', 'sections', s, 'tier'],
          `performance "${file.performances[p]?.id}" has no tier "${part.tier}"`,
        )
      }
      for (const [r, run] of part.rows.entries()) {
        if (run.tier !== undefined && !priced.has(run.tier)) {
          fault(
            ['hall', 'sections', s, 'rows', r, 'tier'],
            `performance "${file.performances[p]?.id}" has no tier "${run.tier}"`,
          )
        }
      }
    }
  }
}
