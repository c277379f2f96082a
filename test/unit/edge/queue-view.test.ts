// What a visitor is told where nobody is called: that it is so, and to look seldom, but in time for the opening.

import { expect, test } from 'vitest'
import { queueView, viewOf } from '../../../edge/queue-view.ts'
import { parseRooms } from '../../../src/config/room.ts'
import { parseVisitorId } from '../../../src/ids.ts'
import type { RoomState, Snapshot } from '../../../src/redis/queue.ts'
import type { QueueClaims } from '../../../src/tokens/queue-token.ts'

const AT = 1_800_000_000_000
const [room] = parseRooms({ demo: {} }).values()
const visitor = parseVisitorId('visitor-of-this-test')
if (room === undefined || visitor === undefined) throw new Error('both are valid')

const claims: QueueClaims = {
  room: room.id,
  visitor,
  sale: 'default',
  epoch: 1,
  place: AT * 1_000 - 5,
  ahead: 0,
  calledTotal: 0,
  leftTotal: 0,
}

function snapshotOf(state: RoomState, changes: Partial<Snapshot> = {}): Snapshot {
  return {
    room: 'demo',
    sale: 'default',
    epoch: 1,
    at: AT,
    state,
    prequeueAt: null,
    startsAt: null,
    endsAt: null,
    serving: 0,
    waiting: 1,
    called: 0,
    sessions: 0,
    calledTotal: 0,
    leftTotal: 0,
    departures: [],
    ratePerMinute: 200,
    free: 200,
    admittedPerMinute: 0,
    front: [claims.place],
    stock: null,
    draw: null,
    message: '',
    pollAfterMs: 5_000,
    degraded: false,
    ...changes,
  }
}

/** The views of the luckiest, the middle and the last of those who look at the same time. */
const viewsIn = (snapshot: Snapshot, more: Partial<QueueClaims> = {}) =>
  [0, 0.5, 0.999].map((random) =>
    queueView.parse(viewOf({ ...claims, ...more }, snapshot, { room, random: () => random })),
  )
const pausesIn = (...args: Parameters<typeof viewsIn>) => viewsIn(...args).map((view) => view.pollAfterMs)

test.each(['idle', 'prequeue', 'open', 'paused', 'recovering', 'sold_out', 'closed', 'suspended'] as const)(
  'the state of the room is told: %s',
  (state) => {
    expect(viewsIn(snapshotOf(state)).map((view) => view.roomState)).toEqual([state, state, state])
  },
)

test.each(['idle', 'sold_out', 'closed'] as const)('in a room that is %s no wait is promised', (state) => {
  expect(viewsIn(snapshotOf(state))[0]?.etaSeconds).toBeNull()
})

test.each(['idle', 'prequeue', 'sold_out', 'closed'] as const)(
  'in a room that is %s even the first in line looks every 20 s, also where the last seats are going',
  (state) => {
    expect(pausesIn(snapshotOf(state, { pollAfterMs: 2_500 }))).toEqual([16_000, 20_000, 23_992])
  },
)

test('the wait in the pre-queue counts from the opening, and nobody knows its end', () => {
  const [view] = viewsIn(snapshotOf('prequeue', { startsAt: AT + 90_000 }))
  expect(view?.etaSeconds).toEqual({ low: 91, high: null })
})

test.each([
  ['a place', {}],
  ['an entry', { entry: { number: 1, entries: 9, head: 'f'.repeat(64) } }],
])('with %s nobody sleeps past the opening, and not all wake at once', (_, more) => {
  expect(pausesIn(snapshotOf('prequeue', { startsAt: AT + 90_000 }), more)).toEqual([16_000, 20_000, 23_992])
  expect(pausesIn(snapshotOf('prequeue', { startsAt: AT + 7_000 }), more)).toEqual([7_000, 9_500, 11_995])
  expect(pausesIn(snapshotOf('prequeue', { startsAt: AT + 17_000 }), more)).toEqual([16_000, 19_500, 21_995])
  // So near that the snapshot may not know of it yet.
  expect(pausesIn(snapshotOf('prequeue', { startsAt: AT + 100 }), more)).toEqual([2_000, 2_600, 5_095])
})

test('in a paused room the front looks every five seconds or less often; who is far away as ever', () => {
  for (const pause of pausesIn(snapshotOf('paused'))) expect(pause).toBeGreaterThanOrEqual(5_000)
  const far = snapshotOf('paused', { front: [], waiting: 9_000 })
  expect(pausesIn(far, { ahead: 5_000 })[1]).toBe(20_000)
  expect(pausesIn(snapshotOf('open'))[1]).toBe(2_000)
})
