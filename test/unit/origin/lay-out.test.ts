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

test('each row is a run with its tier and the distance of its middle seat from the stage', () => {
  const { sections } = laidOut()
  expect(sections.map(({ runs }) => runs)).toEqual([
    [
      { row: '1', tier: 'near', firstOrdinal: 0, count: 5, distance: 2 },
      { row: '2', tier: 'near', firstOrdinal: 5, count: 5, distance: 2.24 },
    ],
    [{ row: '1', tier: 'far', firstOrdinal: 10, count: 10, distance: 10 }],
  ])
  const event = smallEvent()
  event.hall.stage = { x: 2, y: 3 }
  expect(layOut(eventFile.parse(event).hall).sections[0]?.runs.map(({ distance }) => distance)).toEqual([
    3, 2,
  ])
})

test('an area has as many places as its capacity, numbered, without runs, in the middle of its box', () => {
  const event = smallEvent()
  const box = { x: 10, y: 20, width: 8, height: 4 }
  const area = { id: 'F', name: 'Floor', tier: 'far', kind: 'general' as const, capacity: 3 }
  event.hall.sections.splice(1, 0, { ...area, box }, { ...area, id: 'G' })
  const { seats, sections } = layOut(eventFile.parse(event).hall)
  expect(seats.slice(10, 13)).toEqual(
    [1, 2, 3].map((n) => ({
      ordinal: 9 + n,
      id: `F-GA-${n}`,
      section: 'F',
      row: 'GA',
      label: String(n),
      tier: 'far',
      x: 14,
      y: 22,
      accessible: false,
    })),
  )
  expect(sections.slice(0, 3).map(({ kind, firstOrdinal, count }) => [kind, firstOrdinal, count])).toEqual([
    ['seated', 0, 10],
    ['general', 10, 3],
    ['general', 13, 3],
  ])
  expect(sections[1]).toMatchObject({ ...box, runs: [] })
  expect(sections[1]?.outline).toEqual([
    [10, 20],
    [18, 20],
    [18, 24],
    [10, 24],
  ])
  expect(sections[2]).toMatchObject({ x: 0, y: 0, width: 0, height: 0, outline: [] })
})

test('a hall of 100,000 seats in one section is laid out', () => {
  const event = smallEvent()
  const rows = Array.from({ length: 1_000 }, (_, at) => ({
    label: `R${at}`,
    count: 100,
    line: { x: 0, y: at, dx: 99, dy: 0 },
  }))
  event.hall.sections = [{ id: 'A', name: 'All', tier: 'near', rows }]
  event.hall.accessible = []
  event.performances = event.performances.map((one) => ({ ...one, blocked: [] }))
  const { seats, sections } = layOut(eventFile.parse(event).hall)
  expect(seats).toHaveLength(100_000)
  expect(sections[0]).toMatchObject({ width: 99, height: 999, count: 100_000 })
})
