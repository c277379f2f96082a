// Reads what the server sent into known shapes: the data in the page, the answer to `join`, the public snapshot.
// Called by `queue.ts` and `line.ts`. Unknown fields are ignored; a missing one that matters makes the whole undefined.

import type { Pace, PlaceProof, QueueView } from '../../src/queue/position.ts'
import type { Times } from './stage.ts'

/** An entry in a draw: its number, how many there were when it was signed, and the head of their chain then. */
export interface Entry {
  readonly number: number
  readonly entries: number
  readonly head: string
}

/**
 * A place in this room's queue, and what was true when it was given; the base of every position. With `entry` it is no
 * place yet: `place` then only tells one entry from another.
 */
export interface Held extends PlaceProof {
  readonly visitor: string
  readonly entry: Entry | undefined
}

/** What the Worker wrote into the page. */
export interface PageData {
  readonly room: string
  /** Path of this room's queue API, without a slash at the end. */
  readonly base: string
  readonly title: string
  readonly message: string
  readonly state: string
  readonly queue: Held | undefined
  /** Seconds to come in once called. */
  readonly claimWindowSeconds: number
  /** Seconds of the one late return, counted from the first call. */
  readonly lateGraceSeconds: number
  /** When the page was written (ms since 1970), what it says of the room's times, and the draw. */
  readonly times: Times & { readonly at: number | undefined; readonly draw: Draw | null }
}

type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const numberOf = (value: unknown): number => (isNumber(value) ? value : 0)
const numberOrNull = (value: unknown): number | null => (isNumber(value) ? value : null)
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** The place or entry in an answer to `join`, or in the page's own data; undefined where there is neither. */
export function readHeld(value: unknown): Held | undefined {
  const { visitor, place, ahead, calledTotal, leftTotal, epoch, entry } = fieldsOf(value)
  const inDraw = readEntry(entry)
  if (!isNumber(place) && inDraw === undefined) return undefined
  return {
    visitor: textOf(visitor),
    place: isNumber(place) ? place : (inDraw?.number ?? 0),
    ahead: numberOf(ahead),
    calledTotal: numberOf(calledTotal),
    leftTotal: numberOf(leftTotal),
    epoch: numberOf(epoch),
    entry: inDraw,
  }
}

export function readEntry(value: unknown): Entry | undefined {
  const { number, entries, head } = fieldsOf(value)
  return isNumber(number) && number > 0
    ? { number, entries: Math.max(number, numberOf(entries)), head: textOf(head) }
    : undefined
}

export function readPageData(json: string): PageData {
  const fields = fieldsOf(JSON.parse(json))
  const { room, base, title, message, state, queue, claimWindowSeconds, lateGraceSeconds } = fields
  const times = fieldsOf(fields['times'])
  return {
    room: textOf(room),
    base: textOf(base),
    title: textOf(title),
    message: textOf(message),
    // Why the gate holds; to a visitor a room that takes nobody is a closed one.
    state: state === 'reject' ? 'closed' : textOf(state),
    queue: readHeld(queue),
    // The settings' defaults, for a Worker that does not tell them.
    claimWindowSeconds: isNumber(claimWindowSeconds) ? claimWindowSeconds : 30,
    lateGraceSeconds: isNumber(lateGraceSeconds) ? lateGraceSeconds : 600,
    times: {
      ...timesOf(times),
      at: isNumber(times['at']) ? times['at'] : undefined,
      draw: readDraw(times['draw']),
    },
  }
}

const STATES = [
  'idle',
  'prequeue',
  'drawing',
  'open',
  'paused',
  'recovering',
  'closed',
  'sold_out',
  'suspended',
] as const

/** The public side of a draw. Hashes in hex; `secret` and `beacon` are null until they are published. */
export interface Draw {
  readonly commitment: string | null
  readonly head: string
  readonly entries: number
  readonly round: number | null
  readonly beacon: string | null
  readonly secret: string | null
  readonly complete: boolean
  /** Where anybody can look the random number up; null without a beacon. */
  readonly beaconAddress: string | null
}

/** What this page reads of the public snapshot. */
export interface Snapshot extends QueueView, Pace, Times {
  readonly state: (typeof STATES)[number]
  readonly message: string
  readonly pollAfterMs: number
  readonly degraded: boolean
  readonly draw: Draw | null
}

/** The public snapshot; undefined when it is not one, or names a state that this page does not know. */
export function readSnapshot(value: unknown): Snapshot | undefined {
  const fields = fieldsOf(value)
  const state = STATES.find((known) => known === fields['state'])
  if (state === undefined || !isNumber(fields['epoch']) || !isNumber(fields['at'])) return undefined
  const front = Array.isArray(fields['front']) ? fields['front'].filter(isNumber) : []
  return {
    epoch: fields['epoch'],
    at: fields['at'],
    state,
    serving: numberOf(fields['serving']),
    waiting: numberOf(fields['waiting']),
    calledTotal: numberOf(fields['calledTotal']),
    departures: Array.isArray(fields['departures']) ? fields['departures'].filter(isRange) : [],
    ratePerMinute: numberOf(fields['ratePerMinute']),
    free: numberOf(fields['free']),
    admittedPerMinute: numberOf(fields['admittedPerMinute']),
    stock: readStock(fields['stock']),
    front,
    message: textOf(fields['message']),
    pollAfterMs: numberOf(fields['pollAfterMs']),
    degraded: fields['degraded'] === true,
    ...timesOf(fields),
    draw: readDraw(fields['draw']),
  }
}

const timesOf = (fields: Fields): Times => ({
  prequeueAt: numberOrNull(fields['prequeueAt']),
  startsAt: numberOrNull(fields['startsAt']),
  endsAt: numberOrNull(fields['endsAt']),
})

const isRange = (value: unknown): value is readonly [number, number, number] =>
  Array.isArray(value) && value.length === 3 && value.every(isNumber)

function readStock(value: unknown): { left: number } | null {
  const { left } = fieldsOf(value)
  return isNumber(left) ? { left } : null
}

function readDraw(value: unknown): Draw | null {
  const { commitment, head, header, entries, round, beacon, secret, complete } = fieldsOf(value)
  if (!isNumber(entries)) return null
  // The first line of the entry file names the beacon; only an address that a browser may be sent to.
  const [, url] = / beacon=(https:\/\/\S+)/.exec(textOf(header)) ?? []
  return {
    commitment: textOrNull(commitment),
    head: textOf(head),
    entries,
    round: numberOrNull(round),
    beacon: textOrNull(beacon),
    secret: textOrNull(secret),
    complete: complete === true,
    beaconAddress:
      url === undefined || !isNumber(round) ? null : `${url.replace(/\/+$/, '')}/public/${round}`,
  }
}
