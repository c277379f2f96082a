// What the queue scripts answer, parsed: flat arrays of text in, the outcomes of queue.ts out. Used by queue.ts alone.
// A reply of another shape is a bug in a script and throws; nothing here talks to Redis.

import { z } from 'zod'
import { liveSettings, type LiveSettings } from '../config/room.ts'
import type { ClaimOutcome, EnterOutcome, JoinOutcome, RenewOutcome, SnapshotDocument } from './queue.ts'

const wholeNumber = z.string().regex(/^\d+$/).transform(Number)
const texts = z.array(z.string())

/** Cuts a flat reply into rows, one an entry, and refuses one of another length. */
function rows<T extends z.ZodType>(
  row: T,
  width: number,
  reply: readonly string[],
  entries: number,
): z.infer<T>[] {
  if (reply.length !== entries * width) {
    throw new Error(`a queue script answered ${reply.length} values for ${entries} entries of ${width}`)
  }
  return Array.from({ length: entries }, (_, i) => row.parse(reply.slice(i * width, (i + 1) * width)))
}

const joinHead = z.tuple([wholeNumber, wholeNumber, wholeNumber])
const joinRow = z.tuple([
  z.enum(['waiting', 'called', 'admitted', 'missed', 'closed', 'below_floor']),
  wholeNumber,
  wholeNumber,
])

export function parseJoin(reply: unknown, entries: number): JoinOutcome[] {
  const list = texts.parse(reply)
  const [epoch, calledTotal, leftTotal] = joinHead.parse(list.slice(0, 3))
  return rows(joinRow, 3, list.slice(3), entries).map(([status, place, ahead]): JoinOutcome => {
    switch (status) {
      case 'waiting':
      case 'called':
        return { status, place, ahead, calledTotal, leftTotal, epoch }
      case 'admitted':
        return { status, place, calledTotal, leftTotal, epoch }
      case 'missed':
        return { status }
      case 'closed':
      case 'below_floor':
        return { status: 'refused', reason: status }
    }
  })
}

const enterRow = z.tuple([z.enum(['entered', 'wait']), wholeNumber, wholeNumber])

export const parseEnter = (reply: unknown, entries: number): EnterOutcome[] =>
  rows(enterRow, 3, texts.parse(reply), entries).map(([status, startedAtMs, expiresAtMs]) =>
    status === 'entered' ? { status, startedAtMs, expiresAtMs } : { status },
  )

const claimRow = z.tuple([
  z.enum(['admitted', 'waiting', 'missed', 'unknown', 'ended']),
  wholeNumber,
  wholeNumber,
])

export const parseClaim = (reply: unknown, entries: number): ClaimOutcome[] =>
  rows(claimRow, 3, texts.parse(reply), entries).map(([status, startedAtMs, expiresAtMs]) =>
    status === 'admitted' ? { status, startedAtMs, expiresAtMs } : { status },
  )

const renewRow = z.tuple([z.enum(['renewed', 'ended']), wholeNumber])

export const parseRenew = (reply: unknown, entries: number): RenewOutcome[] =>
  rows(renewRow, 2, texts.parse(reply), entries).map(([status, expiresAtMs]) =>
    status === 'renewed' ? { status, expiresAtMs } : { status },
  )

// An override that is not set is left out, never `undefined`.
const { shape } = liveSettings
const overrides = z.strictObject({
  total_active_users: shape.total_active_users.exactOptional(),
  new_users_per_minute: shape.new_users_per_minute.exactOptional(),
  burst: shape.burst.exactOptional(),
  paused: shape.paused.exactOptional(),
  suspended: shape.suspended.exactOptional(),
  queue_all: shape.queue_all.exactOptional(),
  message: shape.message.exactOptional(),
})

const count = z.number().int().min(0)
const snapshotDocument = z.object({
  snapshot: z.object({
    room: z.string(),
    sale: z.string(),
    epoch: count,
    at: count,
    state: z.enum(['idle', 'open', 'paused', 'recovering', 'closed', 'sold_out']),
    serving: count,
    waiting: count,
    called: count,
    sessions: count,
    calledTotal: count,
    leftTotal: count,
    admittedPerMinute: z.number().min(0),
    front: z.array(count),
    stock: z.null(),
    message: z.string(),
    pollAfterMs: count,
    degraded: z.boolean(),
  }),
  live: overrides,
  quiet: z.boolean(),
})

export const parseSnapshotDocument = (reply: unknown): SnapshotDocument =>
  snapshotDocument.parse(JSON.parse(z.string().parse(reply)))

/** `[setting, JSON, setting, JSON, …]` → the overrides in force. */
export function parseOverrides(reply: unknown): LiveSettings {
  const list = texts.parse(reply)
  const live: Record<string, unknown> = {}
  for (const [i, setting] of list.entries()) {
    if (i % 2 === 0) live[setting] = JSON.parse(list[i + 1] ?? 'null')
  }
  return overrides.parse(live)
}
