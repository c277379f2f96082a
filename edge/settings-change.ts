// What an operator may send to change a room while the sale runs. Used by the admin routes and the API description.

import { z } from 'zod'
import { liveSettings } from '../src/config/room.ts'

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
