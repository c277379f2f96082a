// What an event file means in rows: seats with ordinals, and per performance its version and the seats that are not for
// general sale. Called at acceptance, by every batch and by the last step; the same file gives the same plan. No I/O.

import { base64url } from 'jose'
import type { BlockReason } from '../../src/db/halls.ts'
import type { EventFile } from './event-file.ts'
import { layOut, type LaidOutSeat, type LaidOutSection } from './lay-out.ts'

export interface PlannedPerformance {
  /** `<event>-<performance>`: how it is known everywhere. */
  readonly id: string
  readonly name: string
  /** RFC 3339 in UTC: Postgres refuses offsets of 16 hours and more. */
  readonly startsAt: string
  readonly room: string
  readonly tiers: EventFile['performances'][number]['tiers']
  /** Changes with whatever the seat map shows. */
  readonly version: string
  /** Ordinal → why the seat is not for general sale. */
  readonly marks: Readonly<Record<string, BlockReason>>
}

export interface ImportPlan {
  readonly event: EventFile['event']
  readonly hall: { readonly id: string; readonly name: string; readonly layout: string }
  readonly seats: readonly LaidOutSeat[]
  readonly sections: readonly LaidOutSection[]
  readonly performances: readonly PlannedPerformance[]
}

export async function planImport(file: EventFile): Promise<ImportPlan> {
  const { seats, sections } = layOut(file.hall)
  const ordinalOf = new Map(seats.map(({ id, ordinal }) => [id, ordinal]))
  const performances = file.performances.map(async (performance) => ({
    id: `${file.event.id}-${performance.id}`,
    name: performance.name,
    startsAt: new Date(performance.startsAt).toISOString(),
    room: performance.room,
    tiers: performance.tiers,
    version: await digest(JSON.stringify([file.event, file.hall, performance.name, performance.tiers])),
    marks: marksOf(file, performance, ordinalOf),
  }))
  return {
    event: file.event,
    hall: {
      id: file.hall.id,
      name: file.hall.name,
      layout: await digest(seats.map(({ id }) => id).join(' ')),
    },
    seats,
    sections,
    performances: await Promise.all(performances),
  }
}

/** The same for every file that says the same, however it is spaced. */
export const fileHash = (file: EventFile): Promise<string> => digest(JSON.stringify(file))

/** The later reason wins: where no seat stands, nobody can be seated for a need. */
function marksOf(
  file: EventFile,
  { blocked, house, accessible }: EventFile['performances'][number],
  ordinalOf: ReadonlyMap<string, number>,
): Readonly<Record<string, BlockReason>> {
  const entries = (ids: readonly string[], reason: BlockReason) =>
    ids.map((id): [string, BlockReason] => [String(ordinalOf.get(id)), reason])
  return Object.fromEntries([
    ...(accessible === 'kept' ? entries(file.hall.accessible, 'accessible') : []),
    ...entries(house, 'house'),
    ...entries(blocked, 'blocked'),
  ])
}

/** Short and stable: 22 characters of SHA-256. */
async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return base64url.encode(bytes).slice(0, 22)
}
