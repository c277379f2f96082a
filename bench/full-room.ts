// A room in which so many visitors wait, filled through the real join script. Used by the benchmark of the scripts and
// by tests at size. Rates are so high that the limits never decide: what is measured is the work of the scripts.

import { randomBytes } from 'node:crypto'
import { parseRooms, type Room } from '../src/config/room.ts'
import { parseRoomId, parseVisitorId, type VisitorId } from '../src/ids.ts'
import type { JoinOutcome, QueueStore, Seen } from '../src/redis/queue.ts'

/** Of one call: what `advance` calls at once in the benchmark. */
export const CALLED_AT_ONCE = 1_000
const FILL_BATCH = 1_000
/** Batches on their way at once: while Redis works on one, the next is written and the last is read. */
const FILL_AHEAD = 4
const NOTHING_SEEN: Seen = { epoch: 0, place: 0, serving: 0, settled: 0, sessions: 0 }

export interface FullRoom {
  readonly room: Room
  readonly size: number
  readonly seen: Seen
}

/** An id of the length that the edge derives (24 characters, base64url). */
export function randomVisitor(): VisitorId {
  const visitor = parseVisitorId(randomBytes(18).toString('base64url'))
  if (visitor === undefined) throw new Error('24 base64url characters are a visitor id')
  return visitor
}

/** A room of its own name. `settings` go before those that keep the limits out of the way. */
export function makeBenchRoom(settings: Record<string, unknown> = {}): Room {
  const id = parseRoomId(`bench-${randomBytes(6).toString('hex')}`)
  if (id === undefined) throw new Error('a room id of this form is valid')
  const open = {
    new_users_per_minute: 10_000_000,
    burst: CALLED_AT_ONCE,
    total_active_users: 10_000_000,
    claim_window: 600,
  }
  const room = parseRooms({ [id]: { ...open, ...settings } }).get(id)
  if (room === undefined) throw new Error('parseRooms returns the room that it was given')
  return room
}

/** Arms the room and lets `size` visitors join; `onJoined` sees them in order. */
export async function fillRoom(
  store: QueueStore,
  room: Room,
  size: number,
  onJoined: (visitors: readonly VisitorId[], outcomes: readonly JoinOutcome[]) => void = () => undefined,
): Promise<FullRoom> {
  await store.arm(room)
  const flights: Promise<void>[] = []
  for (let from = 0; from < size; from += FILL_BATCH) {
    const visitors = Array.from({ length: Math.min(FILL_BATCH, size - from) }, randomVisitor)
    const entries = visitors.map((visitor) => ({ visitor }))
    flights.push(
      store.join(room, entries, NOTHING_SEEN).then((outcomes) => {
        if (outcomes.some(({ status }) => status !== 'waiting')) throw new Error('a newcomer waits')
        onJoined(visitors, outcomes)
      }),
    )
    if (flights.length >= FILL_AHEAD) await flights.shift()
  }
  await Promise.all(flights)
  return { room, size, seen: NOTHING_SEEN }
}
