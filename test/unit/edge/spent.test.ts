import { expect, test } from 'vitest'
import { SpentPlaces } from '../../../edge/spent.ts'
import { parseSessionId, parseVisitorId, type SessionId } from '../../../src/ids.ts'
import { sessionIdFrom } from '../../../src/queue/session-id.ts'

function session(place: number): SessionId {
  const visitor = parseVisitorId('visitor-of-a-test-0')
  if (visitor === undefined) throw new Error('a visitor id of this form is valid')
  return sessionIdFrom(visitor, place)
}

test('the oldest place is forgotten when there are too many, and one that is shown again is the youngest', () => {
  const spent = new SpentPlaces(3)
  for (const place of [1, 2, 3, 1, 4]) spent.note(session(place))
  expect([1, 2, 3, 4].filter((place) => spent.has(session(place)))).toEqual([1, 3, 4])
})

test('who entered a quiet room has used no place and pushes none out; place 10 is a place', () => {
  const spent = new SpentPlaces(2)
  for (const place of [10, 20, 0]) spent.note(session(place))
  expect([10, 20, 0].filter((place) => spent.has(session(place)))).toEqual([10, 20])
})

test('another visitor at the same place is another session', () => {
  const spent = new SpentPlaces()
  spent.note(session(7))
  const other = parseSessionId('visitor-of-a-test-1-7')
  expect(other !== undefined && spent.has(other)).toBe(false)
})
