// Writes `event.json`, the demo: "Winter Lights" in a round hall of exactly 15,000 seats, stage in the middle of the map's
// upper half. Run by hand after a change here: `node local/demo/make-event.ts`. The stack only ever reads the file.
import { writeFile } from 'node:fs/promises'

const SEATS = 15_000
// Metres: width of a seat, depth of a row, half an aisle.
const SEAT = 0.55
const ROW_DEPTH = 0.95
const HALF_AISLE = 0.6
// The hall opens downwards from the stage at 0, 0; angles run clockwise from the right.
const FROM = -12
const TO = 192
const ROW_LABELS = 'ABCDEFGHJKLMNPQRSTUVWXYZ'

interface Level {
  readonly mark: string
  readonly name: string
  readonly sections: number
  readonly rows: number
  readonly radius: number
  /** Price tier in the middle, halfway to the sides, at the sides. */
  readonly tiers: readonly [string, string, string]
}
const LEVELS: readonly Level[] = [
  { mark: 'P', name: 'Parterre', sections: 5, rows: 13, radius: 13, tiers: ['premium', 'premium', 'gold'] },
  { mark: 'S', name: 'Stalls', sections: 9, rows: 15, radius: 28, tiers: ['gold', 'gold', 'silver'] },
  { mark: 'C', name: 'Circle', sections: 11, rows: 14, radius: 45, tiers: ['silver', 'silver', 'bronze'] },
  { mark: 'B', name: 'Balcony', sections: 13, rows: 15, radius: 61, tiers: ['bronze', 'balcony', 'balcony'] },
]

const rows = LEVELS.flatMap((level) =>
  Array.from({ length: level.sections }, (_, section) =>
    Array.from({ length: level.rows }, (_, index) => {
      const radius = level.radius + index * ROW_DEPTH
      const aisle = (HALF_AISLE / radius) * (180 / Math.PI)
      const width = (TO - FROM) / level.sections
      const from = FROM + section * width + aisle
      const to = from + width - 2 * aisle
      const count = Math.floor((((to - from) * Math.PI) / 180) * (radius / SEAT)) + 1
      return { level, section, index, radius, from, to, count }
    }),
  ).flat(),
)

// One seat less in rows spread over the hall, until the number is exact.
let surplus = rows.reduce((sum, { count }) => sum + count, 0) - SEATS
if (surplus < 0) throw new Error(`the hall has ${-surplus} seats too few: add rows`)
while (surplus > 0) {
  const step = Math.max(1, rows.length / surplus)
  for (let at = 0; at < rows.length && surplus > 0; at += step) {
    const row = rows[Math.floor(at)]
    if (row === undefined) continue
    row.count -= 1
    surplus -= 1
  }
}

const sections = LEVELS.flatMap((level) =>
  Array.from({ length: level.sections }, (_, section) => {
    const middle = (level.sections - 1) / 2
    const side = Math.abs(section - middle) / middle
    return {
      id: `${level.mark}${section + 1}`,
      name: `${level.name} ${section + 1}`,
      tier: level.tiers[side < 0.4 ? 0 : side < 0.8 ? 1 : 2],
      rows: rows
        .filter((row) => row.level === level && row.section === section)
        .map((row) => ({
          label: ROW_LABELS.charAt(row.index),
          count: row.count,
          arc: {
            radius: round(row.radius),
            fromDegrees: Math.round(row.from * 10) / 10,
            toDegrees: Math.round(row.to * 10) / 10,
          },
        })),
    }
  }),
)

const seatIds = (mark: string, row: (rows: number) => number, seats: readonly number[]) =>
  sections
    .filter(({ id }) => id.startsWith(mark))
    .flatMap(({ id, rows }) => {
      const label = rows[row(rows.length)]?.label
      return label === undefined ? [] : seats.map((number) => `${id}-${label}-${number}`)
    })

// For guests of the house, until it releases them.
const houseSeats = [...seatIds('P2', () => 2, [8, 9, 10, 11]), ...seatIds('P4', () => 2, [8, 9, 10, 11])]

const performance = (id: string, name: string, startsAt: string, factor: number, blocked: string[]) => ({
  id,
  name,
  startsAt,
  room: 'demo',
  tiers: [
    { id: 'premium', name: 'Premium', price: 14_500 * factor, fee: 650 },
    { id: 'gold', name: 'Gold', price: 10_500 * factor, fee: 550 },
    { id: 'silver', name: 'Silver', price: 7_500 * factor, fee: 450 },
    { id: 'bronze', name: 'Bronze', price: 4_900 * factor, fee: 350 },
    { id: 'balcony', name: 'Balcony', price: 2_900 * factor, fee: 250 },
  ],
  blocked,
  house: houseSeats,
  accessible: 'kept',
})

// The sound desk takes seats in the middle of the parterre at the evening.
const soundDesk = Array.from({ length: 10 }, (_, index) => `P3-N-${14 + index}`)

const file = {
  format: 'foyer-event/1',
  event: {
    id: 'winter-lights',
    name: 'Winter Lights',
    description:
      'Choirs, brass and ten thousand lanterns: two hours of light in the darkest week of the year.',
    venue: 'The Round Hall',
    currency: 'EUR',
  },
  performances: [
    performance('matinee', 'Matinee', '2026-12-19T14:00:00Z', 0.8, []),
    performance('evening', 'Evening', '2026-12-19T19:30:00Z', 1, soundDesk),
  ],
  hall: {
    id: 'round-hall',
    name: 'The Round Hall',
    sections,
    stage: { x: 0, y: 0 },
    accessible: [...seatIds('P', (rows) => rows - 1, [1, 2, 3]), ...seatIds('S', (rows) => rows - 1, [1, 2])],
  },
}

await writeFile(new URL('event.json', import.meta.url), `${print(file, 0)}\n`)

/** JSON with one row of seats a line, and short lists and objects on one line. */
function print(value: unknown, depth: number): string {
  const flat = JSON.stringify(value, null, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/(?<=\[) | (?=\])/g, '')
  if (typeof value !== 'object' || value === null || flat.length + depth * 2 <= 108) return flat
  const pad = '  '.repeat(depth + 1)
  const inner = Array.isArray(value)
    ? value.map((item) => pad + print(item, depth + 1))
    : Object.entries(value).map(([name, item]) => `${pad}${JSON.stringify(name)}: ${print(item, depth + 1)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${inner.join(',\n')}\n${'  '.repeat(depth)}${close}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
