// Slots of streams: bounded in all and a visitor, and given back also by a stream that died without a word.

import { expect, test } from 'vitest'
import { StreamSlots } from '../../../edge/stream-slots.ts'
import { parseVisitorId, type VisitorId } from '../../../src/ids.ts'

function visitor(n: number): VisitorId {
  const id = parseVisitorId(`visitor-of-the-test-${n}`)
  if (id === undefined) throw new Error('an id')
  return id
}

/** A slot that has to be there. */
function taken(slots: StreamSlots, n: number, nowMs = 0) {
  const slot = slots.take(visitor(n), nowMs)
  if (slot === undefined) throw new Error('no slot')
  return slot
}

test('there are as many as the limit, and one that is given back is free, once', () => {
  const slots = new StreamSlots(2)
  const first = taken(slots, 1)
  taken(slots, 2)
  expect(slots.take(visitor(3), 0)).toBeUndefined()
  slots.release(first)
  slots.release(first)
  taken(slots, 3)
  expect(slots.take(visitor(4), 0)).toBeUndefined()
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
