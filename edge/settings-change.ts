// What an operator may send to change a room while the sale runs, and whether it leaves times that fit together. Used by
// the admin routes and the API description. Two changes at the same moment are not compared with each other.

import { z } from 'zod'
import { liveSettings, type LiveSettings, type Room } from '../src/config/room.ts'
import { findTimeFaults } from '../src/config/sale-times.ts'
import type { FieldError } from '../src/problem.ts'

const { shape } = liveSettings
/** JSON Merge Patch (RFC 7396): what is left out stays, null returns to the baseline. */
export const settingsChange = z
  .strictObject({
    total_active_users: shape.total_active_users.nullable(),
    new_users_per_minute: shape.new_users_per_minute.nullable(),
    burst: shape.burst.nullable(),
    pacing: shape.pacing.nullable(),
    headroom_min: shape.headroom_min.nullable(),
    headroom_share: shape.headroom_share.nullable(),
    event_start_time: shape.event_start_time.nullable(),
    event_end_time: shape.event_end_time.nullable(),
    paused: shape.paused.nullable(),
    sold_out: shape.sold_out.nullable(),
    suspended: shape.suspended.nullable(),
    queue_all: shape.queue_all.nullable(),
    message: shape.message.nullable(),
  })
  .partial()

export type SettingsChange = z.infer<typeof settingsChange>

/** Whether a change touches what `findUnfitTimes` compares. */
export const changesTimes = (change: SettingsChange): boolean =>
  change.event_start_time !== undefined || change.event_end_time !== undefined

/**
 * The rules of the configuration, on what would be in force: the deployed settings, those live, and the change. Only
 * faults that the change takes part in: an older one must not keep the operator from pausing.
 */
export function findUnfitTimes(
  change: SettingsChange,
  { room, live, nowMs }: { readonly room: Room; readonly live: LiveSettings; readonly nowMs: number },
): FieldError[] {
  const timeOf = (name: 'event_start_time' | 'event_end_time') =>
    (change[name] === undefined ? live[name] : change[name]) ?? room[name]
  const times = {
    ...room,
    event_start_time: timeOf('event_start_time'),
    event_end_time: timeOf('event_end_time'),
  }
  return findTimeFaults(times, { nowMs }).flatMap(({ setting, value, message, against }) => {
    const changed = [setting, ...against].find((name) => Reflect.get(change, name) !== undefined)
    if (changed === undefined) return []
    return [
      {
        field: `/${changed}`,
        message: changed === setting ? message : `leaves ${setting} = "${value}", which ${message}`,
      },
    ]
  })
}
