// The seats of a section, and the places of an area, in the order of the file: where their ids are made. Called by the checks
// of the file and by the layout. Pure.

import type { Row, SectionPlan } from './event-file.ts'

/** Row label of the places of an area: they have none to look for. */
export const AREA_ROW = 'GA'

/** A seat, or a place of an area, before it has an ordinal. `at`: its index within `run`. */
export interface Place {
  readonly id: string
  readonly row: string
  readonly number: number
  readonly run: Row | undefined
  readonly at: number
}

export const placeCount = (part: SectionPlan): number =>
  part.capacity ?? part.rows.reduce((sum, { count }) => sum + count, 0)

/** The seats of a section in the order of their ordinals. */
export function placesOf(part: SectionPlan): Place[] {
  const place = (row: string, number: number, run: Row | undefined, at: number): Place => ({
    id: `${part.id}-${row}-${number}`,
    row,
    number,
    run,
    at,
  })
  if (part.kind === 'general') {
    return Array.from({ length: part.capacity ?? 0 }, (_, at) => place(AREA_ROW, at + 1, undefined, at))
  }
  return part.rows.flatMap((run) =>
    Array.from({ length: run.count }, (_, at) => place(run.label, run.first + at, run, at)),
  )
}
