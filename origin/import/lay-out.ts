// Turns a hall's rows into seats with ordinals and coordinates, and sections with their place on the map.
// Pure; called by the import. Ordinals follow the order of the file: sections, rows, numbers.

import { numbers, type HallPlan, type Row } from './event-file.ts'

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
}

/** Corners kept along a curved edge: enough to look round at any size of the map. */
const EDGE_POINTS = 9

export function layOut(hall: HallPlan): { seats: LaidOutSeat[]; sections: LaidOutSection[] } {
  const accessible = new Set(hall.accessible)
  const seats: LaidOutSeat[] = []
  const sections: LaidOutSection[] = []
  for (const section of hall.sections) {
    const firstOrdinal = seats.length
    const lines: Point[][] = []
    for (const row of section.rows) {
      const points = placeRow(row)
      lines.push(points)
      for (const [index, number] of numbers(row).entries()) {
        const id = `${section.id}-${row.label}-${number}`
        const [x, y] = points[index] ?? [0, 0]
        seats.push({
          ordinal: seats.length,
          id,
          section: section.id,
          row: row.label,
          label: String(number),
          tier: row.tier ?? section.tier,
          x,
          y,
          accessible: accessible.has(id),
        })
      }
    }
    const { id, name, tier } = section
    const count = seats.length - firstOrdinal
    sections.push({ id, name, tier, ...box(lines.flat()), outline: outline(lines), firstOrdinal, count })
  }
  return { seats, sections }
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
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return { x, y, width: round(Math.max(...xs) - x), height: round(Math.max(...ys) - y) }
}

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
