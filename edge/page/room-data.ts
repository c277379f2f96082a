// Reads what the server sent into known shapes: the data in the page, the answer to `join`, the public snapshot.
// Called by `queue.ts` and `line.ts`. Unknown fields are ignored; a missing one that matters makes the whole undefined.

import type { PlaceProof, QueueView, Wait } from '../../src/queue/position.ts'

/** A place in this room's queue, and what was true when it was given; the base of every position. */
export interface Held extends PlaceProof {
  readonly visitor: string
  /** The wait as the server reckoned it, which knows the room's rate before anybody was called. */
  readonly eta: Wait | undefined
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
}

type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const numberOf = (value: unknown): number => (isNumber(value) ? value : 0)

/** The place in an answer to `join`, or in the page's own data; undefined where there is none. */
export function readHeld(value: unknown): Held | undefined {
  const { visitor, place, ahead, calledTotal, leftTotal, epoch, etaSeconds } = fieldsOf(value)
  if (!isNumber(place)) return undefined
  return {
    visitor: textOf(visitor),
    place,
    ahead: numberOf(ahead),
    calledTotal: numberOf(calledTotal),
    leftTotal: numberOf(leftTotal),
    epoch: numberOf(epoch),
    eta: waitOf(etaSeconds),
  }
}

function waitOf(value: unknown): Wait | undefined {
  const { low, high } = fieldsOf(value)
  return isNumber(low) ? { low, high: isNumber(high) ? high : null } : undefined
}

export function readPageData(json: string): PageData {
  const { room, base, title, message, state, queue, claimWindowSeconds, lateGraceSeconds } = fieldsOf(
    JSON.parse(json),
  )
  return {
    room: textOf(room),
    base: textOf(base),
    title: textOf(title),
    message: textOf(message),
    state: textOf(state),
    queue: readHeld(queue),
    // The settings' defaults, for a Worker that does not tell them.
    claimWindowSeconds: isNumber(claimWindowSeconds) ? claimWindowSeconds : 30,
    lateGraceSeconds: isNumber(lateGraceSeconds) ? lateGraceSeconds : 600,
  }
}

const STATES = ['idle', 'open', 'paused', 'recovering', 'closed', 'sold_out', 'suspended'] as const

/** What this page reads of the public snapshot. */
export interface Snapshot extends QueueView {
  readonly state: (typeof STATES)[number]
  readonly admittedPerMinute: number
  readonly message: string
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
    leftTotal: numberOf(fields['leftTotal']),
    admittedPerMinute: numberOf(fields['admittedPerMinute']),
    front,
    message: textOf(fields['message']),
  }
}
