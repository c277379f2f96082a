// A small event for tests: one performance in room `demo`, a hall of 20 seats in two sections.
import type { z } from 'zod'
import type { eventFile } from '../../origin/import/event-file.ts'

export type EventInput = z.input<typeof eventFile>

export const PERFORMANCE = 'tiny-night'

export function smallEvent(): EventInput {
  return {
    format: 'foyer-event/1',
    event: { id: 'tiny', name: 'Tiny <Show>', description: 'Small', venue: 'Cellar', currency: 'EUR' },
    performances: [
      {
        id: 'night',
        name: 'Night',
        startsAt: '2026-12-24T20:00:00Z',
        room: 'demo',
        tiers: [
          { id: 'near', name: 'Near', price: 5_000, fee: 250 },
          { id: 'far', name: 'Far', price: 2_000, fee: 100 },
        ],
        blocked: ['B-1-10'],
        // Tests of accessible seats keep them.
        accessible: 'open',
      },
    ],
    hall: {
      id: 'cellar',
      name: 'Cellar',
      sections: [
        {
          id: 'A',
          name: 'Front',
          tier: 'near',
          rows: [
            { label: '1', count: 5, line: { x: 0, y: 0, dx: 4, dy: 0 } },
            { label: '2', count: 5, line: { x: 0, y: 1, dx: 4, dy: 0 } },
          ],
        },
        {
          id: 'B',
          name: 'Back',
          tier: 'far',
          rows: [{ label: '1', first: 1, count: 10, arc: { radius: 10, fromDegrees: 0, toDegrees: 90 } }],
        },
      ],
      accessible: ['A-2-1'],
    },
  }
}
