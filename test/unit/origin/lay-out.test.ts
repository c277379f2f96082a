// Rows become seats: order, numbers and places on the map.
import { expect, test } from 'vitest'
import { eventFile } from '../../../origin/import/event-file.ts'
import { layOut } from '../../../origin/import/lay-out.ts'
import { smallEvent } from '../../origin/small-event.ts'

const laidOut = () => layOut(eventFile.parse(smallEvent()).hall)

test('ordinals follow sections, rows and numbers without a gap', () => {
  const { seats, sections } = laidOut()
  expect(seats.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 20 }, (_, index) => index))
  expect(seats.slice(4, 6).map(({ id }) => id)).toEqual(['A-1-5', 'A-2-1'])
  expect(sections.map(({ id, firstOrdinal, count }) => [id, firstOrdinal, count])).toEqual([
    ['A', 0, 10],
    ['B', 10, 10],
  ])
  expect(seats.filter(({ accessible }) => accessible).map(({ id }) => id)).toEqual(['A-2-1'])
})

test('a line is divided evenly and an arc runs from its first to its last angle', () => {
  const { seats } = laidOut()
  const at = (id: string) => {
    const seat = seats.find((one) => one.id === id)
    return [seat?.x, seat?.y]
  }
  expect(at('A-1-1')).toEqual([0, 0])
  expect(at('A-1-2')).toEqual([1, 0])
  expect(at('B-1-1')).toEqual([10, 0])
  expect(at('B-1-10')).toEqual([0, 10])
})

test('a section knows its box and its outline, and the outline of two rows goes around them', () => {
  const [front] = laidOut().sections
  expect(front).toMatchObject({ x: 0, y: 0, width: 4, height: 1 })
  expect(front?.outline.at(0)).toEqual([0, 0])
  expect(front?.outline.at(-1)).toEqual([0, 1])
  expect(front?.outline).toHaveLength(10)
})
