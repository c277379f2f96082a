// What a stream tells its client next: one view and one snapshot in, at most one event out.

import { expect, test } from 'vitest'
import { nextTurn, readEventId, writeEvent, type Told } from '../../../edge/stream-turn.ts'
import { writeRetry } from '../../../src/http/event-body.ts'
import type { RoomState } from '../../../src/redis/queue.ts'

const AT = 1_800_000_000_000
const viewAt = (position: number | null, state = 'waiting') => ({ state, epoch: 4, position, etaSeconds: 9 })
const snapshotOf = (changes: { epoch?: number; at?: number; state?: RoomState } = {}) => ({
  epoch: 4,
  at: AT,
  state: 'open' as const,
  ...changes,
})
const turnOf = (
  view: ReturnType<typeof viewAt>,
  { state, ...snapshot }: { epoch: number; at: number; state: RoomState },
  heard: Told | undefined,
) => nextTurn({ ...view, roomState: state }, snapshot, heard)
const told = (changes: Partial<Told> = {}): Told => ({
  epoch: 4,
  at: AT - 1_000,
  position: 7,
  roomState: 'open',
  ...changes,
})

test('the first event tells the whole view and the state of the room', () => {
  const { event, next } = turnOf(viewAt(7), snapshotOf(), undefined)
  expect(next).toBe('goes_on')
  expect(event).toEqual({
    name: 'waiting',
    told: told({ at: AT }),
    data: { state: 'waiting', epoch: 4, position: 7, etaSeconds: 9, roomState: 'open' },
  })
})

test('what the client has heard is not repeated, whatever became of the expected wait', () => {
  expect(turnOf({ ...viewAt(7), etaSeconds: 1_000 }, snapshotOf(), told())).toEqual({ next: 'goes_on' })
})

test('a lower position and another state of the room are news', () => {
  expect(turnOf(viewAt(6), snapshotOf(), told()).event?.data.position).toBe(6)
  expect(turnOf(viewAt(7), snapshotOf({ state: 'paused' }), told()).event?.data.roomState).toBe('paused')
  expect(turnOf(viewAt(7), snapshotOf(), told({ roomState: 'paused' })).event?.data.roomState).toBe('open')
})

test('a position that was told never rises', () => {
  expect(turnOf(viewAt(9), snapshotOf(), told())).toEqual({ next: 'goes_on' })
  expect(turnOf(viewAt(9), snapshotOf({ state: 'paused' }), told()).event?.data.position).toBe(7)
})

test('the call ends the stream, is told to one who had heard it, and in a room that is over', () => {
  for (const [state, heard] of [
    ['open', told()],
    ['open', told({ position: 1 })],
    ['sold_out', undefined],
    ['closed', told()],
  ] as const) {
    const turn = turnOf(viewAt(1, 'called'), snapshotOf({ state }), heard)
    expect([turn.event?.name, turn.next]).toEqual(['admitted', 'claim'])
  }
})

test('a room that is over is told once, and ends the stream', () => {
  for (const state of ['closed', 'sold_out'] as const) {
    const turn = turnOf(viewAt(7), snapshotOf({ state }), told())
    expect([turn.event?.name, turn.event?.data.roomState, turn.next]).toEqual(['waiting', state, 'over'])
    expect(turnOf(viewAt(7), snapshotOf({ state }), told({ roomState: state }))).toEqual({ next: 'over' })
  }
})

test('a place that the store has forgotten ends the stream without an event, also where it seems called', () => {
  expect(turnOf(viewAt(1, 'called'), snapshotOf({ epoch: 5 }), told())).toEqual({ next: 'rejoin' })
})

test('what another isolate told is not taken back by an older snapshot', () => {
  expect(turnOf(viewAt(7), snapshotOf(), told({ at: AT + 1, roomState: 'paused' }))).toEqual({
    next: 'goes_on',
  })
  expect(turnOf(viewAt(7), snapshotOf({ at: AT + 9_000 }), told({ epoch: 5 }))).toEqual({ next: 'goes_on' })
})

test('what was told of an earlier epoch does not hold this one back', () => {
  const { event } = turnOf(viewAt(9), snapshotOf(), told({ epoch: 3, at: AT + 5_000 }))
  expect(event?.data.position).toBe(9)
})

test('an entry in a draw has no position, and its first place in the line is news', () => {
  expect(turnOf(viewAt(null, 'entered'), snapshotOf({ state: 'prequeue' }), undefined).event).toMatchObject({
    name: 'waiting',
    data: { position: null, roomState: 'prequeue' },
  })
  const entered = told({ position: null, roomState: 'prequeue' })
  expect(turnOf(viewAt(null, 'entered'), snapshotOf({ state: 'prequeue' }), entered).event).toBeUndefined()
  expect(turnOf(viewAt(800), snapshotOf(), entered).event?.data.position).toBe(800)
})

test('an id holds all that was told; anything else is as none', () => {
  for (const heard of [
    told(),
    told({ position: null, roomState: 'prequeue' }),
    told({ roomState: 'sold_out' }),
  ]) {
    const { event } = turnOf(
      viewAt(heard.position),
      { ...snapshotOf(), state: heard.roomState as RoomState },
      undefined,
    )
    if (event === undefined) throw new Error('there is an event')
    const id = /^id: (.*)$/m.exec(writeEvent(event))?.[1]
    expect(readEventId(id)).toEqual(event.told)
  }
  for (const header of [
    undefined,
    '',
    '4',
    '4-1-7',
    '-4-1-7-open',
    '4-1-7-open-',
    `${'9'.repeat(30)}-1-7-open`,
  ]) {
    expect(readEventId(header)).toBeUndefined()
  }
})

test('an event is one block of lines, and its data one line of JSON', () => {
  const data = { ...viewAt(7), visitor: 'line\nbreak', roomState: 'open' as const }
  expect(writeEvent({ name: 'waiting', told: told(), data })).toBe(
    `event: waiting\nid: 4-${AT - 1_000}-7-open\ndata: ${JSON.stringify(data)}\n\n`,
  )
  expect(writeRetry(2_345.6)).toBe('retry: 2346\n\n')
})
