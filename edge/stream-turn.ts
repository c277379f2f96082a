// Decides what a stream tells its client next: what it has told, the visitor's view and the snapshot in, at most one
// event out. Also spells events as `text/event-stream`. No clock, no I/O; `routes/stream.ts` supplies both.

import type { RoomState } from '../src/redis/queue.ts'

/** Of the visitor's view, what is looked at here; all of it goes out as the event's data. */
export interface StreamView {
  readonly state: string
  /** Of the room, as the same snapshot tells it. */
  readonly roomState: RoomState
  /** Generation of the store that the token belongs to. */
  readonly epoch: number
  /** `null` where there is no line yet (an entry in a draw). */
  readonly position: number | null
}

/** The last thing that the client heard, in this stream or in the one before it. */
export interface Told {
  readonly epoch: number
  /** Time of the snapshot behind it (ms). */
  readonly at: number
  readonly position: number | null
  readonly roomState: string
}

export interface StreamEvent<View> {
  readonly name: 'waiting' | 'admitted'
  readonly told: Told
  readonly data: View
}

export interface StreamTurn<View> {
  readonly event?: StreamEvent<View>
  /** Anything but `goes_on` ends the stream: what is left to the client is to claim, to join again, or to wait longer. */
  readonly next: 'goes_on' | 'claim' | 'rejoin' | 'over'
}

/** Here nobody is called; whoever waits is told, and looks again now and then. */
const OVER: ReadonlySet<RoomState> = new Set(['closed', 'sold_out'])

/**
 * `waiting` where position or room changed, `admitted` as soon as the front has passed the place. A change of the
 * expected wait alone is no event: it moves with every second. Nothing where the store has forgotten the place: the next
 * request is told so by its status. Nothing either from a snapshot older than what was told, as another isolate may have.
 */
export function nextTurn<View extends StreamView>(
  view: View,
  snapshot: { readonly epoch: number; readonly at: number },
  told: Told | undefined,
): StreamTurn<View> {
  const { epoch, at } = snapshot
  const { roomState } = view
  if (view.epoch < epoch) return { next: 'rejoin' }
  if (told !== undefined && (epoch < told.epoch || (epoch === told.epoch && at < told.at))) {
    return { next: 'goes_on' }
  }
  const heard = told?.epoch === epoch ? told : undefined
  const position = lowest(view.position, heard?.position)
  const event = (name: StreamEvent<View>['name']): StreamEvent<View> => ({
    name,
    told: { epoch, at, position, roomState },
    data: { ...view, position },
  })
  // Also in a room that is over: nobody who was called is turned away.
  if (view.state === 'called' || view.state === 'admitted') return { event: event('admitted'), next: 'claim' }
  const next = OVER.has(roomState) ? 'over' : 'goes_on'
  const isNew = heard === undefined || heard.position !== position || heard.roomState !== roomState
  return isNew ? { event: event('waiting'), next } : { next }
}

/** A position that was told never rises, not even by the one place of a late return at the front. */
const lowest = (now: number | null, told: number | null | undefined): number | null =>
  now === null || told === null || told === undefined ? now : Math.min(now, told)

/** `id:` of an event; it holds all of `Told`, so that a stream can go on where another broke off. */
const idOf = ({ epoch, at, position, roomState }: Told): string =>
  `${epoch}-${at}-${position ?? ''}-${roomState}`

const EVENT_ID = /^(\d{1,15})-(\d{1,15})-(\d{0,15})-([a-z_]{1,20})$/

/** `Last-Event-ID` as it came; anything but an id of ours is as none. */
export function readEventId(header: string | undefined): Told | undefined {
  const [, epoch, at, position, roomState] = EVENT_ID.exec(header ?? '') ?? []
  if (roomState === undefined) return undefined
  return {
    epoch: Number(epoch),
    at: Number(at),
    position: position === '' ? null : Number(position),
    roomState,
  }
}

/** One event; JSON has no line breaks of its own. */
export const writeEvent = <View>({ name, told, data }: StreamEvent<View>): string =>
  `event: ${name}\nid: ${idOf(told)}\ndata: ${JSON.stringify(data)}\n\n`
