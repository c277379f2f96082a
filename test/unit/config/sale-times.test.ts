// The floor of a sale voids every place below it, so one that lies behind the first places would turn everyone away.
import { expect, test } from 'vitest'
import { findUnfitTimes } from '../../../edge/settings-change.ts'
import { ConfigError } from '../../../src/config/fault.ts'
import { parseRooms, type LiveSettings, type Room } from '../../../src/config/room.ts'

const nowMs = Date.parse('2026-11-20T12:00:00Z')
const faultsOf = (settings: object, at = nowMs): readonly string[] => {
  try {
    parseRooms({ demo: settings }, { nowMs: at })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}
const sale = (floor: string) => ({ sale: { name: 'winter', floor } })

test('a floor after the first places of a sale is a fault', () => {
  const start = { event_start_time: '2026-12-01T09:00:00Z' }
  expect(faultsOf({ ...start, ...sale('2026-12-01T09:00:01Z') })).toEqual([
    'ROOMS.demo.sale.floor = "2026-12-01T09:00:01Z": must not be after event_start_time ("2026-12-01T09:00:00Z"): places that are given before the floor are void',
  ])
  const both = { ...start, prequeue_start_time: '2026-12-01T08:00:00Z' }
  expect(faultsOf({ ...both, ...sale('2026-12-01T08:30:00Z') })).toEqual([
    'ROOMS.demo.sale.floor = "2026-12-01T08:30:00Z": must not be after prequeue_start_time ("2026-12-01T08:00:00Z"): places that are given before the floor are void',
  ])
})

test('a floor at the first places, or before them however far ahead they are, is accepted', () => {
  expect(
    faultsOf({ event_start_time: '2027-12-01T09:00:00Z', ...sale('2027-12-01T10:00:00+01:00') }),
  ).toEqual([])
  const prequeue = '2027-12-01T08:00:00Z'
  expect(
    faultsOf({ event_start_time: '2027-12-01T09:00:00Z', prequeue_start_time: prequeue, ...sale(prequeue) }),
  ).toEqual([])
})

test('without times a floor may lie a day ahead of the clock, and no more', () => {
  expect(faultsOf(sale('2026-11-21T12:00:00Z'))).toEqual([])
  expect(faultsOf(sale('2026-11-21T12:00:01Z'))).toEqual([
    'ROOMS.demo.sale.floor = "2026-11-21T12:00:01Z": must not be more than a day ahead where no event_start_time is set: places that are given before the floor are void',
  ])
})

test('a clock that does not run takes no site down', () => {
  expect(faultsOf(sale('2026-11-01T00:00:00Z'), 0)).toEqual([])
})

test('a sale that is over by its own times is accepted still', () => {
  expect(
    faultsOf({
      event_start_time: '2026-10-01T09:00:00Z',
      event_end_time: '2026-10-02T09:00:00Z',
      ...sale('2026-10-01T00:00:00Z'),
    }),
  ).toEqual([])
})

const lottery = {
  queueing_method: 'lottery',
  prequeue_start_time: '2026-12-01T08:00:00Z',
  event_start_time: '2026-12-01T09:00:00Z',
  event_end_time: '2026-12-01T18:00:00Z',
  ...sale('2026-12-01T07:00:00Z'),
}
const roomOf = (settings: object): Room => {
  const [room] = parseRooms({ demo: settings }, { nowMs }).values()
  if (room === undefined) throw new Error('parseRooms returns the room that it was given')
  return room
}
const unfit = (change: object, live: LiveSettings = {}) =>
  findUnfitTimes(change, { room: roomOf(lottery), live, nowMs })

test('a live change must leave times that fit, by the field that was sent', () => {
  expect(unfit({ event_start_time: '2026-12-01T07:30:00Z' })).toEqual([
    {
      field: '/event_start_time',
      message:
        'leaves prequeue_start_time = "2026-12-01T08:00:00Z", which must be before event_start_time ("2026-12-01T07:30:00Z")',
    },
  ])
  expect(unfit({ event_end_time: '2026-12-01T09:00:00Z' })).toEqual([
    { field: '/event_end_time', message: 'must be after event_start_time ("2026-12-01T09:00:00Z")' },
  ])
  expect(unfit({ event_start_time: '2026-12-01T08:30:00Z' })).toEqual([])
})

test('a live start before the floor is refused', () => {
  const room = roomOf({ ...sale('2026-11-20T00:00:00Z') })
  const change = { event_start_time: '2026-11-19T00:00:00Z' }
  expect(findUnfitTimes(change, { room, live: {}, nowMs })).toEqual([
    {
      field: '/event_start_time',
      message:
        'leaves sale.floor = "2026-11-20T00:00:00Z", which must not be after event_start_time ("2026-11-19T00:00:00Z"): places that are given before the floor are void',
    },
  ])
})

test('a live change is compared with what is live, and clearing with what is deployed', () => {
  const live = { event_start_time: '2026-12-01T20:00:00Z', event_end_time: '2026-12-01T22:00:00Z' }
  expect(unfit({ event_end_time: '2026-12-01T18:30:00Z' }, live)).toHaveLength(1)
  expect(unfit({ event_end_time: null }, live)).toEqual([
    { field: '/event_end_time', message: expect.stringContaining('must be after event_start_time') },
  ])
  expect(unfit({ event_start_time: null, event_end_time: null }, live)).toEqual([])
})

test('times that do not fit already keep the operator from nothing else', () => {
  const live = { event_start_time: '2026-12-01T20:00:00Z' }
  expect(unfit({ paused: true }, live)).toEqual([])
  expect(unfit({ event_end_time: '2026-12-02T00:00:00Z' }, live)).toEqual([])
})
