// Slots of streams: bounded in all, an address and a visitor, and given back also by a stream that died without a word.

import { expect, test } from 'vitest'
import { StreamSlots } from '../../../src/http/stream-slots.ts'
import { parseVisitorId, type VisitorId } from '../../../src/ids.ts'

function visitor(n: number): VisitorId {
  const id = parseVisitorId(`visitor-of-the-test-${n}`)
  if (id === undefined) throw new Error('an id')
  return id
}

/** A slot that has to be there. */
function taken(slots: StreamSlots, n: number, nowMs = 0, address?: string) {
  const slot = slots.take({ visitor: visitor(n), address }, nowMs)
  if (slot === undefined) throw new Error('no slot')
  return slot
}

test('there are as many as the limit, and one that is given back is free, once', () => {
  const slots = new StreamSlots(2)
  const first = taken(slots, 1)
  taken(slots, 2)
  expect(slots.take({ visitor: visitor(3), address: undefined }, 0)).toBeUndefined()
  slots.release(first)
  slots.release(first)
  taken(slots, 3)
  expect(slots.take({ visitor: visitor(4), address: undefined }, 0)).toBeUndefined()
})

test('a fourth stream of one visitor ends the oldest and takes nothing from others', () => {
  const slots = new StreamSlots(4)
  const own = [taken(slots, 1), taken(slots, 1), taken(slots, 1)]
  const other = taken(slots, 2)
  const fourth = taken(slots, 1)
  expect([...own, other, fourth].map((slot) => slots.keep(slot, 0))).toEqual([false, true, true, true, true])
})

test('a slot that is not kept is free after a while, and its stream learns of it', () => {
  const slots = new StreamSlots(2)
  const [dead, alive] = [taken(slots, 1), taken(slots, 2)]
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 1_000) slots.keep(alive, nowMs)
  taken(slots, 3, 20_000)
  expect(slots.keep(dead, 20_000)).toBe(false)
  expect(slots.keep(alive, 20_000)).toBe(true)
})

test('an address has its share, and no other address or visitor without one loses by it', () => {
  const slots = new StreamSlots(100)
  const crowd = Array.from({ length: 20 }, (_, n) => taken(slots, n, 0, '203.0.113.9'))
  const [first] = crowd
  if (first === undefined) throw new Error('they were taken')
  const late = { visitor: visitor(50), address: '203.0.113.9' }
  expect(slots.take(late, 0)).toBeUndefined()
  taken(slots, 51, 0, '203.0.113.10')
  for (let n = 52; n < 80; n += 1) taken(slots, n)
  slots.release(first)
  expect(slots.take(late, 0)).toBeDefined()
  // A visitor's own oldest makes room for one more of the same visitor, also in a full address.
  taken(slots, 50, 0, '203.0.113.11')
  taken(slots, 50, 0, '203.0.113.11')
  taken(slots, 50, 0, '203.0.113.9')
  // Slots that were not kept count no more.
  taken(slots, 90, 20_000, '203.0.113.9')
})
