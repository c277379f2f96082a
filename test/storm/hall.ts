// The hall of the storms: rows of ten or more seats in two price tiers, some kept for those who need them, some blocked.
import type { EventInput } from '../origin/small-event.ts'

export const PERFORMANCE = 'storm-night'

export interface Hall {
  readonly event: EventInput
  /** Ids of the rows, each its seats from left to right. */
  readonly rows: readonly (readonly string[])[]
  readonly seats: number
}

export function stormHall({ rows, seatsInRow }: { rows: number; seatsInRow: number }): Hall {
  const front = Math.ceil(rows / 2)
  const section = (id: string, { tier, first, count }: { tier: string; first: number; count: number }) => ({
    id,
    name: id,
    tier,
    rows: Array.from({ length: count }, (_, row) => ({
      label: String(row + 1),
      count: seatsInRow,
      line: { x: 0, y: first + row, dx: seatsInRow - 1, dy: 0 },
    })),
  })
  const idsOf = (id: string, count: number) =>
    Array.from({ length: count }, (_, row) =>
      Array.from({ length: seatsInRow }, (_, seat) => `${id}-${row + 1}-${seat + 1}`),
    )
  return {
    rows: [...idsOf('A', front), ...idsOf('B', rows - front)],
    seats: rows * seatsInRow,
    event: {
      format: 'foyer-event/1',
      event: {
        id: 'storm',
        name: 'Storm',
        description: 'Everybody wants in',
        venue: 'Hall',
        currency: 'EUR',
      },
      performances: [
        {
          id: 'night',
          name: 'Night',
          startsAt: new Date(Date.now() + 30 * 24 * 3_600_000).toISOString(),
          room: 'demo',
          tiers: [
            { id: 'near', name: 'Near', price: 5_000, fee: 250 },
            { id: 'far', name: 'Far', price: 2_000, fee: 100 },
          ],
          blocked: ['B-1-1'],
        },
      ],
      hall: {
        id: 'storm',
        name: 'Hall',
        sections: [
          section('A', { tier: 'near', first: 0, count: front }),
          section('B', { tier: 'far', first: front, count: rows - front }),
        ],
        accessible: ['A-1-1', 'A-1-2'],
      },
    },
  }
}
