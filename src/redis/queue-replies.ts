// What the queue scripts answer, parsed: flat arrays of text in, the outcomes of queue.ts out. Used by queue.ts alone.
// A reply of another shape is a bug in a script and throws; nothing here talks to Redis.

import { z } from 'zod'
import { liveSettings, type LiveSettings } from '../config/room.ts'
import { msToRfc3339 } from '../time.ts'
import type {
  ClaimOutcome,
  DrawProgress,
  EnterOutcome,
  JoinOutcome,
  RenewOutcome,
  SettingChange,
  SnapshotDocument,
} from './queue.ts'

const wholeNumber = z.string().regex(/^\d+$/).transform(Number)
const integer = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number)
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

const joinHead = z.tuple([wholeNumber, integer, wholeNumber, z.string()])
const joinRow = z.tuple([
  z.enum(['waiting', 'called', 'admitted', 'entered', 'missed', 'idle', 'closed', 'sold_out', 'below_floor']),
  wholeNumber,
  wholeNumber,
  integer,
])

export function parseJoin(reply: unknown, entries: number): JoinOutcome[] {
  const list = texts.parse(reply)
  const [epoch, calledTotal, drawEntries, head] = joinHead.parse(list.slice(0, 4))
  return rows(joinRow, 4, list.slice(4), entries).map(([status, place, ahead, leftTotal]): JoinOutcome => {
    switch (status) {
      case 'waiting':
      case 'called':
        return { status, place, ahead, calledTotal, leftTotal, epoch }
      case 'admitted':
        return { status, place, calledTotal, leftTotal, epoch }
      case 'entered':
        return { status, place, number: ahead, entries: drawEntries, head, calledTotal, leftTotal, epoch }
      case 'missed':
        return { status }
      case 'idle':
      case 'closed':
      case 'sold_out':
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

// An override that is not set is left out, never `undefined`. Times are stored as ms since 1970.
const { shape } = liveSettings
const storedTime = z.number().transform(msToRfc3339).exactOptional()
const overrides = z.strictObject({
  total_active_users: shape.total_active_users.exactOptional(),
  new_users_per_minute: shape.new_users_per_minute.exactOptional(),
  burst: shape.burst.exactOptional(),
  pacing: shape.pacing.exactOptional(),
  headroom_min: shape.headroom_min.exactOptional(),
  headroom_share: shape.headroom_share.exactOptional(),
  event_start_time: storedTime,
  event_end_time: storedTime,
  paused: shape.paused.exactOptional(),
  sold_out: shape.sold_out.exactOptional(),
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
    state: z.enum(['idle', 'prequeue', 'drawing', 'open', 'paused', 'recovering', 'closed', 'sold_out']),
    prequeueAt: count.nullable(),
    startsAt: count.nullable(),
    endsAt: count.nullable(),
    serving: count,
    waiting: count,
    called: count,
    sessions: count,
    calledTotal: z.number().int(),
    leftTotal: z.number().int(),
    departures: z.array(z.tuple([count, count, z.number().int()])),
    ratePerMinute: z.number().min(0),
    free: count,
    admittedPerMinute: z.number().min(0),
    front: z.array(count),
    stock: z.object({ left: count, held: count }).nullable(),
    draw: z
      .object({
        commitment: z.string().nullable(),
        head: z.string().nullable(),
        entries: count,
        header: z.string().nullable(),
        round: count.nullable(),
        beacon: z.string().nullable(),
        secret: z.string().nullable(),
        complete: z.boolean(),
      })
      .nullable(),
    message: z.string(),
    pollAfterMs: count,
    degraded: z.boolean(),
  }),
  live: overrides,
  liveAt: count,
  settled: count,
  ended: count,
  absent: count,
  drawState: z.object({ base: count, closed: count, drawnEpoch: count }).nullable(),
  quiet: z.boolean(),
})

export const parseSnapshotDocument = (reply: unknown): SnapshotDocument =>
  snapshotDocument.parse(JSON.parse(z.string().parse(reply)))

const drawHead = z.tuple([
  z.enum(['page', 'beacon', 'busy', 'done', 'over']),
  wholeNumber,
  z.string(),
  z.string(),
  wholeNumber,
  z.string(),
])

export function parseDraw(reply: unknown): DrawProgress {
  const list = texts.parse(reply)
  const [status, nowMs, head, header, round, beacon] = drawHead.parse(list.slice(0, 6))
  return {
    status,
    nowMs,
    head,
    header,
    round: round === 0 ? null : round,
    beacon: beacon === '' ? null : beacon,
    visitors: list.slice(6),
  }
}

export const parseArmed = (reply: unknown): 'armed' | 'known' => z.enum(['armed', 'known']).parse(reply)

const change = z.object({ at: count, setting: z.string(), value: z.unknown() })
export const parseLog = (reply: unknown): SettingChange[] =>
  texts.parse(reply).map((entry) => {
    const { at, setting, value } = change.parse(JSON.parse(entry))
    return { at, setting, value: shownValue(setting, value) }
  })

/** Times are stored in ms since 1970 and shown in RFC 3339, as they were set; `restored` holds several settings. */
function shownValue(setting: string, value: unknown): unknown {
  if (setting.endsWith('_time') && typeof value === 'number') return msToRfc3339(value)
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shownValue(name, part)]))
}

/** `[setting, JSON, setting, JSON, …]` → the overrides in force. */
export function parseOverrides(reply: unknown): LiveSettings {
  const list = texts.parse(reply)
  const live: Record<string, unknown> = {}
  for (const [i, setting] of list.entries()) {
    if (i % 2 === 0) live[setting] = JSON.parse(list[i + 1] ?? 'null')
  }
  return overrides.parse(live)
}
