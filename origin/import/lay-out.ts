// Turns a hall's rows into seats with ordinals and coordinates, and sections with their runs and their place on the map.
// Pure; called by the import. Ordinals follow the order of the file: sections, rows, numbers.

import type { SECTION_KINDS, SeatRun } from '../../src/db/halls.ts'
import type { HallPlan, Row, SectionPlan } from './event-file.ts'
import { placesOf } from './places.ts'

export interface LaidOutSeat {
  readonly ordinal: number
  readonly id: string
  readonly section: string
  readonly row: string
  readonly label: string
  readonly tier: string
  readonly x: number
  readonly y: number
  readonly accessible: boolean
}

type Point = readonly [x: number, y: number]

export interface LaidOutSection {
  readonly id: string
  readonly name: string
  readonly tier: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Corners of the section's shape in order, through its outermost seats. */
  readonly outline: readonly Point[]
  readonly firstOrdinal: number
  readonly count: number
  readonly kind: (typeof SECTION_KINDS)[number]
  /** One a row of the file; none for an area. */
  readonly runs: readonly SeatRun[]
}

/** Corners kept along a curved edge: enough to look round at any size of the map. */
const EDGE_POINTS = 9

export function layOut(hall: HallPlan): { seats: LaidOutSeat[]; sections: LaidOutSection[] } {
  const accessible = new Set(hall.accessible)
  const seats: LaidOutSeat[] = []
  const sections: LaidOutSection[] = []
  for (const section of hall.sections) {
    const firstOrdinal = seats.length
    const lines = new Map(section.rows.map((row) => [row, placeRow(row)]))
    const frame = frameOf(section, [...lines.values()])
    const middle: Point = [round(frame.x + frame.width / 2), round(frame.y + frame.height / 2)]
    for (const { id, row, number, run, at } of placesOf(section)) {
      const [x, y] = (run && lines.get(run)?.[at]) ?? middle
      seats.push({
        ordinal: seats.length,
        id,
        section: section.id,
        row,
        label: String(number),
        tier: run?.tier ?? section.tier,
        x,
        y,
        accessible: accessible.has(id),
      })
    }
    const { id, name, tier, kind } = section
    const count = seats.length - firstOrdinal
    const runs = runsOf(lines, { section, firstOrdinal, stage: hall.stage })
    sections.push({ id, name, tier, ...frame, firstOrdinal, count, kind, runs })
  }
  return { seats, sections }
}

/** Box and outline: of an area as the file draws it, of rows through their outermost seats. */
function frameOf(section: SectionPlan, lines: readonly Point[][]) {
  if (section.kind === 'seated') return { ...box(lines.flat()), outline: outline(lines) }
  // An area that the file does not draw is sold by its name.
  const { x, y, width, height } = section.box ?? { x: 0, y: 0, width: 0, height: 0 }
  const corners: Point[] = [
    [x, y],
    [round(x + width), y],
    [round(x + width), round(y + height)],
    [x, round(y + height)],
  ]
  return { x, y, width, height, outline: section.box === undefined ? [] : corners }
}

function runsOf(
  lines: ReadonlyMap<Row, readonly Point[]>,
  { section, firstOrdinal, stage }: { section: SectionPlan; firstOrdinal: number; stage: HallPlan['stage'] },
): SeatRun[] {
  const runs: SeatRun[] = []
  let first = firstOrdinal
  for (const [row, points] of lines) {
    const [x, y] = points[Math.floor((row.count - 1) / 2)] ?? [0, 0]
    runs.push({
      row: row.label,
      tier: row.tier ?? section.tier,
      firstOrdinal: first,
      count: row.count,
      distance: round(Math.hypot(x - stage.x, y - stage.y)),
    })
    first += row.count
  }
  return runs
}

/** Seats at even distances from one end to the other; a single seat stands in the middle. */
function placeRow(row: Row): Point[] {
  return Array.from({ length: row.count }, (_, index) => {
    const share = row.count === 1 ? 0.5 : index / (row.count - 1)
    if (row.arc !== undefined) {
      const { cx, cy, radius, fromDegrees, toDegrees } = row.arc
      const angle = ((fromDegrees + (toDegrees - fromDegrees) * share) * Math.PI) / 180
      return [round(cx + radius * Math.cos(angle)), round(cy + radius * Math.sin(angle))]
    }
    const { x, y, dx, dy } = row.line ?? { x: 0, y: 0, dx: 0, dy: 0 }
    return [round(x + dx * share), round(y + dy * share)]
  })
}

function box(points: readonly Point[]) {
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y)
  const [x, y] = [least(xs), least(ys)]
  return { x, y, width: round(most(xs) - x), height: round(most(ys) - y) }
}

// Not by spreading: a section may have more seats than a call takes arguments.
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity)
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity)

/** Along the first row, down the right ends, back along the last row, up the left ends. */
function outline(lines: readonly (readonly Point[])[]): Point[] {
  const ends = (line: readonly Point[], at: 0 | -1) => line.at(at) ?? [0, 0]
  const between = lines.slice(1, -1)
  return [
    ...thinned(lines[0] ?? []),
    ...between.map((line) => ends(line, -1)),
    ...(lines.length > 1 ? thinned(lines.at(-1) ?? []).toReversed() : []),
    ...between.toReversed().map((line) => ends(line, 0)),
  ]
}

function thinned(line: readonly Point[]): Point[] {
  if (line.length <= EDGE_POINTS) return [...line]
  const step = (line.length - 1) / (EDGE_POINTS - 1)
  return Array.from({ length: EDGE_POINTS }, (_, index) => line[Math.round(index * step)] ?? [0, 0])
}

const round = (value: number): number => Math.round(value * 100) / 100
