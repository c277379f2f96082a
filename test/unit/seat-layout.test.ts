// The layout of a hall as the seat scripts read it: areas first, then runs from the nearest to the farthest.

import { expect, test } from 'vitest'
import { layoutText, type LayoutSection } from '../../src/redis/seat-layout.ts'

const seated = (
  id: string,
  runs: readonly { first: number; count: number; distance: number; tier?: string }[],
) =>
  ({
    id,
    kind: 'seated',
    firstOrdinal: runs[0]?.first ?? 0,
    seatCount: runs.reduce((sum, { count }) => sum + count, 0),
    tierId: 'gold',
    runs: runs.map(({ first, count, distance, tier = 'gold' }, row) => ({
      row: String(row),
      tier,
      firstOrdinal: first,
      count,
      distance,
    })),
  }) satisfies LayoutSection

test('runs stand by distance, with their place by ordinal and their rank of a thousand, behind the areas', () => {
  const sections: LayoutSection[] = [
    seated('A', [
      { first: 0, count: 10, distance: 12.5 },
      { first: 10, count: 11, distance: 15, tier: 'silver' },
    ]),
    { id: 'L', kind: 'general', firstOrdinal: 21, seatCount: 500, tierId: 'lawn', runs: [] },
    seated('B', [{ first: 521, count: 4, distance: 10 }]),
  ]
  expect(layoutText(sections)).toBe(
    'g 0 21 500 0 lawn L\ns 2 521 4 0 gold B\ns 0 0 10 500 gold A\ns 1 10 11 1000 silver A\n',
  )
})

test('sections in another order make the same text, and runs of one distance stand by ordinal', () => {
  const sections = [
    seated('A', [{ first: 0, count: 2, distance: 7 }]),
    seated('B', [{ first: 2, count: 2, distance: 7 }]),
  ]
  expect(layoutText(sections)).toBe('s 0 0 2 0 gold A\ns 1 2 2 0 gold B\n')
  expect(layoutText(sections.toReversed())).toBe(layoutText(sections))
})

test('an id that would break the lines is refused', () => {
  expect(() => layoutText([seated('a b', [{ first: 0, count: 1, distance: 0 }])])).toThrow(RangeError)
  expect(() => layoutText([seated('', [{ first: 0, count: 1, distance: 0 }])])).toThrow(RangeError)
})

test('a hall of 100,000 seats in rows of 20 takes less than 256 KB', () => {
  const runs = Array.from({ length: 5_000 }, (_, row) => ({ first: row * 20, count: 20, distance: row }))
  expect(layoutText([seated('LongestNameX', runs)]).length).toBeLessThan(256 * 1_024)
})
